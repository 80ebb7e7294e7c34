// Bytes of one client's stream in, whole requests out: the public face of RequestReader. It keeps order where handlers
// call back into the parser, and the parser whole where they throw.

import type { ParserCounters } from './parser-counters.ts';
import type { RequestParserOptions } from './parser-options.ts';
import { RequestReader } from './request-reader.ts';

/** What a handler told the parser while it was in the middle of a chunk: bytes, or a gap of so many. */
interface Later {
  readonly bytes: Uint8Array | undefined;
  readonly gapLength: number;
  readonly timestampUs: number;
}

/**
 * Reads the requests of one stream of bytes, however it is cut. Never throws for what the bytes are.
 *
 * A handler may call any method: `push` and `gap` from within one are kept (the bytes copied) until the chunk at hand is read,
 * the others act at once. Where a handler throws, the exception leaves `push`, the rest of that push is lost (counted in
 * `skippedBytes`), and the parser goes on with the next request that can be trusted.
 */
export class RequestParser {
  readonly #reader: RequestReader;
  #isReading = false;
  #later: Later[] = [];

  /** Throws TypeError for a missing handler, RangeError for a limit out of its range. */
  constructor(options: RequestParserOptions) {
    if (typeof options.onRequest !== 'function') throw new TypeError('onRequest must be a function');
    if (typeof options.onReject !== 'function') throw new TypeError('onReject must be a function');
    this.#reader = new RequestReader(options);
  }

  /** What was counted so far; one object for the parser's whole life. */
  get counters(): ParserCounters {
    return this.#reader.counters;
  }

  /** Bytes allocated for the unfinished message. */
  get heldBytes(): number {
    return this.#reader.bytes.heldBytes;
  }

  /** Bytes pushed that are neither delivered nor rejected nor skipped yet. */
  get pendingBytes(): number {
    return this.#reader.bytes.length;
  }

  /** Whether a request is begun and neither delivered nor rejected yet. */
  get isInRequest(): boolean {
    return this.#reader.isBegun;
  }

  /** The next bytes of the stream, captured at `timestampUs`. All are read before this returns; none are kept or changed. */
  push(bytes: Uint8Array, timestampUs: number): void {
    if (this.#isReading) {
      this.#later.push({ bytes: bytes.slice(), gapLength: 0, timestampUs });
      return;
    }
    this.#isReading = true;
    let isWhole = false;
    // One try a push, not one a message, for handlers that throw.
    try {
      this.#reader.read(bytes, timestampUs);
      isWhole = true;
    } finally {
      if (!isWhole) this.#abort();
      this.#reader.close();
      this.#isReading = false;
    }
    if (this.#later.length > 0) this.#runLater();
    this.#reader.announceGivenUp();
  }

  /**
   * `length` bytes of the stream are lost for good. A message in them is given up; where a Content-Length or a chunk's size
   * says where it ends, the next request is read from there, else the next one that can be trusted is looked for.
   * Throws RangeError where `length` is no whole number of bytes.
   */
  gap(length: number, timestampUs: number): void {
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new RangeError(`length must be a whole number of bytes, not ${String(length)}`);
    }
    if (this.#isReading) this.#later.push({ bytes: undefined, gapLength: length, timestampUs });
    else this.#reader.gap(length, timestampUs);
  }

  /** As if bytes had been lost just now: an unfinished request is given up, the next one that can be trusted is looked for. */
  startMidstream(): void {
    this.#reader.startMidstream();
  }

  /** The server answered 101, or 2xx to a CONNECT: what follows is no HTTP, and is skipped to the end. */
  becomeOpaque(): void {
    this.#reader.becomeOpaque();
  }

  /** The stream is over: an unfinished request is given up, what is pushed after this is skipped. May be called twice. */
  end(timestampUs: number): void {
    this.#reader.end(timestampUs);
  }

  #runLater(): void {
    for (let next = this.#later.shift(); next !== undefined; next = this.#later.shift()) {
      if (next.bytes === undefined) this.gap(next.gapLength, next.timestampUs);
      else this.push(next.bytes, next.timestampUs);
    }
  }

  /** A handler threw: what came behind its message, and what handlers pushed since, is lost. */
  #abort(): void {
    let lostBytes = 0;
    let gapBytes = 0;
    for (const { bytes, gapLength } of this.#later) {
      lostBytes += bytes === undefined ? 0 : bytes.length;
      gapBytes += gapLength;
    }
    this.#later = [];
    this.#reader.abort(lostBytes, gapBytes);
  }
}
