// One status line as text. Lenient where browsers are: no reason, no blank before it, several blanks, bare LF.
// Source: RFC 9112 §4.

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

const STATUS_LINE = /^HTTP\/(\d\.\d)[ \t]+([1-9]\d\d)(?:[ \t]([^\n]*?))?\r?\n$/;
const OTHER_VERSION = /^HTTP\/[02-9](?:\.\d)?[ \t\r\n]/;

/** Reads a whole line, LF included, that starts with `HTTP/`. */
export function parseStatusLine(line: string): StatusLine | StatusLineReject {
  if (OTHER_VERSION.test(line)) return 'unsupported-version';
  const parts = STATUS_LINE.exec(line);
  if (parts === null) return 'malformed-status-line';
  const [, version = '', status = '', reason = ''] = parts;
  return { version, status: Number(status), reason: trimmed(reason, 0, reason.length) };
}
