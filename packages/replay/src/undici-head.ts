// What undici is given for a captured request. What undici makes of it is in `outgoingChanges.undici`.

import { isChangedHeader } from './outgoing-changes.ts';
import { markName, markValue, type OutgoingSettings } from './outgoing-settings.ts';
import type { ReplayRequest } from './request.ts';

/** What undici is given. Content-Length and Transfer-Encoding are missing: undici adds them. */
export interface OutgoingHead {
  readonly method: string;
  readonly path: string;
  readonly headers: string[];
  /** The body goes out chunked. */
  readonly isChunked: boolean;
}

/** The head as changed by `outgoingChanges.undici`. Not for requests that are `isBeyondUndici`. */
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
    } else if (!isChangedHeader(lower, 'undici')) headers.push(name, captured[at + 1]!);
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
 * Whether undici need not even be asked: other targets than paths and http URLs, a second Host, a method that is no
 * token, and transfer codings but chunked cannot be said to it. What it refuses besides (bytes in headers) it tells.
 */
export function isBeyondUndici({ method, target, headers }: ReplayRequest): boolean {
  let hosts = 0;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at]!;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
    else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') {
      if (headers[at + 1]!.trim().toLowerCase() !== 'chunked') return true;
    }
  }
  return hosts > 1 || !TOKEN.test(method) || !SENDABLE_TARGET.test(target);
}

function pathOfAbsolute(target: string): string {
  const authorityAt = target.indexOf('://') + 3;
  const end = target.slice(authorityAt).search(/[/?]/);
  if (end < 0) return '/';
  const path = target.slice(authorityAt + end);
  return path.startsWith('/') ? path : `/${path}`;
}
