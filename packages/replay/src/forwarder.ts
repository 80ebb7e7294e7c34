// What a target needs of whatever carries requests to it. Implementations own sockets; targets own time and order.

import type { FailedReason, SkippedReason } from './reasons.ts';
import type { ReplayRequest } from './request.ts';
import type { SessionSocketCounts } from './session-socket-counts.ts';

/**
 * Told how one request fares: `onSent` at most once, then `onEnd` exactly once, perhaps before `forward` returns.
 * Call them on the object that `forward` was given: they are methods, so that no request needs closures.
 */
export interface ForwardListener {
  /** The request is on a socket: called in the same turn as its first byte is written. */
  readonly onSent: () => void;
  /** The answer's status, 200 and above; its body has not yet been read. */
  readonly onStatus: (status: number) => void;
  /** Over. `undefined`: answered, and read to the end. The socket is free or gone when this is called. */
  readonly onEnd: (reason: FailedReason | 'cannot-send' | undefined) => void;
}

/** One request on its way. */
export interface ForwardHandle {
  /** Gives up: closes the socket, and calls `onEnd(reason)` before it returns. Nothing where the request is over. */
  readonly abort: (reason: FailedReason) => void;
}

/** Carries requests to one target. It never sends a request twice, and never throws for a request's sake. */
export interface Forwarder {
  /** Why a request is not even tried, known from the request alone; `undefined`: it may be tried. */
  readonly refusal: (request: ReplayRequest) => SkippedReason | undefined;
  /** Sends a request at once. The target never has more than `connections` of them under way. */
  readonly forward: (request: ReplayRequest, listener: ForwardListener) => ForwardHandle;
  /** Of the requests sent, those that the way that was chosen could not say, and that went exactly; 0 where it is missing. */
  readonly sentExactly?: number;
  /** The captured connection ended, and none of its requests waits or is under way. Without `sessions` of no matter. */
  readonly endConnection?: (connection: string | number) => void;
  /** What became of sockets; with `sessions`, where it is counted. */
  readonly sessionSockets?: SessionSocketCounts | undefined;
  /** Closes every socket. May be called twice. */
  readonly close: () => Promise<void>;
}

/** Where a forwarder sends to, and how. */
export interface Destination {
  /** As in the target's spec: scheme, host, port, base path without a trailing slash. */
  readonly url: string;
  /** Most requests under way, each on a socket of its own; idle sockets come besides, for 1.5 s, or with `sessions`. */
  readonly connections: number;
  /** Longest that a connection may take to open, in milliseconds. */
  readonly timeoutMs: number;
  /** Leaves Host as captured. */
  readonly originalHost: boolean;
  /** Adds the mark by which listeners leave replayed requests alone. */
  readonly mark: boolean;
  /** Does not verify certificates. */
  readonly insecure: boolean;
  /** Each captured connection has a connection of its own, opened with its first request and closed when it has ended. */
  readonly sessions: boolean;
  /** Most of these open at a time; more only while all of them are busy. */
  readonly maxSessionSockets: number;
}
