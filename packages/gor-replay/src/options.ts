// The replay server's flags, and from flags to its configuration.
import {
  type Flag,
  type FlagValues,
  parseCount,
  parseDurationMs,
  parseNetworks,
  parsePort,
  UsageError,
} from '@gor/cli';
import { parseTargets, type TargetSpec } from '@gor/replay';
import { parseRedisUrl, type RedisAddress } from './shared-limit.ts';

/** What a replay server does. */
export interface ReplayConfig {
  /** Address to listen on. */
  readonly host: string;
  /** UDP port to listen on; 0 lets the system choose. */
  readonly port: number;
  /** Networks from which datagrams are taken, as `10.0.0.0/8` or `::1`; undefined, the default: from everywhere. */
  readonly from?: readonly string[] | undefined;
  /** 32 bytes each, all valid at once: only what one of them opens is taken. Undefined, the default: only what is readable. */
  readonly keys?: readonly Uint8Array[] | undefined;
  readonly targets: readonly TargetSpec[];
  /** How long a request over a target's limit may wait. */
  readonly bufferMs: number;
  /** From due to the last byte of the answer. */
  readonly timeoutMs: number;
  /** Requests in flight for each target. */
  readonly connections: number;
  /** Who sends: `exact` the captured bytes, `undici` what that client makes of them. */
  readonly forwarder: 'exact' | 'undici';
  /** Keep the captured Host instead of the target's. */
  readonly originalHost: boolean;
  /** Do not verify the certificates of https targets. */
  readonly insecure: boolean;
  /** Add the header that says a request was replayed. */
  readonly mark: boolean;
  /** Keep the order of each captured connection. */
  readonly keepOrder: boolean;
  /** A socket of its own at each target for each captured connection. */
  readonly sessions: boolean;
  /** The Redis through which all servers with the same target and limit share it. Undefined: each has its own. */
  readonly sharedLimit?: RedisAddress | undefined;
  /** A path to write one JSON line a request to. */
  readonly resultsFile: string | undefined;
  /** Send at the recorded spacing, so much behind; undefined, the default: each request when it arrives. */
  readonly delayMs?: number | undefined;
  /** Longest that order holds a request after it was due; undefined: 1,000. */
  readonly orderWaitMs?: number | undefined;
  /** Spare a target that does not answer: one request a second until it does. */
  readonly circuit: boolean;
}

/** Where the program's keys stand. */
export interface ReplayKeyFile {
  /** The path of a key file, all keys of which are valid; undefined: no keys. */
  readonly keyFile: string | undefined;
}

/** The flags of gor-replay, in the order of its help. */
export const replayFlags: readonly Flag[] = [
  {
    name: 'forward',
    letter: 'f',
    kind: 'value',
    defaultText: 'http://localhost:8080',
    description: 'Targets as url[|limit], several by comma; limit 10 a second, or 10% of connections',
  },
  { name: 'ip', kind: 'value', defaultText: '0.0.0.0', description: 'Address to listen on; :: for IPv6, too' },
  { name: 'port', letter: 'p', kind: 'value', defaultText: '28020', description: 'UDP port to listen on' },
  { name: 'from', kind: 'value', description: 'Take datagrams from these networks only: 10.0.0.0/8, several by comma' },
  {
    name: 'key-file',
    kind: 'value',
    description: 'Take only what a key of this file opens (gor key); read again at SIGHUP',
  },
  { name: 'buffer', kind: 'value', defaultText: '1s', description: 'How long a request over the limit may wait' },
  { name: 'timeout', kind: 'value', defaultText: '5s', description: 'From due to the last byte of the answer' },
  { name: 'connections', kind: 'value', defaultText: '512', description: 'Requests in flight for each target' },
  {
    name: 'forwarder',
    kind: 'value',
    defaultText: 'exact',
    description: 'Who sends: exact (the captured bytes) or undici (an HTTP client, which rewrites them)',
  },
  { name: 'original-host', kind: 'switch', description: "Keep the captured Host header instead of the target's" },
  { name: 'insecure', kind: 'switch', description: 'Do not verify the certificates of https targets' },
  { name: 'no-mark', kind: 'switch', description: 'Do not add the header Gor-Replayed: 1' },
  { name: 'no-order', kind: 'switch', description: 'Do not keep the order of each captured connection' },
  { name: 'results', kind: 'value', description: 'Write one JSON line a request to this file' },
  {
    name: 'delay',
    kind: 'value',
    description: 'Send at the recorded spacing, so long behind: 200ms (up to 60s); else on arrival',
  },
  {
    name: 'order-wait',
    kind: 'value',
    defaultText: '1s',
    description: 'How long order holds a request after it was due',
  },
  { name: 'no-circuit', kind: 'switch', description: 'Send all to a target that does not answer, not one a second' },
  {
    name: 'shared-limit',
    kind: 'value',
    description:
      'Share the per-second limits with all servers that give this Redis: redis://[[user]:password@]host[:port][/0]',
  },
  {
    name: 'sessions',
    kind: 'switch',
    description: 'Give each captured connection a connection of its own to the target',
  },
];

/** Throws UsageError. */
export function configureReplay(values: FlagValues): ReplayConfig & ReplayKeyFile {
  const bufferMs = parseDurationMs('--buffer', values.textOf('buffer'));
  const timeoutMs = timeoutOf(values.textOf('timeout'));
  const from = values.text('from');
  const forwarder = forwarderOf(values.textOf('forwarder'));
  const sessions = values.on('sessions');
  if (sessions && forwarder === 'undici') {
    throw new UsageError(
      '--sessions: undici shares its connections between captured ones; leave --forwarder undici out',
    );
  }
  const sharedLimit = values.text('shared-limit');
  return {
    host: addressOf(values.textOf('ip')),
    port: parsePort('--port', values.textOf('port'), true),
    from: from === undefined ? undefined : parseNetworks('--from', from),
    keyFile: values.text('key-file'),
    targets: targetsOf(values.textOf('forward')),
    bufferMs,
    timeoutMs,
    connections: parseCount('--connections', values.textOf('connections'), 1, 65_535),
    forwarder,
    originalHost: values.on('original-host'),
    insecure: values.on('insecure'),
    mark: !values.on('no-mark'),
    keepOrder: !values.on('no-order'),
    sessions,
    sharedLimit: sharedLimit === undefined ? undefined : parseRedisUrl(sharedLimit),
    resultsFile: values.text('results'),
    delayMs: delayOf(values.text('delay')),
    orderWaitMs: parseDurationMs('--order-wait', values.textOf('order-wait')),
    circuit: !values.on('no-circuit'),
  };
}

function targetsOf(text: string): readonly TargetSpec[] {
  const targets = parseTargets(text);
  if ('problem' in targets) throw new UsageError(`--forward: ${targets.message}`);
  const twice = targets.find(({ url }, at) => targets.findIndex((other) => other.url === url) < at);
  if (twice !== undefined) throw new UsageError(`--forward: ${twice.url} is given twice`);
  return targets;
}

function addressOf(text: string): string {
  const address = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
  if (/^[\w.:%-]+$/.test(address)) return address;
  throw new UsageError(`--ip: "${text}" is not an address`);
}

function forwarderOf(text: string): ReplayConfig['forwarder'] {
  if (text === 'exact' || text === 'undici') return text;
  throw new UsageError(`--forwarder: "${text}" is none; choose exact or undici`);
}

function delayOf(text: string | undefined): number | undefined {
  const delayMs = text === undefined ? undefined : parseDurationMs('--delay', text);
  if (delayMs === undefined || delayMs <= 60_000) return delayMs;
  throw new UsageError(`--delay: "${text}" is longer than 60s`);
}

function timeoutOf(text: string): number {
  const timeoutMs = parseDurationMs('--timeout', text);
  if (timeoutMs > 0) return timeoutMs;
  throw new UsageError(`--timeout: "${text}" leaves no time for an answer`);
}
