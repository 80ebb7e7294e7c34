// What a line must be to start a request or a response in a stream whose place is lost, and which side of a connection sent
// it. Here wrong is worse than late: a message must never be made up out of a body or a tunnel.

import { BLANK, COLON, CR, IS_TOKEN, LF } from './characters.ts';
import { latin1 } from './latin1.ts';
import { couldBecomeRequest, endOfMethod, isKnownMethod } from './methods.ts';
import { parseRequestLine } from './request-line.ts';

/** Whether the bytes start with a well-known method and a blank. Cheap; says nothing about the rest of the line. */
export function looksLikeRequest(bytes: Uint8Array): boolean {
  const end = endOfMethod(bytes);
  return end > 0 && isKnownMethod(latin1(bytes, 0, end));
}

/**
 * Which side of an HTTP/1.x connection sent bytes that start like these, for connections whose handshake was not seen:
 * a request line is the client's, a status line the server's; undefined where they start with neither.
 */
export function roleOf(bytes: Uint8Array): 'client' | 'server' | undefined {
  if (bytes.length >= 7 && latin1(bytes, 0, 7) === 'HTTP/1.') return 'server';
  return looksLikeRequest(bytes) ? 'client' : undefined;
}

/**
 * Whether a whole line, LF included, can be trusted to be a request line: a well-known method, one blank, a target without
 * blanks and control characters, one blank, HTTP/1.x, CRLF. Stricter than a parser in step needs to be.
 */
export function isTrustedRequestLine(line: Uint8Array): boolean {
  const end = line.length - 2;
  if (end < 0 || line[end] !== CR) return false;
  if (hasControls(line, end)) return false;
  const text = latin1(line, 0, line.length);
  const parsed = parseRequestLine(text);
  if (typeof parsed === 'string' || !isKnownMethod(parsed.method) || parsed.target.includes(' ')) return false;
  return text === `${parsed.method} ${parsed.target} HTTP/${parsed.version}\r\n`;
}

const TRUSTED_STATUS_LINE = /^HTTP\/1\.[01] [1-5]\d\d(?: [^\r\n]*)?\r\n$/;

/** Whether a whole line, LF included, can be trusted to be a status line: `HTTP/1.0` or `1.1`, one blank, 100 to 599, CRLF. */
export function isTrustedStatusLine(line: Uint8Array): boolean {
  if (line.length < 14 || hasControls(line, line.length - 2)) return false;
  return TRUSTED_STATUS_LINE.test(latin1(line, 0, line.length));
}

/**
 * Whether bytes begin with a whole request line that can be trusted, and a line that can follow one; undefined where they may
 * yet: then they are a beginning of such lines.
 */
export function startsTrustedRequest(bytes: Uint8Array): boolean | undefined {
  const isStart = couldBecomeRequest(bytes);
  if (isStart !== true) return isStart;
  const lineEnd = bytes.indexOf(LF) + 1;
  if (lineEnd === 0) return undefined;
  if (!isTrustedRequestLine(bytes.subarray(0, lineEnd))) return false;
  const secondEnd = bytes.indexOf(LF, lineEnd) + 1;
  return secondEnd === 0 ? undefined : isPlausibleFieldLine(bytes.subarray(lineEnd, secondEnd));
}

/** Whether a whole line, LF included, can follow a start line: a field line, or the empty line. */
export function isPlausibleFieldLine(line: Uint8Array): boolean {
  let end = 0;
  while (IS_TOKEN[line[end]!] === 1) end++;
  if (end > 0) return line[end] === COLON;
  return line[0] === LF || (line[0] === CR && line[1] === LF);
}

function hasControls(bytes: Uint8Array, end: number): boolean {
  for (let at = 0; at < end; at++) if (bytes[at]! < BLANK || bytes[at] === 0x7f) return true;
  return false;
}
