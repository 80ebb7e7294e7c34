// One whole request out of bytes that hold exactly one, for whoever got it as a record. The same rules as RequestParser,
// without its limits: the bytes are all there already.

import { ChunkedScanner } from './chunked.ts';
import { parseFields } from './fields.ts';
import { framingOfRequest } from './framing.ts';
import { latin1 } from './latin1.ts';
import { LineScanner } from './line-scanner.ts';
import { endOfMethod } from './methods.ts';
import type { RejectReason } from './reject.ts';
import type { HttpRequest } from './request.ts';
import { parseRequestLine } from './request-line.ts';

const NO_LIMITS = { maxHeadBytes: Infinity, maxBodyBytes: Infinity, maxHeaders: Infinity };

/**
 * Reads one request that starts at the first byte and ends at the last. Returns the request, a view of the same bytes,
 * with `timestampUs` (default 0) for both its times and 0 for its index; or why they are none: the parser's
 * reasons, `unfinished` where bytes are missing, `trailing-bytes` where there are more than one request's.
 */
export function parseRequest(bytes: Uint8Array, timestampUs = 0): HttpRequest | RejectReason | 'trailing-bytes' {
  const lines = new LineScanner();
  const lineEnd = lines.next(bytes, 0);
  if (lineEnd < 0) return 'unfinished';
  if (endOfMethod(bytes) < 0) return 'malformed-request-line';
  const line = parseRequestLine(latin1(bytes, 0, lineEnd));
  if (typeof line === 'string') return line === 'not-a-request' ? 'malformed-request-line' : line;
  const bodyStart = endOfHead(lines, bytes, lineEnd);
  if (bodyStart < 0) return 'unfinished';
  const headers = parseFields(latin1(bytes, lineEnd, bodyStart));
  if (typeof headers === 'string') return headers;
  const framing = framingOfRequest(line.version, headers);
  if (typeof framing === 'string') return framing;

  let end = bodyStart;
  let bodyLength = 0;
  let trailers: readonly string[] | RejectReason = [];
  if (framing.kind === 'content-length') {
    bodyLength = framing.length;
    end += bodyLength;
    if (end > bytes.length) return 'unfinished';
  } else if (framing.kind === 'chunked') {
    const chunked = new ChunkedScanner(NO_LIMITS);
    end = chunked.scan(bytes, bodyStart);
    if (chunked.status !== 'complete') return chunked.status === 'more' ? 'unfinished' : chunked.status;
    bodyLength = chunked.bodyLength;
    trailers = parseFields(latin1(bytes, end - chunked.trailerBytes, end));
    if (typeof trailers === 'string') return trailers;
  }
  if (end < bytes.length) return 'trailing-bytes';
  const { method, target, version } = line;
  const times = { firstByteUs: timestampUs, lastByteUs: timestampUs, index: 0 };
  return { method, target, version, headers, bytes, bodyStart, framing: framing.kind, bodyLength, trailers, ...times };
}

/** The offset behind the empty line, or -1 where it is missing. */
function endOfHead(lines: LineScanner, bytes: Uint8Array, at: number): number {
  do at = lines.next(bytes, at);
  while (at >= 0 && !lines.lineIsEmpty);
  return at;
}
