// What a line must be to start a request in a stream whose place is lost, and what a stream's first bytes say about its
// protocol. Here wrong is worse than late: a request must never be made up out of a body or a tunnel.

import { BLANK, COLON, CR, IS_TOKEN, LF } from './characters.ts';
import { latin1 } from './latin1.ts';
import { endOfMethod, isKnownMethod } from './methods.ts';
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
  for (let at = 0; at < end; at++) if (line[at]! < BLANK || line[at] === 0x7f) return false;
  const text = latin1(line, 0, line.length);
  const parsed = parseRequestLine(text);
  if (typeof parsed === 'string' || !isKnownMethod(parsed.method) || parsed.target.includes(' ')) return false;
  return text === `${parsed.method} ${parsed.target} HTTP/${parsed.version}\r\n`;
}

/** Whether a whole line, LF included, can follow a request line: a field line, or the empty line. */
export function isPlausibleFieldLine(line: Uint8Array): boolean {
  let end = 0;
  while (IS_TOKEN[line[end]!] === 1) end++;
  if (end > 0) return line[end] === COLON;
  return line[0] === LF || (line[0] === CR && line[1] === LF);
}
