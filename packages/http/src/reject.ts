// Why a request that was begun is not delivered. Bad input is data: each reason is counted by the parser that met it.

/** Every reason, in the order of a message's parts; the keys of the parser's `rejected` counters. */
export const rejectReasons = [
  'malformed-request-line',
  'unsupported-version',
  'http-0.9',
  'head-too-long',
  'too-many-headers',
  'malformed-header',
  'transfer-encoding-and-content-length',
  'transfer-encoding-in-http-1.0',
  'transfer-encoding-not-chunked',
  'content-length-invalid',
  'content-length-conflict',
  'body-too-long',
  'malformed-chunk',
  'chunk-extensions-too-long',
  'trailers-too-long',
  'gap',
  'memory',
  'expectation-refused',
  'opaque',
  'unfinished',
] as const;

/**
 * Why a request was given up.
 *
 * - `malformed-request-line` it ends in HTTP/ and something, or starts with a well-known method, but is no request line
 * - `unsupported-version` HTTP/ and two digits, but not version 1
 * - `http-0.9` method and target without a version
 * - `head-too-long`, `too-many-headers` over the parser's `maxHeadBytes`, `maxHeaders` (trailers: the same count)
 * - `malformed-header` a folded line with nothing to continue, or blanks before the colon of a field that decides the framing
 * - `transfer-encoding-…`, `content-length-…` the length of the body would be a guess (RFC 9112 §6.3)
 * - `body-too-long` over `maxBodyBytes`; its bytes are skipped, the request after it is read
 * - `malformed-chunk`, `chunk-extensions-too-long`, `trailers-too-long` the chunked coding is broken or over its limits
 * - `gap` bytes of it were lost on the way
 * - `memory` the budget had to let it go: of all unfinished requests it was the longest without progress
 * - `expectation-refused` the server answered `Expect: 100-continue` with a refusal, and the client sent no body
 * - `opaque` the owner said, in the middle of it, that the stream is no longer HTTP
 * - `unfinished` the stream ended in it
 */
export type RejectReason = (typeof rejectReasons)[number];

/** The reasons of both sides, given by what they share. */
export type SharedReason = Extract<
  RejectReason,
  | 'head-too-long'
  | 'too-many-headers'
  | 'malformed-header'
  | 'body-too-long'
  | 'malformed-chunk'
  | 'chunk-extensions-too-long'
  | 'trailers-too-long'
  | 'gap'
  | 'memory'
  | 'opaque'
  | 'unfinished'
>;

/** A request that was begun and will not be delivered. Exactly one for each. */
export interface RequestReject {
  readonly reason: RejectReason;
  /** Capture time, in microseconds since the epoch, of the bytes (or of the gap or end) that decided it. */
  readonly timestampUs: number;
  /** Which request of its connection, from 0; delivered ones count too. */
  readonly index: number;
}

/** A counter for each reason, all 0. */
export function zeroedRejects(): Record<RejectReason, number> {
  return Object.fromEntries(rejectReasons.map((reason) => [reason, 0])) as Record<RejectReason, number>;
}
