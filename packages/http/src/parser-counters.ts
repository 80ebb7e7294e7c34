// What a parser counted. Two sums balance at every moment, so nothing can get lost without a count.

import { type RejectReason, zeroedRejects } from './reject.ts';
import { type ResponseRejectReason, zeroedResponseRejects } from './response-reject.ts';

/** What the parsers of both sides count. */
export interface StreamCounters {
  /** Messages whose beginning was recognised. */
  readonly begun: number;
  /** Bytes given to the parser. */
  readonly pushedBytes: number;
  /** Bytes of delivered messages. */
  readonly deliveredBytes: number;
  /** Bytes of rejected messages, as far as their end could be known. */
  readonly rejectedBytes: number;
  /** Bytes that belong to no message: empty lines before one, what was passed over to find one, other protocols. */
  readonly skippedBytes: number;
  /** Bytes reported as lost. */
  readonly gapBytes: number;
}

/**
 * `begun = requests + Σ rejected`, plus one while a request is under way (`RequestParser.isInRequest`);
 * `pushedBytes = deliveredBytes + rejectedBytes + skippedBytes + RequestParser.pendingBytes`.
 */
export interface ParserCounters extends StreamCounters {
  /** Requests delivered. */
  readonly requests: number;
  /** Requests given up, by reason; every reason is there, 0 included. */
  readonly rejected: Readonly<Record<RejectReason, number>>;
}

/**
 * `begun = responses + Σ rejected`, plus one while a response is under way (`ResponseParser.isInResponse`);
 * `pushedBytes = deliveredBytes + rejectedBytes + skippedBytes + ResponseParser.pendingBytes`.
 */
export interface ResponseCounters extends StreamCounters {
  /** Responses that came whole, interim ones among them. */
  readonly responses: number;
  /** Of these, those of which it is not known which request they answer. */
  readonly unpaired: number;
  /** Responses given up, by reason; every reason is there, 0 included. */
  readonly rejected: Readonly<Record<ResponseRejectReason, number>>;
}

type InUse<Counters> = { -readonly [Name in keyof Counters]: Counters[Name] };

/** The same, to be counted in. */
export type StreamCountersInUse = InUse<StreamCounters>;

/** The same, to be counted in. */
export type CountersInUse = InUse<ParserCounters> & { rejected: Record<RejectReason, number> };

/** The same, to be counted in. */
export type ResponseCountersInUse = InUse<ResponseCounters> & { rejected: Record<ResponseRejectReason, number> };

/** A request parser's counters, all at 0. A literal: put together out of parts it would take much more memory. */
export function zeroedCounters(): CountersInUse {
  return {
    begun: 0,
    requests: 0,
    pushedBytes: 0,
    deliveredBytes: 0,
    rejectedBytes: 0,
    skippedBytes: 0,
    gapBytes: 0,
    rejected: zeroedRejects(),
  };
}

/** A response parser's counters, all at 0. */
export function zeroedResponseCounters(): ResponseCountersInUse {
  return {
    begun: 0,
    responses: 0,
    unpaired: 0,
    pushedBytes: 0,
    deliveredBytes: 0,
    rejectedBytes: 0,
    skippedBytes: 0,
    gapBytes: 0,
    rejected: zeroedResponseRejects(),
  };
}
