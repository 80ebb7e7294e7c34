// A request that nobody captured, made by hand, for test harnesses: checked, since what is sent is written out of it.
// Source: RFC 9110 §5.6.2 (tokens), RFC 9112 §3 (request line), §6 (body).

import type { ReplayRequest } from './request.ts';

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Graphic characters, a byte each. */
const TARGET = /^[!-~\u0080-\u00ff]+$/;
const VALUE = /^[\t -~\u0080-\u00ff]*$/;
const NOTHING = new Uint8Array(0);

/** What {@link replayRequest} takes; nothing is needed. */
export interface RequestParts {
  /** A token; GET, or POST where there is a body. */
  readonly method?: string;
  /** As on the request line: `/a?b`, `*`, `http://a/b`. No blanks; what is no ASCII is percent-encoded before. `/`. */
  readonly target?: string;
  /**
   * By name, or flat `[name, value, …]` for an order of one's own and repeats. Host is added where it is missing (its value is
   * the target's), and Content-Length where there is a body and no `Transfer-Encoding: chunked`.
   */
  readonly headers?: Readonly<Record<string, string>> | readonly string[];
  /** Text goes as UTF-8. Must not change after `send`. Empty. */
  readonly body?: string | Uint8Array;
  /** Requests of one connection go out one after the other. Default: each one's own. */
  readonly connection?: string | number;
}

let made = 0;

/** A request for `Replayer.send`, of HTTP/1.1. Throws TypeError that names the part, its value, and what it may be. */
export function replayRequest(parts: RequestParts = {}): ReplayRequest {
  const body = typeof parts.body === 'string' ? new TextEncoder().encode(parts.body) : (parts.body ?? NOTHING);
  const { method = body.length > 0 ? 'POST' : 'GET', target = '/', connection = `made ${++made}` } = parts;
  if (!TOKEN.test(method)) throw new TypeError(`method is ${JSON.stringify(method)}; it must be a token, such as GET`);
  if (!TARGET.test(target)) {
    throw new TypeError(
      `target is ${JSON.stringify(target)}; it must be as on a request line, such as /a?b=c: percent-encoded, without blanks`,
    );
  }
  const headers = checkedHeaders(parts.headers ?? []);
  const isChunked = headerOf(headers, 'transfer-encoding') !== undefined;
  if (headerOf(headers, 'host') === undefined) headers.unshift('Host', 'localhost');
  checkFraming(headers, body.length);
  const isLengthMissing = !isChunked && body.length > 0 && headerOf(headers, 'content-length') === undefined;
  if (isLengthMissing) headers.push('Content-Length', String(body.length));
  const framing = isChunked ? 'chunked' : body.length > 0 ? 'content-length' : 'none';
  return { connection, method, target, version: '1.1', headers, bytes: NOTHING, body, framing, trailers: [] };
}

function checkedHeaders(given: Readonly<Record<string, string>> | readonly string[]): string[] {
  const headers = isFlat(given) ? [...given] : Object.entries(given).flat();
  if (headers.length % 2 !== 0) throw new TypeError(`headers has ${headers.length} texts; it must be names and values`);
  for (const [at, text] of headers.entries()) {
    const isName = at % 2 === 0;
    if (typeof text === 'string' && (isName ? TOKEN : VALUE).test(text)) continue;
    const allowed = isName ? 'a name is a token' : `the value of ${headers[at - 1]} is one line of Latin-1`;
    throw new TypeError(`headers has ${JSON.stringify(text)}; ${allowed}`);
  }
  return headers;
}

/** The body goes as it is: what the headers say of it must be true. */
function checkFraming(headers: readonly string[], bodyLength: number): void {
  const length = headerOf(headers, 'content-length');
  const coding = headerOf(headers, 'transfer-encoding');
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || length !== undefined)) {
    throw new TypeError(`Transfer-Encoding is ${coding}; it may be chunked, without Content-Length`);
  }
  if (length !== undefined && length !== String(bodyLength)) {
    throw new TypeError(`Content-Length is ${length}; the body has ${bodyLength} bytes`);
  }
}

function isFlat(headers: Readonly<Record<string, string>> | readonly string[]): headers is readonly string[] {
  return Array.isArray(headers);
}

function headerOf(headers: readonly string[], name: string): string | undefined {
  const at = headers.findIndex((text, nth) => nth % 2 === 0 && text.toLowerCase() === name);
  return at < 0 ? undefined : headers[at + 1];
}
