// What a line must be to start a request in a stream whose place is lost, and what a stream's first bytes say about its
// protocol. Here wrong is worse than late: a request must never be made up out of a body or a tunnel.

import { BLANK, COLON, CR, IS_TOKEN, LF } from './characters.ts';
import { latin1 } from './latin1.ts';
import { isKnownMethod, MAX_METHOD_BYTES } from './methods.ts';
import { parseRequestLine } from './request-line.ts';

/**
 * What a stream that starts with its connection speaks instead of HTTP/1.x requests.
 * `http-response`: the other side of such a connection. `unknown`: none of these; a request may still come later in it.
 */
export type OtherProtocol = 'tls' | 'http2' | 'ssh' | 'http-response' | 'unknown';

/** The protocol by the first bytes of a stream that are no request; as few as one byte. */
export function otherProtocolOf(bytes: Uint8Array): OtherProtocol {
  if (bytes[0] === 0x16) return 'tls'; // a handshake record (RFC 8446 §5.1); no text starts with it
  const text = latin1(bytes, 0, Math.min(bytes.length, 14));
  if (text.startsWith('PRI * HTTP/2.0')) return 'http2'; // RFC 9113 §3.4
  if (text.startsWith('SSH-')) return 'ssh'; // RFC 4253 §4.2
  if (text.startsWith('HTTP/')) return 'http-response';
  return 'unknown';
}

/** Whether the bytes start with a well-known method and a blank. Cheap; says nothing about the rest of the line. */
export function looksLikeRequest(bytes: Uint8Array): boolean {
  const most = Math.min(bytes.length, MAX_METHOD_BYTES + 1);
  let end = 0;
  while (end < most && IS_TOKEN[bytes[end]!] === 1) end++;
  return end > 0 && end < most && bytes[end] === BLANK && isKnownMethod(latin1(bytes, 0, end));
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
export function isTrustedRequestLine(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 2 || bytes[end - 2] !== CR) return false;
  for (let at = start; at < end - 2; at++) if (bytes[at]! < BLANK || bytes[at] === 0x7f) return false;
  const text = latin1(bytes, start, end);
  const line = parseRequestLine(text);
  if (typeof line === 'string' || !isKnownMethod(line.method)) return false;
  return text === `${line.method} ${line.target} HTTP/${line.version}\r\n` && !line.target.includes(' ');
}

/** Whether a whole line, LF included, can follow a request line: a field line, or the empty line. */
export function isPlausibleFieldLine(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end && IS_TOKEN[bytes[at]!] === 1) at++;
  if (at > start) return bytes[at] === COLON;
  return bytes[at] === LF || (bytes[at] === CR && bytes[at + 1] === LF);
}
