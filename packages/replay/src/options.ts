// The replayer's options, resolved once: defaults beside their names, misuse refused with name, value and range.

import { type Clock, systemClock } from './clock.ts';
import type { Destination, Forwarder } from './forwarder.ts';
import type { LeaseSource } from './lease-stock.ts';
import type { Outcome } from './outcomes.ts';
import { isLimitInRange, parseTargetSpec, type TargetSpec } from './target-spec.ts';

/** What `createReplayer` takes. Only `targets` is needed; every store is bounded by default. */
export interface ReplayerOptions {
  /** `url[|limit]` or specs; each different. At least one. */
  readonly targets: readonly (string | TargetSpec)[];
  /** How long a ready request may wait for the limit or a socket, in milliseconds; the order wait is not counted. 1,000. */
  readonly bufferMs?: number;
  /** Most requests that wait for each target, without those in flight; the oldest goes. 65,536. */
  readonly maxWaitingRequests?: number;
  /** Most bytes held for each target, those in flight included. Targets share bodies, so they add up to less. 64 MiB. */
  readonly maxWaitingBytes?: number;
  /** From due to the last byte of the answer, in milliseconds. 5,000. */
  readonly timeoutMs?: number;
  /** Most requests in flight, and sockets, for each target. 1 and above; 512. */
  readonly connections?: number;
  /** Requests of one captured connection start in order, each when the one before is over. True. */
  readonly keepOrder?: boolean;
  /** Longest that order holds a request after it was due, in milliseconds; then it goes beside the one before. 1,000. */
  readonly orderWaitMs?: number;
  /** Adds `Gor-Replayed: 1`, by which listeners leave the copies alone. True. */
  readonly mark?: boolean;
  /** Leaves Host as captured instead of naming the target. False. */
  readonly originalHost?: boolean;
  /** Does not verify certificates of https targets. False. */
  readonly insecure?: boolean;
  /** Called at each request's end, once for each target, after it is counted. What it throws becomes an uncaught exception. */
  readonly onOutcome?: (outcome: Outcome) => void;
  /** Most outcomes kept for a reader of `outcomes()` that is slow; further ones are dropped and counted. 10,000. */
  readonly maxQueuedOutcomes?: number;
  /** Where time comes from; the machine's monotonic clock. */
  readonly clock?: Clock;
  /** Who has the authority over a target's rate; Bottleneck in this process. Called once for each target with a rate. */
  readonly leaseSource?: (url: string, ratePerSecond: number) => LeaseSource;
  /** Who carries requests; undici. Called once for each target. */
  readonly forwarder?: (destination: Destination) => Forwarder;
  /** Closes the replayer; `drain()` then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

const DEFAULTS = {
  bufferMs: 1_000,
  maxWaitingRequests: 65_536,
  maxWaitingBytes: 64 * 1024 * 1024,
  timeoutMs: 5_000,
  connections: 512,
  keepOrder: true,
  orderWaitMs: 1_000,
  mark: true,
  originalHost: false,
  insecure: false,
  maxQueuedOutcomes: 10_000,
  clock: systemClock,
};

type Defaults = typeof DEFAULTS;

/** All options that have a value. */
export type ResolvedOptions = Readonly<Defaults> & Omit<ReplayerOptions, keyof Defaults | 'targets'> & ResolvedTargets;

interface ResolvedTargets {
  readonly targets: readonly TargetSpec[];
}

/** Fills in the defaults. Throws TypeError or RangeError that names the option, its value, and what it may be. */
export function resolveOptions(options: ReplayerOptions): ResolvedOptions {
  const resolved: ResolvedOptions = { ...DEFAULTS, ...options, targets: resolveTargets(options.targets) };
  checkNumber('bufferMs', resolved.bufferMs, 0);
  checkNumber('maxWaitingRequests', resolved.maxWaitingRequests, 0);
  checkNumber('maxWaitingBytes', resolved.maxWaitingBytes, 0);
  checkNumber('timeoutMs', resolved.timeoutMs, 1);
  checkNumber('connections', resolved.connections, 1);
  checkNumber('orderWaitMs', resolved.orderWaitMs, 0);
  checkNumber('maxQueuedOutcomes', resolved.maxQueuedOutcomes, 0);
  return resolved;
}

function resolveTargets(targets: readonly (string | TargetSpec)[]): TargetSpec[] {
  if (!Array.isArray(targets) || targets.length === 0) throw new TypeError('targets must name at least one target');
  const specs = targets.map(resolveTarget);
  const seen = new Set<string>();
  for (const { url } of specs) {
    if (seen.has(url)) throw new TypeError(`targets names ${url} twice; each target has one limit and one ledger`);
    seen.add(url);
  }
  return specs;
}

function resolveTarget(target: string | TargetSpec): TargetSpec {
  const spec = parseTargetSpec(typeof target === 'string' ? target : target.url);
  if ('problem' in spec) throw new TypeError(spec.message);
  if (typeof target === 'string' || target.limit === undefined) return spec;
  if (!isLimitInRange(target.limit))
    throw new RangeError(`the limit of ${spec.url} is out of range: ${JSON.stringify(target.limit)}`);
  return { url: spec.url, limit: target.limit };
}

function checkNumber(name: string, value: number, least: number): void {
  if (typeof value !== 'number' || !(value >= least)) {
    throw new RangeError(`${name} is ${value}; it must be a number of ${least} or more`);
  }
}
