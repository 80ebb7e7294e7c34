// How long a message is: the one place that decides it, as the numbered steps of RFC 9112 §6.3. Where two servers could
// answer differently, the answer is a reason to reject, because a wrong guess makes requests up out of a body.

import { trimmed } from './fields.ts';

/** How the end of a request is found; `length` is the Content-Length, 0 or more. */
export type RequestFraming =
  | { readonly kind: 'none' }
  | { readonly kind: 'content-length'; readonly length: number }
  | { readonly kind: 'chunked' };

/** How the end of a message is found; only responses last until the connection closes. */
export type Framing = RequestFraming | { readonly kind: 'until-close' };

type ContentLengthReject = 'content-length-invalid' | 'content-length-conflict';

/** Why the length of a request would be a guess. */
export type FramingReject =
  | 'transfer-encoding-and-content-length'
  | 'transfer-encoding-in-http-1.0'
  | 'transfer-encoding-not-chunked'
  | ContentLengthReject;

/** Why the length of a response would be a guess. */
export type ResponseFramingReject = 'transfer-encoding-in-http-1.0' | ContentLengthReject;

const DIGIT_0 = 0x30;
/** Numbers of so many digits are exact as they are. */
const MOST_EXACT_DIGITS = 15;
const NONE: RequestFraming = { kind: 'none' };
const CHUNKED: RequestFraming = { kind: 'chunked' };
const UNTIL_CLOSE: Framing = { kind: 'until-close' };

/** Decides the framing of a request from its version (`1.1`) and its headers, flat and without surrounding blanks. */
export function framingOfRequest(version: string, headers: readonly string[]): RequestFraming | FramingReject {
  // Steps 1 and 2 are about responses: to HEAD, with 1xx, 204, 304, and 2xx to CONNECT.
  const codings = combined(headers, 'transfer-encoding');
  const lengths = combined(headers, 'content-length');
  // Step 3: both fields. "Ought to be handled as an error": smuggling is made of it.
  if (codings !== undefined && lengths !== undefined) return 'transfer-encoding-and-content-length';
  if (codings !== undefined) {
    // §6.1: in HTTP/1.0 the framing is to be taken as faulty.
    if (version === '1.0') return 'transfer-encoding-in-http-1.0';
    // Step 4: the last coding of a request has to be chunked, and that only once (§6.1).
    return endsInChunked(codings) ? CHUNKED : 'transfer-encoding-not-chunked';
  }
  // Steps 5 and 6: a list of equal valid values is that value, all else is invalid.
  if (lengths !== undefined) return contentLength(lengths);
  // Step 7: a request without either has no body. Step 8 is about responses.
  return NONE;
}

/**
 * Decides the framing of a response from its status, the method that it answers (undefined where that is not known), its
 * version and its headers. A response that takes its connection out of HTTP has none: what follows is no body.
 */
export function framingOfResponse(
  status: number,
  method: string | undefined,
  version: string,
  headers: readonly string[],
): Framing | ResponseFramingReject {
  // Step 1: whatever the fields say.
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return NONE;
  // Step 2: a tunnel begins behind the head.
  if (method === 'CONNECT' && status < 300) return NONE;
  const codings = combined(headers, 'transfer-encoding');
  if (codings !== undefined) {
    // §6.1: in HTTP/1.0 the framing is to be taken as faulty; clients differ about it.
    if (version === '1.0') return 'transfer-encoding-in-http-1.0';
    // Steps 3 and 4: it overrides Content-Length; where chunked is not the last coding, the connection's end is the body's.
    return lastElementOf(codings) === 'chunked' ? CHUNKED : UNTIL_CLOSE;
  }
  // Steps 5 and 6.
  const lengths = combined(headers, 'content-length');
  if (lengths !== undefined) return contentLength(lengths);
  // Step 7 is about requests. Step 8:
  return UNTIL_CLOSE;
}

/**
 * What may follow a message instead of HTTP, if the server agrees: a tunnel, or the protocol that Upgrade names: `websocket`,
 * `h2c` (HTTP/2), another.
 */
export type Tunnel = 'connect' | 'websocket' | 'h2c' | 'upgrade';

/** What may follow a message instead of HTTP, if the server agrees. */
export type Successor = 'connect' | 'upgrade';

/** What may follow this request: a tunnel (RFC 9110 §9.3.6), another protocol (§7.8), or, undefined, only requests. */
export function successorOf(method: string, headers: readonly string[]): Tunnel | undefined {
  if (method === 'CONNECT') return 'connect';
  const connection = combined(headers, 'connection');
  if (connection === undefined) return undefined;
  const upgrade = combined(headers, 'upgrade');
  if (upgrade === undefined || !elementsOf(connection.toLowerCase()).includes('upgrade')) return undefined;
  return upgradeTo(upgrade);
}

/** Whether the client waits for the server's word before it sends the body (RFC 9110 §10.1.1). */
export function expectsContinue(headers: readonly string[]): boolean {
  const expect = combined(headers, 'expect');
  return expect !== undefined && elementsOf(expect.toLowerCase()).includes('100-continue');
}

/** The name of what an Upgrade field asks for, or, of a response, what it goes over to (RFC 9110 §7.8). */
export function upgradeTo(protocols: string | undefined): Tunnel {
  const [first] = elementsOf((protocols ?? '').toLowerCase());
  return first === 'websocket' || first === 'h2c' ? first : 'upgrade';
}

/** All values of a field as one list (RFC 9110 §5.3), or undefined where the field is missing. */
function combined(headers: readonly string[], name: string): string | undefined {
  let list: string | undefined;
  const initial = name.charCodeAt(0);
  for (let at = 0; at < headers.length; at += 2) {
    const sent = headers[at]!;
    // Length and first letter, in either case, tell most names apart, and cost less than the lower case of all.
    if (sent.length !== name.length || (sent.charCodeAt(0) | 0x20) !== initial || sent.toLowerCase() !== name) continue;
    list = list === undefined ? headers[at + 1]! : `${list},${headers[at + 1]!}`;
  }
  return list;
}

function endsInChunked(list: string): boolean {
  const codings = elementsOf(list.toLowerCase()).filter((coding) => coding !== '');
  return codings.indexOf('chunked') === codings.length - 1 && codings.length > 0;
}

function lastElementOf(list: string): string | undefined {
  return elementsOf(list.toLowerCase())
    .filter((coding) => coding !== '')
    .at(-1);
}

function contentLength(list: string): RequestFraming | ContentLengthReject {
  const plain = list.length <= MOST_EXACT_DIGITS ? plainNumber(list) : -1;
  if (plain >= 0) return { kind: 'content-length', length: plain };
  let length = -1;
  for (const digits of elementsOf(list)) {
    if (!/^\d+$/.test(digits)) return 'content-length-invalid';
    // Valid, however large: a body without an end that anybody sees, and no place to look for other messages in.
    const value = Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
    if (length >= 0 && value !== length) return 'content-length-conflict';
    length = value;
  }
  return { kind: 'content-length', length };
}

/** The value of nothing but digits, at least one; else -1. */
function plainNumber(digits: string): number {
  let value = digits.length === 0 ? -1 : 0;
  for (let at = 0; at < digits.length; at++) {
    const digit = digits.charCodeAt(at) - DIGIT_0;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Not String.trim: it takes more than blanks and tabs, and a vertical tab before `chunked` is a known way to smuggle. */
function elementsOf(list: string): string[] {
  return list.split(',').map((element) => trimmed(element, 0, element.length));
}
