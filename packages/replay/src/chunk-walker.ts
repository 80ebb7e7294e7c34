// The chunked coding of an answer, walked to its end however it is cut; keeps a few numbers and no bytes. Extensions and
// trailers are passed over. Lenient where clients are: bare LF, blanks behind a size. Source: RFC 9112 §7.1.

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const BLANK = 0x20;
const SEMICOLON = 0x3b;
const NO_DIGIT = 16;

/** Most bytes of one size line with its extensions, and of all trailers. */
const MAX_LINE_BYTES = 64 * 1024;

const HEX_VALUE = new Uint8Array(256).fill(NO_DIGIT);
for (let value = 0; value < 16; value++) {
  HEX_VALUE[value.toString(16).charCodeAt(0)] = value;
  HEX_VALUE[value.toString(16).toUpperCase().charCodeAt(0)] = value;
}

type Expected = 'size' | 'size-end' | 'extension' | 'data' | 'data-end' | 'trailers';

/** Walks one chunked body after another. */
export class ChunkWalker {
  /** `bad`: the bytes are not chunked coding, or a line is over its limit. */
  status: 'more' | 'complete' | 'bad' = 'more';
  #expected: Expected = 'size';
  /** Of the chunk: its size, then what of its data is still to come. */
  #left = 0;
  #lineBytes = 0;
  /** The size has a digit, or the trailer line a byte. */
  #isBegun = false;
  /** The byte before was CR. */
  #isAfterCr = false;

  /** Expects the first byte of a chunked body next. */
  open(): void {
    this.status = 'more';
    this.#expectSize();
  }

  /** Walks on from `at`; the offset behind what was read: `end`, that of the body, or somewhere where it is bad. */
  walk(bytes: Uint8Array, at: number, end: number): number {
    while (at < end && this.status === 'more') {
      if (this.#expected === 'data') {
        const taken = Math.min(this.#left, end - at);
        this.#left -= taken;
        at += taken;
        if (this.#left === 0) this.#expect('data-end');
        continue;
      }
      if (++this.#lineBytes > MAX_LINE_BYTES) this.status = 'bad';
      else this.#take(bytes[at++]!);
    }
    return at;
  }

  #take(byte: number): void {
    switch (this.#expected) {
      case 'size':
        return this.#takeSize(byte);
      case 'size-end':
        if (byte === LF) this.#endSizeLine();
        else this.status = 'bad';
        return;
      case 'extension':
        if (byte === LF) this.#endSizeLine();
        return;
      case 'data-end':
        if (byte === LF) this.#expectSize();
        else if (byte !== CR || this.#isAfterCr) this.status = 'bad';
        else this.#isAfterCr = true;
        return;
      default:
        return this.#takeTrailer(byte);
    }
  }

  #takeSize(byte: number): void {
    const value = HEX_VALUE[byte]!;
    if (value !== NO_DIGIT) {
      this.#isBegun = true;
      this.#left = this.#left * 16 + value;
      if (this.#left > Number.MAX_SAFE_INTEGER) this.status = 'bad';
    } else if (!this.#isBegun) this.status = 'bad';
    else if (byte === LF) this.#endSizeLine();
    else if (byte === CR) this.#expected = 'size-end';
    else if (byte === SEMICOLON || byte === BLANK || byte === TAB) this.#expected = 'extension';
    else this.status = 'bad';
  }

  #endSizeLine(): void {
    if (this.#left > 0) this.#expect('data');
    else this.#expect('trailers');
    this.#isBegun = false;
  }

  /** Up to the first empty line. */
  #takeTrailer(byte: number): void {
    if (byte !== LF) {
      if (byte !== CR || this.#isAfterCr) this.#isBegun = true;
      this.#isAfterCr = byte === CR;
      return;
    }
    if (!this.#isBegun) this.status = 'complete';
    this.#isBegun = false;
    this.#isAfterCr = false;
  }

  #expectSize(): void {
    this.#expect('size');
    this.#left = 0;
    this.#isBegun = false;
  }

  #expect(next: Expected): void {
    this.#expected = next;
    this.#lineBytes = 0;
    this.#isAfterCr = false;
  }
}
