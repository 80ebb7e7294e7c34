// Why a response that was begun is not delivered. Bad input is data: each reason is counted by the parser that met it.

import type { RequestReference } from './response.ts';

/** Every reason, in the order of a message's parts; the keys of the parser's `rejected` counters. */
export const responseRejectReasons = [
  'malformed-status-line',
  'unsupported-version',
  'http-0.9',
  'head-too-long',
  'too-many-headers',
  'malformed-header',
  'transfer-encoding-in-http-1.0',
  'content-length-invalid',
  'content-length-conflict',
  'body-too-long',
  'malformed-chunk',
  'chunk-extensions-too-long',
  'trailers-too-long',
  'gap',
  'memory',
  'opaque',
  'unfinished',
] as const;

/**
 * Why a response was given up. Those that requests have, too, mean the same; besides:
 *
 * - `malformed-status-line` it starts with HTTP/, but is no status line: no three digits from 100 to 999 behind the version
 * - `unsupported-version` HTTP/ and two digits, but not version 1
 * - `http-0.9` a request waits, and what comes first on the connection is no status line: all of it, up to the end
 * - `body-too-long` over `maxBodyBytes`; a body that lasts until the connection closes may turn out so late
 * - `unfinished` the stream ended in it; a body that lasts until then is whole only where its sender closed the connection
 */
export type ResponseRejectReason = (typeof responseRejectReasons)[number];

/** A response that was begun and will not be delivered. Exactly one for each. */
export interface ResponseReject {
  readonly reason: ResponseRejectReason;
  /** Capture time, in microseconds since the epoch, of the bytes (or of the gap or end) that decided it. */
  readonly timestampUs: number;
  /** Which response of its connection, from 0; delivered ones and interim ones count too. */
  readonly index: number;
  /** The request that it answers, where its head was read and that is known. */
  readonly request: RequestReference | undefined;
}

/** A counter for each reason, all 0. */
export function zeroedResponseRejects(): Record<ResponseRejectReason, number> {
  return Object.fromEntries(responseRejectReasons.map((reason) => [reason, 0])) as Record<ResponseRejectReason, number>;
}
