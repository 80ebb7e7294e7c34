// What is changed on the way to a target: the list, and the function that does it. Nothing else is changed anywhere.
// Read out of undici 7 (lib/core/request.js, lib/dispatcher/client-h1.js), and proven by the bytes in outgoing.test.ts.

import type { SkippedReason } from './reasons.ts';
import type { ReplayRequest } from './request.ts';

/** Header by which a listener knows a replayed request and leaves it alone. */
export const markName = 'Gor-Replayed';
/** The mark's value. */
export const markValue = '1';

/** One thing that a target gets otherwise than production got it. */
export interface OutgoingChange {
  /** The part of the message: a `header` is named, in lower case, by `name`; other parts by a word. */
  readonly part: 'request-line' | 'head' | 'header' | 'body';
  readonly name: string;
  /** `respelled`: the value stays (but for `when`), its name is in lower case and it stands in another place. */
  readonly change: 'replaced' | 'removed' | 'added' | 'respelled';
  /** In which requests; all of them where it is missing. */
  readonly when?: string;
  /** The option that prevents it. */
  readonly unless?: 'originalHost' | 'mark: false';
  readonly why: string;
}

/**
 * Everything that differs between a captured request and the one that undici sends. What is not here stays: the bytes
 * of every other header, their order, case and repeats (obs-text too), the method, the rest of the target, the body.
 * To compare, drop the headers named here from both sides (`comparableHeaders`), and compare bodies without chunking.
 */
export const outgoingChanges: readonly OutgoingChange[] = [
  {
    part: 'request-line',
    name: 'blanks',
    change: 'replaced',
    when: 'more than one stood between its parts',
    why: 'its parts are sent, with one space between them',
  },
  {
    part: 'head',
    name: 'line ends',
    change: 'replaced',
    when: 'they were bare LF, or empty lines stood before the request line',
    why: 'undici ends lines with CRLF',
  },
  {
    part: 'request-line',
    name: 'version',
    change: 'replaced',
    when: 'it was another than HTTP/1.1',
    why: 'undici always says HTTP/1.1',
  },
  {
    part: 'request-line',
    name: 'target',
    change: 'replaced',
    when: 'the target has a base path',
    why: 'the base path goes in front of the captured path',
  },
  {
    part: 'request-line',
    name: 'target',
    change: 'replaced',
    when: 'it was in absolute form',
    why: 'its host is the captured one: only path and query are sent',
  },
  {
    part: 'header',
    name: 'host',
    change: 'replaced',
    unless: 'originalHost',
    why: 'virtual hosts answer to their own name',
  },
  { part: 'header', name: 'host', change: 'respelled', why: 'undici writes "host" first' },
  { part: 'header', name: 'host', change: 'added', when: 'there was none', why: 'HTTP/1.1 needs one' },
  {
    part: 'header',
    name: 'connection',
    change: 'replaced',
    why: 'hop by hop: undici writes "connection: keep-alive" second, "close" for HEAD',
  },
  { part: 'header', name: 'keep-alive', change: 'removed', why: 'hop by hop, undici refuses it' },
  {
    part: 'header',
    name: 'upgrade',
    change: 'removed',
    when: 'Connection did not ask for it (else the request is skipped)',
    why: 'hop by hop, undici refuses it',
  },
  { part: 'header', name: 'expect', change: 'removed', why: 'undici refuses it; the body follows the head at once' },
  {
    part: 'header',
    name: 'gor-replayed',
    change: 'added',
    when: 'it is not there',
    unless: 'mark: false',
    why: 'the mark by which listeners leave replayed requests alone',
  },
  {
    part: 'header',
    name: 'content-length',
    change: 'respelled',
    when: 'there is a body',
    why: 'undici writes "content-length" last',
  },
  {
    part: 'header',
    name: 'content-length',
    change: 'replaced',
    when: 'it had zeros in front, or was said several times',
    why: 'undici writes the length once',
  },
  {
    part: 'header',
    name: 'content-length',
    change: 'added',
    when: 'POST, PUT, PATCH, QUERY, PROPFIND or PROPPATCH has an empty body',
    why: 'undici writes "content-length: 0"',
  },
  {
    part: 'header',
    name: 'content-length',
    change: 'removed',
    when: 'another method has an empty body',
    why: 'undici leaves a zero out',
  },
  {
    part: 'header',
    name: 'transfer-encoding',
    change: 'respelled',
    when: 'there is a chunked body',
    why: 'undici writes "transfer-encoding: chunked" last',
  },
  {
    part: 'header',
    name: 'transfer-encoding',
    change: 'removed',
    when: 'a chunked body is empty',
    why: 'undici sends no empty chunked body',
  },
  {
    part: 'header',
    name: '*',
    change: 'replaced',
    when: 'blanks stood before its colon, other than one space before its value, some behind it, or it was folded',
    why: 'names and values are sent: one space before a value, a fold as one space',
  },
  {
    part: 'body',
    name: 'chunks',
    change: 'replaced',
    when: 'it was chunked',
    why: 'one chunk holds the whole body; chunk extensions are not sent',
  },
  { part: 'body', name: 'trailers', change: 'removed', when: 'it had some', why: 'undici cannot send them' },
];

/** Lower-case names of the headers that `outgoingChanges` names. */
const CHANGED_HEADERS: ReadonlySet<string> = new Set(
  outgoingChanges.filter(({ part, name }) => part === 'header' && name !== '*').map(({ name }) => name),
);

/** A flat header list (Node's `rawHeaders`) without those that may change on the way; the rest must be equal, in order. */
export function comparableHeaders(rawHeaders: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (!CHANGED_HEADERS.has(rawHeaders[at]!.toLowerCase())) kept.push(rawHeaders[at]!, rawHeaders[at + 1]!);
  }
  return kept;
}

/** What outgoing requests to one target have in common. */
export interface OutgoingSettings {
  /** The target's host and port as Host says them. */
  readonly authority: string;
  /** Without a trailing slash; empty for none. */
  readonly basePath: string;
  readonly originalHost: boolean;
  readonly mark: boolean;
}

/** What undici is given. Content-Length and Transfer-Encoding are missing: undici adds them. */
export interface OutgoingHead {
  readonly method: string;
  readonly path: string;
  readonly headers: string[];
  /** The body goes out chunked. */
  readonly isChunked: boolean;
}

/** The head as changed by the list. Call it only where `refusalOf` found nothing. */
export function outgoingHead(request: ReplayRequest, settings: OutgoingSettings): OutgoingHead {
  const captured = request.headers;
  const headers: string[] = [];
  let host = settings.originalHost ? undefined : settings.authority;
  let isMarked = !settings.mark;
  for (let at = 0; at + 1 < captured.length; at += 2) {
    const name = captured[at]!;
    const lower = name.toLowerCase();
    if (lower === 'host') host ??= captured[at + 1]!;
    else if (lower === 'gor-replayed') {
      isMarked = true;
      headers.push(name, captured[at + 1]!);
    } else if (!CHANGED_HEADERS.has(lower)) headers.push(name, captured[at + 1]!);
  }
  headers.push('host', host ?? settings.authority);
  if (!isMarked) headers.push(markName, markValue);
  return {
    method: request.method,
    path: outgoingTarget(request.target, settings.basePath),
    headers,
    isChunked: request.framing === 'chunked' && request.body.length > 0,
  };
}

/** The request target as sent: path and query of an absolute form, behind the base path. */
export function outgoingTarget(target: string, basePath: string): string {
  const path = target.startsWith('/') ? target : pathOfAbsolute(target);
  return basePath === '' ? path : basePath + path;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const SENDABLE_TARGET = /^(?:\/|https?:\/\/[^/?#])[\x21-\xff]*$/i;

/**
 * Why undici is not even asked, known from the request alone: CONNECT and upgrades would end HTTP on the connection;
 * other targets than paths and http URLs, a second Host, a method that is no token, and transfer codings but chunked
 * cannot be said to undici. What undici itself refuses besides (bytes in headers) ends as `undici-cannot-send` too.
 */
export function refusalOf(request: ReplayRequest): SkippedReason | undefined {
  if (request.method === 'CONNECT') return 'connect';
  const { headers } = request;
  let hosts = 0;
  let hasUpgrade = false;
  let asksToUpgrade = false;
  let hasOtherCoding = false;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at]!;
    // The length first: most headers are told apart without making a lower-case copy of their names.
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
    else if (name.length === 7 && name.toLowerCase() === 'upgrade') hasUpgrade = true;
    else if (name.length === 10 && name.toLowerCase() === 'connection') {
      asksToUpgrade ||= hasUpgradeOption(headers[at + 1]!);
    } else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') {
      hasOtherCoding ||= headers[at + 1]!.trim().toLowerCase() !== 'chunked';
    }
  }
  if (hasUpgrade && asksToUpgrade) return 'upgrade';
  if (hosts > 1 || hasOtherCoding) return 'undici-cannot-send';
  return TOKEN.test(request.method) && SENDABLE_TARGET.test(request.target) ? undefined : 'undici-cannot-send';
}

/** `upgrade` as one of the comma-separated options of Connection (RFC 9110, 7.6.1). */
function hasUpgradeOption(value: string): boolean {
  const lower = value.toLowerCase();
  return lower.includes('upgrade') && lower.split(',').some((option) => option.trim() === 'upgrade');
}

function pathOfAbsolute(target: string): string {
  const authorityAt = target.indexOf('://') + 3;
  const end = target.slice(authorityAt).search(/[/?]/);
  if (end < 0) return '/';
  const path = target.slice(authorityAt + end);
  return path.startsWith('/') ? path : `/${path}`;
}
