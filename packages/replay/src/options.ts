// The replayer's defaults, and its options resolved once. Misuse is refused with name, value and range.

import { checkForwarder } from './choose-forwarder.ts';
import { systemClock } from './clock.ts';
import type { ReplayerOptions } from './replayer-options.ts';
import { resolveTargets } from './resolve-targets.ts';
import type { TargetSpec } from './target-spec.ts';

/** What is in force where nothing is given; ReplayerOptions says what each is. */
export const replayerDefaults = {
  bufferMs: 1_000,
  maxWaitingRequests: 65_536,
  maxWaitingBytes: 64 * 1024 * 1024,
  timeoutMs: 5_000,
  connections: 512,
  keepOrder: true,
  orderWaitMs: 1_000,
  circuit: true,
  mark: true,
  originalHost: false,
  sessions: false,
  maxSessionSockets: 16_384,
  insecure: false,
  forwarder: 'exact' as NonNullable<ReplayerOptions['forwarder']>,
  maxQueuedOutcomes: 10_000,
  clock: systemClock,
};

/** The options with all their defaults, and the targets as specs. */
export type ResolvedOptions = Required<Pick<ReplayerOptions, keyof typeof replayerDefaults>> &
  Omit<ReplayerOptions, keyof typeof replayerDefaults | 'targets'> & { readonly targets: readonly TargetSpec[] };

/** Fills in the defaults. Throws TypeError or RangeError that names the option, its value, and what it may be. */
export function resolveOptions(options: ReplayerOptions): ResolvedOptions {
  const resolved = { ...replayerDefaults, ...options, targets: resolveTargets(options.targets) };
  for (const [name, value] of Object.entries(resolved)) {
    const least = name === 'timeoutMs' || name === 'connections' || name === 'maxSessionSockets' ? 1 : 0;
    if (typeof replayerDefaults[name as keyof typeof replayerDefaults] === 'number' && !(Number(value) >= least)) {
      throw new RangeError(`${name} is ${value}; it must be a number of ${least} or more`);
    }
  }
  checkForwarder(resolved);
  return resolved;
}
