// Keeps order where handlers call back into a parser, and the parser whole where they throw: the shell around a
// MessageReader that both parsers share.

import { copyOf } from './byte-buffer.ts';
import type { MemoryBudget } from './memory-budget.ts';
import type { MessageReader } from './message-reader.ts';

/** What a handler told the parser while it was in the middle of a chunk: bytes, or a gap of so many. */
interface Later {
  readonly bytes: Uint8Array | undefined;
  readonly gapLength: number;
  readonly timestampUs: number;
}

/** Brings pushes and gaps to a reader, one after the other. */
export class PushOrder<Own extends string> {
  readonly #reader: MessageReader<Own>;
  readonly #budget: MemoryBudget;
  #isReading = false;
  #later: Later[] = [];

  constructor(reader: MessageReader<Own>, budget: MemoryBudget) {
    this.#reader = reader;
    this.#budget = budget;
  }

  /** Reads bytes; returns how many of them, fewer than given only where the reader stopped before a message. */
  push(bytes: Uint8Array, timestampUs: number): number {
    if (this.#isReading) {
      this.#later.push({ bytes: copyOf(bytes), gapLength: 0, timestampUs });
      return bytes.length;
    }
    this.#isReading = true;
    let readBytes = -1;
    // One try a push, not one a message, for handlers that throw.
    try {
      readBytes = this.#reader.read(bytes, timestampUs);
    } finally {
      if (readBytes < 0) this.#abort();
      this.#reader.close();
      this.#isReading = false;
    }
    if (this.#later.length > 0) this.#runLater();
    this.#budget.announce();
    return readBytes;
  }

  /** Takes a hole. Throws RangeError where `length` is no whole number of bytes. */
  gap(length: number, timestampUs: number): void {
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new RangeError(`length must be a whole number of bytes, not ${String(length)}`);
    }
    if (this.#isReading) this.#later.push({ bytes: undefined, gapLength: length, timestampUs });
    else this.#reader.gap(length, timestampUs);
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
