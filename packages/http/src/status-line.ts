// One status line as text. Lenient where browsers are: no reason, no blank before it, several blanks, bare LF.
// Source: RFC 9112 §4.

import { BLANK } from './characters.ts';
import { trimmed } from './fields.ts';

/** The three parts of a status line (RFC 9112 §4). */
export interface StatusLine {
  /** What stands behind `HTTP/`, as sent: `1.1`, `1.0`, rarely another minor version. */
  readonly version: string;
  /** 100 to 999. */
  readonly status: number;
  /** A character a byte, blanks around it removed. */
  readonly reason: string;
}

/** Why a line that starts with `HTTP/` is none. */
export type StatusLineReject = 'malformed-status-line' | 'unsupported-version';

const USUAL = 'HTTP/1.1 ';
const DIGIT_0 = 0x30;
const STATUS_LINE = /^HTTP\/(\d\.\d)[ \t]+([1-9]\d\d)(?:[ \t]([^\n]*?))?\r?\n$/;
const OTHER_VERSION = /^HTTP\/[02-9](?:\.\d)?[ \t\r\n]/;

/** Reads a whole line, LF included, that starts with `HTTP/`. */
export function parseStatusLine(line: string): StatusLine | StatusLineReject {
  const status = plainStatus(line);
  if (status > 0) return { version: '1.1', status, reason: trimmed(line, USUAL.length + 4, line.length - 2) };
  if (OTHER_VERSION.test(line)) return 'unsupported-version';
  const parts = STATUS_LINE.exec(line);
  if (parts === null) return 'malformed-status-line';
  const [, version = '', digits = '', reason = ''] = parts;
  return { version, status: Number(digits), reason: trimmed(reason, 0, reason.length) };
}

/** The status where the line reads as servers write it: `HTTP/1.1 200 OK`, CR, LF; else 0. */
function plainStatus(line: string): number {
  const at = USUAL.length;
  const isPlain = line.startsWith(USUAL) && line.charCodeAt(at + 3) === BLANK && line.endsWith('\r\n');
  const hundreds = line.charCodeAt(at) - DIGIT_0;
  const tens = line.charCodeAt(at + 1) - DIGIT_0;
  const ones = line.charCodeAt(at + 2) - DIGIT_0;
  if (!isPlain || hundreds < 1 || hundreds > 9 || tens < 0 || tens > 9 || ones < 0 || ones > 9) return 0;
  return hundreds * 100 + tens * 10 + ones;
}
