// What a replayer may be told: each option with its unit, range and default. options.ts has the defaults.

import type { CircuitChange } from './circuit.ts';
import type { Clock } from './clock.ts';
import type { Destination, Forwarder } from './forwarder.ts';
import type { LeaseSource } from './lease-stock.ts';
import type { Outcome } from './outcomes.ts';
import type { TargetSpec } from './target-spec.ts';

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
  /**
   * Sends requests at their recorded spacing, so many milliseconds behind: each is due at its capture time plus the
   * difference of the clocks, which is estimated for each `source`, plus this. What comes later than that goes at once, and
   * is counted (`late`). Those that wait count in the two limits above. 0 to 60,000; undefined: due on arrival.
   */
  readonly delayMs?: number | undefined;
  /**
   * Spares a target that does not answer: after 10 connect failures or time-outs in a row, and 1 s, without an answer it
   * gets one request a second until it answers one; what waits then, and comes meanwhile, is skipped. True.
   */
  readonly circuit?: boolean;
  /** Adds `Gor-Replayed: 1`, by which listeners leave the copies alone. True. */
  readonly mark?: boolean;
  /** Leaves Host as captured instead of naming the target. False. */
  readonly originalHost?: boolean;
  /**
   * Gives each captured connection a connection of its own to each target, opened with its first request, closed after
   * `endConnection`, and sends Connection as captured. Not with `forwarder: 'undici'`. False.
   */
  readonly sessions?: boolean;
  /** With `sessions`, most connections open to each target; the least recently used idle one goes. 1 and above; 16,384. */
  readonly maxSessionSockets?: number;
  /** Does not verify certificates of https targets. False. */
  readonly insecure?: boolean;
  /** Called at each request's end, once for each target, after it is counted. What it throws becomes an uncaught exception. */
  readonly onOutcome?: (outcome: Outcome) => void;
  /** Called when a target's circuit opens, before what waits is skipped, and when it closes. What it throws becomes uncaught. */
  readonly onCircuit?: (change: CircuitChange) => void;
  /** Most outcomes kept for a reader of `outcomes()` that is slow; further ones are dropped and counted. 10,000. */
  readonly maxQueuedOutcomes?: number;
  /** Where time comes from; the machine's monotonic clock. */
  readonly clock?: Clock;
  /** Who has the authority over a target's rate; Bottleneck in this process. Called once for each target with a rate. */
  readonly leaseSource?: (url: string, ratePerSecond: number) => LeaseSource;
  /**
   * Who carries requests. `exact`: their captured bytes. `undici`: the HTTP client of Node's own project; what that
   * refuses goes exactly, counted (`sentExactly`). Or one of your own, made once for each target. `exact`.
   */
  readonly forwarder?: 'exact' | 'undici' | ((destination: Destination) => Forwarder);
  /** Closes the replayer; `drain()` then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}
