// One request line as text. Lenient where servers are: any method, any bytes in the target, blanks inside it too: the
// last blank followed by HTTP/ and the version ends the target. Source: RFC 9112 §3.

import { isBlank } from './characters.ts';
import { isKnownMethod } from './methods.ts';

/** The three parts of a request line, a character a byte (RFC 9112 §3). */
export interface RequestLine {
  readonly method: string;
  readonly target: string;
  /** What stands behind `HTTP/`, as sent: `1.1`, `1.0`, rarely another minor version. */
  readonly version: string;
}

/** Why a line is none. `not-a-request`: nothing about it looks like HTTP, so no request was begun. */
export type RequestLineReject = 'malformed-request-line' | 'unsupported-version' | 'http-0.9' | 'not-a-request';

const PLAIN_END = ' HTTP/1.1\r\n';
const VERSION = /^HTTP\/\d\.\d$/;
const OTHER_VERSION = /^[A-Z]+\/\d\.\d$/;

/** Reads a line, its line end included or not, that starts with a method and a blank. */
export function parseRequestLine(line: string): RequestLine | RequestLineReject {
  return plainLine(line) ?? anyLine(line);
}

/** Two blanks, `HTTP/1.1`, CR and LF, as nearly all send it. */
function plainLine(line: string): RequestLine | undefined {
  if (!line.endsWith(PLAIN_END)) return undefined;
  const methodEnd = line.indexOf(' ');
  const targetEnd = line.length - PLAIN_END.length;
  const isPlain =
    targetEnd > methodEnd + 1 && !isBlank(line.charCodeAt(methodEnd + 1)) && !isBlank(line.charCodeAt(targetEnd - 1));
  return isPlain
    ? { method: line.slice(0, methodEnd), target: line.slice(methodEnd + 1, targetEnd), version: '1.1' }
    : undefined;
}

function anyLine(line: string): RequestLine | RequestLineReject {
  let end = line.length;
  if (end > 0 && line.charCodeAt(end - 1) === 0x0a) end--;
  if (end > 0 && line.charCodeAt(end - 1) === 0x0d) end--;
  while (end > 0 && isBlank(line.charCodeAt(end - 1))) end--;
  const methodEnd = line.indexOf(' ');
  let targetStart = methodEnd + 1;
  while (targetStart < end && isBlank(line.charCodeAt(targetStart))) targetStart++;
  let targetEnd = lastBlankBefore(line, end);
  const word = line.slice(targetEnd + 1, end);
  if (!word.startsWith('HTTP/1.') || word.length !== 8 || !VERSION.test(word))
    return withoutVersion(line, targetStart, end, word);
  while (targetEnd > targetStart && isBlank(line.charCodeAt(targetEnd - 1))) targetEnd--;
  if (targetEnd <= targetStart) return 'malformed-request-line';
  return { method: line.slice(0, methodEnd), target: line.slice(targetStart, targetEnd), version: word.slice(5) };
}

function lastBlankBefore(line: string, end: number): number {
  let at = end - 1;
  while (at >= 0 && !isBlank(line.charCodeAt(at))) at--;
  return at;
}

/** What a line is that does not end in HTTP/1.x. */
function withoutVersion(line: string, targetStart: number, end: number, lastWord: string): RequestLineReject {
  const method = line.slice(0, line.indexOf(' '));
  // RFC 9113 §3.4: the preface of HTTP/2 is made to look like a request, and is none.
  if (VERSION.test(lastWord)) return method === 'PRI' ? 'not-a-request' : 'unsupported-version';
  if (/^HTTP\//i.test(lastWord)) return 'malformed-request-line';
  // SIP, RTSP and others share the form of the line, and some methods.
  if (OTHER_VERSION.test(lastWord) || !isKnownMethod(method)) return 'not-a-request';
  const target = line.slice(targetStart, end);
  const isOneWord = target !== '' && !target.includes(' ') && !target.includes('\t');
  return isOneWord ? 'http-0.9' : 'malformed-request-line';
}
