// How long a message is: the one place that decides it, as the numbered steps of RFC 9112 §6.3. Where two servers could
// answer differently, the answer is a reason to reject, because a wrong guess makes requests up out of a body.

import { trimmed } from './fields.ts';

/** How the end of a request is found; `length` is the Content-Length, 0 or more. */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'content-length'; readonly length: number }
  | { readonly kind: 'chunked' };

/** Why the length would be a guess. */
export type FramingReject =
  | 'transfer-encoding-and-content-length'
  | 'transfer-encoding-in-http-1.0'
  | 'transfer-encoding-not-chunked'
  | 'content-length-invalid'
  | 'content-length-conflict';

const NONE: Framing = { kind: 'none' };
const CHUNKED: Framing = { kind: 'chunked' };

/** Decides the framing of a request from its version (`1.1`) and its headers, flat and without surrounding blanks. */
export function framingOfRequest(version: string, headers: readonly string[]): Framing | FramingReject {
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
  // Step 7: a request without either has no body.
  return NONE;
  // Step 8 is about responses: they last until the connection closes.
}

/** What may follow a message instead of HTTP, if the server agrees. */
export type Successor = 'connect' | 'upgrade';

/** What may follow this request: a tunnel (RFC 9110 §9.3.6), another protocol (§7.8), or, undefined, only requests. */
export function successorOf(method: string, headers: readonly string[]): Successor | undefined {
  if (method === 'CONNECT') return 'connect';
  const connection = combined(headers, 'connection');
  if (connection === undefined || combined(headers, 'upgrade') === undefined) return undefined;
  return elementsOf(connection.toLowerCase()).includes('upgrade') ? 'upgrade' : undefined;
}

/** All values of a field as one list (RFC 9110 §5.3), or undefined where the field is missing. */
function combined(headers: readonly string[], name: string): string | undefined {
  let list: string | undefined;
  for (let at = 0; at < headers.length; at += 2) {
    if (headers[at]!.length !== name.length || headers[at]!.toLowerCase() !== name) continue;
    list = list === undefined ? headers[at + 1]! : `${list},${headers[at + 1]!}`;
  }
  return list;
}

function endsInChunked(list: string): boolean {
  const codings = elementsOf(list.toLowerCase()).filter((coding) => coding !== '');
  return codings.indexOf('chunked') === codings.length - 1 && codings.length > 0;
}

function contentLength(list: string): Framing | FramingReject {
  let length = -1;
  for (const digits of elementsOf(list)) {
    const value = /^\d+$/.test(digits) ? Number(digits) : Infinity;
    if (!Number.isSafeInteger(value)) return 'content-length-invalid';
    if (length >= 0 && value !== length) return 'content-length-conflict';
    length = value;
  }
  return { kind: 'content-length', length };
}

/** Not String.trim: it takes more than blanks and tabs, and a vertical tab before `chunked` is a known way to smuggle. */
function elementsOf(list: string): string[] {
  return list.split(',').map((element) => trimmed(element, 0, element.length));
}
