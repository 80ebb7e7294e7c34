// The methods that are well known. A parser that is in step takes any token for a method; these are needed only to
// find requests in a stream whose place is lost, and to tell a broken request from bytes that are no HTTP at all.
// Source: the IANA registry of HTTP methods (without PRI, which only the preface of HTTP/2 uses),
// and those of caches (PURGE, BAN) and UPnP (the last four).

import { BLANK, IS_TOKEN } from './characters.ts';
import { latin1 } from './latin1.ts';

const METHODS =
  'GET HEAD POST PUT DELETE OPTIONS PATCH CONNECT TRACE QUERY ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT COPY LABEL LINK ' +
  'LOCK MERGE MKACTIVITY MKCALENDAR MKCOL MKREDIRECTREF MKWORKSPACE MOVE ORDERPATCH PROPFIND PROPPATCH REBIND REPORT ' +
  'SEARCH UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL ' +
  'PURGE BAN NOTIFY SUBSCRIBE UNSUBSCRIBE M-SEARCH';

const KNOWN: ReadonlySet<string> = new Set(METHODS.split(' '));

/** No method that ends another one, as LOCK ends UNLOCK: where a line's beginning may be missing, these could be halves. */
const UNCUT: ReadonlySet<string> = new Set(
  [...KNOWN].filter((method) => ![...KNOWN].some((longer) => longer !== method && longer.endsWith(method))),
);

/** The longest method that is accepted, in bytes: longer words are no methods. */
export const MAX_METHOD_BYTES = 64;

/** Whether the method is a well-known one; methods are case-sensitive. */
export function isKnownMethod(method: string): boolean {
  return KNOWN.has(method);
}

/** Whether the method is a well-known one, and cannot be what is left of a longer one. */
export function isUncutMethod(method: string): boolean {
  return UNCUT.has(method);
}

/** Where the method that the bytes start with ends, which is at a blank; -1 where they do not start with one. */
export function endOfMethod(bytes: Uint8Array): number {
  const most = Math.min(bytes.length, MAX_METHOD_BYTES + 1);
  let end = 0;
  while (end < most && IS_TOKEN[bytes[end]!] === 1) end++;
  return end > 0 && end <= MAX_METHOD_BYTES && bytes[end] === BLANK ? end : -1;
}

/** Whether the bytes start with a well-known method and a blank; undefined where they may yet. */
export function couldBecomeRequest(bytes: Uint8Array): boolean | undefined {
  const end = endOfMethod(bytes);
  if (end > 0) return isKnownMethod(latin1(bytes, 0, end));
  const start = latin1(bytes, 0, bytes.length);
  for (const method of KNOWN) if (method.startsWith(start)) return undefined;
  return false;
}
