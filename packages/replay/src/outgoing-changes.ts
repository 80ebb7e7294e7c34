// What is changed on the way to a target, by each forwarder: the lists. Nothing else is changed anywhere, which the tests
// of both prove by the bytes that a server gets. undici's was read out of undici 7 (lib/core/request.js,
// lib/dispatcher/client-h1.js).

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
  readonly unless?: 'originalHost' | 'mark: false' | 'sessions';
  readonly why: string;
}

const TARGET_OF_BASE_PATH: OutgoingChange = {
  part: 'request-line',
  name: 'target',
  change: 'replaced',
  when: 'the target has a base path',
  why: 'the base path goes in front of the captured path',
};
const HOST_OF_TARGET: OutgoingChange = {
  part: 'header',
  name: 'host',
  change: 'replaced',
  unless: 'originalHost',
  why: 'virtual hosts answer to their own name',
};
const MARK: OutgoingChange = {
  part: 'header',
  name: 'gor-replayed',
  change: 'added',
  when: 'it is not there',
  unless: 'mark: false',
  why: 'the mark by which listeners leave replayed requests alone',
};

/**
 * Everything that differs between a captured request and the one that a target gets, by forwarder. `exact`: what is not
 * here is sent byte for byte, the body with its chunks and trailers. `undici`: what is not here stays in what it says:
 * the other headers with their order, case and repeats, the method, the rest of the target, the body without chunking.
 */
export const outgoingChanges: Readonly<Record<'exact' | 'undici', readonly OutgoingChange[]>> = {
  exact: [
    TARGET_OF_BASE_PATH,
    HOST_OF_TARGET,
    {
      part: 'header',
      name: 'connection',
      change: 'replaced',
      when: 'it said close',
      unless: 'sessions',
      why: 'it was about the captured connection: keep-alive is said instead, other options stay',
    },
    {
      part: 'header',
      name: 'connection',
      change: 'added',
      when: 'there was none, in HTTP/1.0',
      unless: 'sessions',
      why: 'each request would take a connection of its own',
    },
    MARK,
    {
      part: 'header',
      name: '*',
      change: 'replaced',
      when: 'it was folded',
      why: 'a sender must not fold (RFC 9112 §5.2): one blank stands for each fold',
    },
  ],
  undici: [
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
    TARGET_OF_BASE_PATH,
    {
      part: 'request-line',
      name: 'target',
      change: 'replaced',
      when: 'it was in absolute form',
      why: 'its host is the captured one: only path and query are sent',
    },
    HOST_OF_TARGET,
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
    MARK,
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
  ],
};

/** Lower-case names of the headers that each list names. */
const CHANGED_HEADERS = {
  exact: changedHeaders(outgoingChanges.exact),
  undici: changedHeaders(outgoingChanges.undici),
};

/** Whether a forwarder may change the header of this lower-case name. */
export function isChangedHeader(lowerName: string, forwarder: 'exact' | 'undici'): boolean {
  return CHANGED_HEADERS[forwarder].has(lowerName);
}

/**
 * A flat header list (Node's `rawHeaders`) without those that a forwarder (`exact` where none is given) may change on the
 * way; the rest must be equal, in order.
 */
export function comparableHeaders(rawHeaders: readonly string[], forwarder: 'exact' | 'undici' = 'exact'): string[] {
  const kept: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (!isChangedHeader(rawHeaders[at]!.toLowerCase(), forwarder)) kept.push(rawHeaders[at]!, rawHeaders[at + 1]!);
  }
  return kept;
}

function changedHeaders(changes: readonly OutgoingChange[]): ReadonlySet<string> {
  return new Set(changes.filter(({ part, name }) => part === 'header' && name !== '*').map(({ name }) => name));
}
