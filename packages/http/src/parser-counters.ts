// What a parser counted. Two sums balance at every moment, so nothing can get lost without a count.

import { type RejectReason, zeroedRejects } from './reject.ts';

/**
 * `begun = requests + Σ rejected`, plus one while a request is under way (`RequestParser.isInRequest`);
 * `pushedBytes = deliveredBytes + rejectedBytes + skippedBytes + RequestParser.pendingBytes`.
 */
export interface ParserCounters {
  /** Requests whose beginning was recognised. */
  readonly begun: number;
  /** Requests delivered. */
  readonly requests: number;
  /** Requests given up, by reason; every reason is there, 0 included. */
  readonly rejected: Readonly<Record<RejectReason, number>>;
  /** Bytes given to the parser. */
  readonly pushedBytes: number;
  /** Bytes of delivered requests. */
  readonly deliveredBytes: number;
  /** Bytes of rejected requests, as far as their end could be known. */
  readonly rejectedBytes: number;
  /** Bytes that belong to no request: empty lines before one, what was passed over to find one, other protocols. */
  readonly skippedBytes: number;
  /** Bytes reported as lost. */
  readonly gapBytes: number;
}

/** The same, to be counted in. */
export type CountersInUse = { -readonly [Name in keyof ParserCounters]: ParserCounters[Name] } & {
  rejected: Record<RejectReason, number>;
};

/** All counters at 0. */
export function zeroedCounters(): CountersInUse {
  return {
    begun: 0,
    requests: 0,
    rejected: zeroedRejects(),
    pushedBytes: 0,
    deliveredBytes: 0,
    rejectedBytes: 0,
    skippedBytes: 0,
    gapBytes: 0,
  };
}
