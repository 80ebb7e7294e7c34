// Finds line ends in bytes that come in pieces. Keeps three numbers and no bytes, and looks at each byte once, however
// the pieces are cut. A line ends with LF; a CR before it belongs to the line end (RFC 9112 §2.2: bare LF is accepted).

import { CR, LF } from './characters.ts';

/** Finds line ends, and searches no byte twice. */
export class LineScanner {
  /** Whether the line that `next` found last is empty. */
  lineIsEmpty = false;
  #seenBytes = 0;
  #startsWithCr = false;

  /** Expects the first byte of a line next. */
  reset(): void {
    this.#seenBytes = 0;
  }

  /** The offset behind the end of the current line, or -1 where `bytes` end before it; then go on with the bytes after. */
  next(bytes: Uint8Array, at: number): number {
    const lineEnd = bytes.indexOf(LF, at);
    if (this.#seenBytes === 0) this.#startsWithCr = at < bytes.length && bytes[at] === CR;
    if (lineEnd < 0) {
      this.#seenBytes += bytes.length - at;
      return -1;
    }
    const length = this.#seenBytes + lineEnd - at;
    this.lineIsEmpty = length === 0 || (length === 1 && this.#startsWithCr);
    this.#seenBytes = 0;
    return lineEnd + 1;
  }
}
