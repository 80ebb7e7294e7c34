// The head of one answer: its status, and what its fields say about where it ends and whether its connection lasts; no
// other field is read. Lenient where browsers are (bare LF, blanks around the status, odd fields that frame nothing),
// strict where the framing would be a guess. Source: RFC 9112 §4, §5, §6, §9.3; RFC 9110 §7.6.1.

import { latin1 } from './latin1.ts';

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const BLANK = 0x20;
const COMMA = 0x2c;
const ZERO = 0x30;
const COLON = 0x3a;

const VERSION = bytesOf('HTTP/1.');
const CONTENT_LENGTH = bytesOf('content-length');
const TRANSFER_ENCODING = bytesOf('transfer-encoding');
const CONNECTION = bytesOf('connection');
const KEEP_ALIVE = bytesOf('keep-alive');
/** Empty elements of a list count for nothing (RFC 9110 §5.6.1). Not `\s`: a vertical tab is part of a name. */
const LAST_IS_CHUNKED = /(?:^|,)[ \t]*chunked[ \t]*(?:,[ \t]*)*$/;

/** What `read` returns where the bytes end within the head. */
export const HEAD_CUT = 0;
/** What `read` returns where the bytes are no head of HTTP/1.x, or do not say where the answer ends. */
export const HEAD_BAD = -1;

/** One head at a time; its fields hold what the last `read` that returned an offset found. */
export class AnswerHead {
  /** 100 to 999. */
  status = 0;
  /** Of HTTP/1.x. */
  minorVersion = 1;
  /** Content-Length; -1 where there is none. */
  contentLength = -1;
  hasTransferEncoding = false;
  /** The last transfer coding is chunked. */
  isChunked = false;
  /** Connection has the option `close`. */
  saysClose = false;
  /** Connection has the option `keep-alive`. */
  saysKeepAlive = false;
  /** Seconds of `Keep-Alive: timeout=…`; -1 where it says none. */
  keepAliveSeconds = -1;
  #isLastFieldFraming = false;

  /** Reads the head from `at`: the offset behind its empty line, `HEAD_CUT` or `HEAD_BAD`. */
  read(bytes: Uint8Array, at: number, end: number): number {
    let lineStart = this.#readStatusLine(bytes, at, end);
    if (lineStart <= 0) return lineStart;
    this.contentLength = -1;
    this.hasTransferEncoding = false;
    this.isChunked = false;
    this.saysClose = false;
    this.saysKeepAlive = false;
    this.keepAliveSeconds = -1;
    this.#isLastFieldFraming = false;
    for (at = lineStart; at < end; at++) {
      if (bytes[at] !== LF) continue;
      const lineEnd = at > lineStart && bytes[at - 1] === CR ? at - 1 : at;
      if (lineEnd === lineStart) return at + 1;
      if (!this.#readField(bytes, lineStart, lineEnd)) return HEAD_BAD;
      lineStart = at + 1;
    }
    return HEAD_CUT;
  }

  /** Offset behind the line. Says `HEAD_BAD` as soon as the bytes at hand cannot begin a status line. */
  #readStatusLine(bytes: Uint8Array, at: number, end: number): number {
    for (let nth = 0; nth < VERSION.length; nth++) {
      if (at + nth >= end) return HEAD_CUT;
      if (bytes[at + nth] !== VERSION[nth]) return HEAD_BAD;
    }
    const lineEnd = bytes.indexOf(LF, at);
    if (lineEnd < 0 || lineEnd >= end) return HEAD_CUT;
    at += VERSION.length;
    this.minorVersion = bytes[at]! - ZERO;
    const afterVersion = ++at;
    while (isBlank(bytes[at]!)) at++;
    if (at === afterVersion || !isDigit(this.minorVersion)) return HEAD_BAD;
    const [hundreds, tens, ones] = [bytes[at]! - ZERO, bytes[at + 1]! - ZERO, bytes[at + 2]! - ZERO];
    this.status = hundreds * 100 + tens * 10 + ones;
    const next = bytes[at + 3]!;
    const isWhole = isDigit(hundreds) && isDigit(tens) && isDigit(ones) && hundreds > 0;
    return isWhole && (isBlank(next) || next === CR || next === LF) ? lineEnd + 1 : HEAD_BAD;
  }

  /** Fields that decide nothing are told by their first letter, and not read. */
  #readField(bytes: Uint8Array, start: number, end: number): boolean {
    // RFC 9112 §5.2: a folded line goes on with the field before it. Whoever folds framing fields is not to be guessed at.
    if (isBlank(bytes[start]!)) return !this.#isLastFieldFraming;
    this.#isLastFieldFraming = false;
    switch (bytes[start]! | 0x20) {
      case 0x63: {
        const length = valueAt(bytes, start, end, CONTENT_LENGTH);
        if (length > 0) return this.#readContentLength(bytes, length, end);
        const connection = valueAt(bytes, start, end, CONNECTION);
        if (connection > 0) this.#readConnection(latin1(bytes, connection, end).toLowerCase());
        return true;
      }
      case 0x74: {
        const coding = valueAt(bytes, start, end, TRANSFER_ENCODING);
        if (coding > 0) this.#readTransferEncoding(latin1(bytes, coding, end).toLowerCase());
        return true;
      }
      case 0x6b: {
        const keepAlive = valueAt(bytes, start, end, KEEP_ALIVE);
        if (keepAlive > 0) this.#readKeepAlive(latin1(bytes, keepAlive, end));
        return true;
      }
      default:
        return true;
    }
  }

  /** RFC 9112 §6.3 step 5: digits, or a list of equal ones; several fields count as a list. */
  #readContentLength(bytes: Uint8Array, at: number, end: number): boolean {
    this.#isLastFieldFraming = true;
    for (;;) {
      while (at < end && isBlank(bytes[at]!)) at++;
      const digits = at;
      let length = 0;
      // Far beyond what anybody waits for the numbers lose precision, and nothing else.
      for (; at < end && isDigit(bytes[at]! - ZERO); at++) length = length * 10 + (bytes[at]! - ZERO);
      if (at === digits || (this.contentLength >= 0 && this.contentLength !== length)) return false;
      this.contentLength = length;
      while (at < end && isBlank(bytes[at]!)) at++;
      if (at === end) return true;
      if (bytes[at++] !== COMMA) return false;
    }
  }

  #readTransferEncoding(value: string): void {
    this.#isLastFieldFraming = true;
    this.hasTransferEncoding = true;
    this.isChunked = LAST_IS_CHUNKED.test(value);
  }

  #readConnection(value: string): void {
    for (const option of value.split(',')) {
      const word = option.trim();
      if (word === 'close') this.saysClose = true;
      else if (word === 'keep-alive') this.saysKeepAlive = true;
    }
  }

  #readKeepAlive(value: string): void {
    const seconds = /(?:^|[,;\s])timeout\s*=\s*"?(\d{1,9})/i.exec(value)?.[1];
    if (seconds !== undefined) this.keepAliveSeconds = Number(seconds);
  }
}

/** Where the value starts, if the line is a field of that name (given in lower case); else 0. Blanks before the colon are passed over. */
function valueAt(bytes: Uint8Array, start: number, end: number, name: Uint8Array): number {
  if (end - start <= name.length) return 0;
  for (let nth = 0; nth < name.length; nth++) if ((bytes[start + nth]! | 0x20) !== name[nth]) return 0;
  let at = start + name.length;
  while (at < end && isBlank(bytes[at]!)) at++;
  return at < end && bytes[at] === COLON ? at + 1 : 0;
}

function isBlank(byte: number): boolean {
  return byte === BLANK || byte === TAB;
}

/** Of a byte less that of the digit 0. */
function isDigit(value: number): boolean {
  return value >= 0 && value <= 9;
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
