// The flags that every gor program has.
import type { Flag, FlagValues } from './flags.ts';
import type { Verbosity } from './program-output.ts';
import { parseDurationMs } from './quantity.ts';
import { UsageError } from './usage-error.ts';

/** Appended to each program's own flags. */
export const commonFlags: readonly Flag[] = [
  { name: 'ledger', kind: 'value', description: 'Write the final ledger as JSON to this file; - is stdout' },
  {
    name: 'stats-interval',
    kind: 'value',
    defaultText: '10s',
    description: 'Time between two lines of statistics; 0 for none',
  },
  { name: 'verbose', kind: 'switch', description: 'Show each request and other details' },
  { name: 'quiet', kind: 'switch', description: 'Show warnings and errors only' },
];

/** What the common flags say. */
export interface CommonOptions {
  /** A path, or `-` for stdout. */
  readonly ledgerFile: string | undefined;
  /** 0: no statistics. */
  readonly statsIntervalMs: number;
  readonly verbosity: Verbosity;
}

/** Throws UsageError. */
export function readCommonOptions(values: FlagValues): CommonOptions {
  if (values.on('verbose') && values.on('quiet')) throw new UsageError('--verbose and --quiet exclude each other');
  const statsIntervalMs = parseDurationMs('--stats-interval', values.text('stats-interval') ?? '10s');
  if (statsIntervalMs > 0 && statsIntervalMs < 100)
    throw new UsageError('--stats-interval: 100ms is the least, or 0 for none');
  const verbosity = values.on('verbose') ? 'verbose' : values.on('quiet') ? 'quiet' : 'normal';
  return { ledgerFile: values.text('ledger'), statsIntervalMs, verbosity };
}
