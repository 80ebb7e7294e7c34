// The chunked transfer coding, read as a stream: keeps a few numbers and no bytes, so it also walks over bodies that are
// not kept. Lenient where servers are (bare LF, blanks behind the size), strict where the framing would be a guess.
// Source: RFC 9112 §7.1.

import { BLANK, CR, HEX_VALUE, LF, SEMICOLON, TAB } from './characters.ts';
import { LineScanner } from './line-scanner.ts';
import type { RequestLimits } from './options.ts';
import type { SharedReason } from './reject.ts';

/** Most bytes of chunk extensions in one message, superfluous zeros of sizes included. */
export const MAX_CHUNK_EXTENSION_BYTES = 16 * 1024;

/** Most bytes that sizes, extensions and line ends of one message may take beyond what its body may take. */
const MAX_FRAMING_BYTES = 64 * 1024;

/** Digits that every size up to 2^53 fits into; zeros in front may need more, which then count as extension. */
const FREE_DIGITS = 14;

/** What follows next: the first digit of a size, more of it, the rest of its line, data, the data's line end, trailers. */
type Expected = 'size' | 'digits' | 'size-lf' | 'extension' | 'data' | 'data-end' | 'data-lf' | 'trailers';

/** How far the body is: a reason means that `scan` stopped at the byte that shows it. */
export type ChunkedStatus =
  | 'more'
  | 'complete'
  | Extract<
      SharedReason,
      'body-too-long' | 'malformed-chunk' | 'chunk-extensions-too-long' | 'trailers-too-long' | 'too-many-headers'
    >;

/** Walks the chunked coding to its end, however it is cut, and keeps nothing of it (RFC 9112 §7.1). */
export class ChunkedScanner {
  status: ChunkedStatus = 'more';
  /** Bytes of data in the chunks announced so far. */
  bodyLength = 0;
  /** Bytes of the trailer section so far, the empty line that ends it included. */
  trailerBytes = 0;
  #expected: Expected = 'size';
  /** Of the current chunk: its size, then how much of its data is still to come. */
  #left = 0;
  #digits = 0;
  #extensionBytes = 0;
  #framingBytes = 0;
  #trailerLines = 0;
  #maxBodyBytes: number;
  readonly #lines = new LineScanner();
  readonly #limits: Required<RequestLimits>;

  constructor(limits: Required<RequestLimits>) {
    this.#limits = limits;
    this.#maxBodyBytes = limits.maxBodyBytes;
  }

  /** After `body-too-long`: walks on to the end of the body all the same, however long it is. */
  ignoreLength(): void {
    this.#maxBodyBytes = Infinity;
    if (this.status === 'body-too-long') this.status = 'more';
  }

  /** Goes on behind a hole of `length` bytes, if it lies wholly inside the data of one chunk; else returns false. */
  skip(length: number): boolean {
    if (this.#expected !== 'data' || length > this.#left) return false;
    this.#takeData(length);
    return true;
  }

  /** Reads on at `at`; returns the offset behind what was read: the end of `bytes`, of the body, or the place of the fault. */
  scan(bytes: Uint8Array, at: number): number {
    while (at < bytes.length && this.status === 'more') {
      switch (this.#expected) {
        case 'data': {
          const taken = Math.min(this.#left, bytes.length - at);
          this.#takeData(taken);
          at += taken;
          break;
        }
        case 'extension':
          at = this.#scanExtension(bytes, at);
          break;
        case 'trailers':
          at = this.#scanTrailers(bytes, at);
          break;
        default:
          if (this.#takeByte(bytes[at]!)) at++;
      }
    }
    return at;
  }

  /** Takes one byte of a size line or of the line end behind data; false where it may not stand there. */
  #takeByte(byte: number): boolean {
    switch (this.#expected) {
      case 'size':
      case 'digits':
        if (HEX_VALUE[byte]! < 16) return this.#takeDigit(HEX_VALUE[byte]!);
        if (this.#expected === 'size') return this.#fail('malformed-chunk');
        if (byte === LF) return this.#endSizeLine();
        if (byte === CR) this.#expected = 'size-lf';
        else if (byte === SEMICOLON || byte === BLANK || byte === TAB) this.#expected = 'extension';
        else return this.#fail('malformed-chunk');
        return true;
      case 'size-lf':
        return byte === LF ? this.#endSizeLine() : this.#fail('malformed-chunk');
      case 'data-end':
        if (byte === CR) this.#expected = 'data-lf';
        else if (byte === LF) this.#expected = 'size';
        else return this.#fail('malformed-chunk');
        return true;
      default:
        if (byte !== LF) return this.#fail('malformed-chunk');
        this.#expected = 'size';
        return true;
    }
  }

  #takeDigit(value: number): boolean {
    this.#expected = 'digits';
    this.#digits++;
    if (this.#digits > FREE_DIGITS && ++this.#extensionBytes > MAX_CHUNK_EXTENSION_BYTES) {
      return this.#fail('chunk-extensions-too-long');
    }
    // Valid, however large: data without an end that anybody sees.
    this.#left = Math.min(this.#left * 16 + value, Number.MAX_SAFE_INTEGER - this.bodyLength);
    return true;
  }

  /** Extensions are not read, only bounded: everything up to LF, quoted or not. */
  #scanExtension(bytes: Uint8Array, at: number): number {
    const lineEnd = bytes.indexOf(LF, at);
    const end = lineEnd < 0 ? bytes.length : lineEnd;
    const room = MAX_CHUNK_EXTENSION_BYTES - this.#extensionBytes;
    if (end - at > room) {
      this.#fail('chunk-extensions-too-long');
      return at + room;
    }
    this.#extensionBytes += end - at;
    this.#framingBytes += end - at;
    if (lineEnd < 0) return end;
    this.#endSizeLine();
    return lineEnd + 1;
  }

  #endSizeLine(): true {
    this.#framingBytes += this.#digits + 4;
    this.bodyLength += this.#left;
    this.#expected = this.#left === 0 ? 'trailers' : 'data';
    this.#digits = 0;
    if (this.bodyLength > this.#maxBodyBytes || this.#framingBytes > this.#maxBodyBytes + MAX_FRAMING_BYTES) {
      this.status = 'body-too-long';
    }
    return true;
  }

  #takeData(length: number): void {
    this.#left -= length;
    if (this.#left === 0) this.#expected = 'data-end';
  }

  #scanTrailers(bytes: Uint8Array, at: number): number {
    const next = this.#lines.next(bytes, at);
    const end = next < 0 ? bytes.length : next;
    const room = this.#limits.maxHeadBytes - this.trailerBytes;
    if (end - at > room) {
      this.#fail('trailers-too-long');
      return at + room;
    }
    this.trailerBytes += end - at;
    if (next < 0) return end;
    if (this.#lines.lineIsEmpty) this.status = 'complete';
    else if (++this.#trailerLines > this.#limits.maxHeaders) this.#fail('too-many-headers');
    return end;
  }

  #fail(reason: Exclude<ChunkedStatus, 'more' | 'complete'>): false {
    this.status = reason;
    return false;
  }
}

/** The data of each chunk, as views, of a chunked body that is known to be whole and starts at `start`. */
export function* chunksOf(bytes: Uint8Array, start: number): Generator<Uint8Array> {
  for (let at = start; ; ) {
    let size = 0;
    for (; HEX_VALUE[bytes[at]!]! < 16; at++) size = size * 16 + HEX_VALUE[bytes[at]!]!;
    if (size === 0) return;
    const dataStart = bytes.indexOf(LF, at) + 1;
    yield bytes.subarray(dataStart, dataStart + size);
    at = bytes.indexOf(LF, dataStart + size) + 1;
  }
}
