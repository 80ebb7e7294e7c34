// Bytes of one stream that wait for a word of the other one. Copied, bounded, and accounted for in a memory budget.

import { copyOf } from './byte-buffer.ts';
import type { MemoryBudget } from './memory-budget.ts';

/** Most bytes that wait in one stream, some for the bookkeeping of each piece among them. */
const MAX_HELD_BYTES = 64 * 1024;
/** About what a piece takes besides its bytes. */
const PIECE_BYTES = 256;

/** Some bytes, and when they were captured. */
export interface HeldPiece {
  readonly bytes: Uint8Array;
  readonly timestampUs: number;
}

/** Pieces of a stream in order. */
export class HeldBytes {
  /** When the first of them was captured. */
  sinceUs = 0;
  #lostBytes = 0;
  #pieces: HeldPiece[] = [];
  #size = 0;
  readonly #budget: MemoryBudget;
  readonly #holder = { giveUp: (): undefined => this.#giveUp() };

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  /** Whether none wait, and none were taken away. */
  get isEmpty(): boolean {
    return this.#pieces.length === 0 && this.#lostBytes === 0;
  }

  /** How many bytes they are, those among them that the budget took away. */
  get byteCount(): number {
    return this.#size - this.#pieces.length * PIECE_BYTES + this.#lostBytes;
  }

  /** How many bytes, which stood in front of these, the budget took away since this was last asked: whoever asks counts them. */
  takeLost(): number {
    const lostBytes = this.#lostBytes;
    this.#lostBytes = 0;
    return lostBytes;
  }

  /** Copies bytes behind the others; false where there is no room for them. */
  add(bytes: Uint8Array, timestampUs: number): boolean {
    const size = bytes.length + PIECE_BYTES;
    if (this.#size + size > MAX_HELD_BYTES) return false;
    if (this.#pieces.length === 0) this.sinceUs = timestampUs;
    this.#pieces.push({ bytes: copyOf(bytes), timestampUs });
    this.#size += size;
    this.#budget.hold(this.#holder, this.#size, timestampUs);
    this.#budget.announce();
    return true;
  }

  /** Hands the first piece over. */
  shift(): HeldPiece | undefined {
    const piece = this.#pieces.shift();
    if (piece === undefined) return undefined;
    this.#size -= piece.bytes.length + PIECE_BYTES;
    if (this.#pieces.length === 0) this.#budget.release(this.#holder);
    return piece;
  }

  /** Takes back what was not read of the piece handed over last. */
  unshift({ bytes, timestampUs }: HeldPiece): void {
    this.#pieces.unshift({ bytes, timestampUs });
    this.#size += bytes.length + PIECE_BYTES;
    this.#budget.hold(this.#holder, this.#size, timestampUs);
    this.#budget.announce();
  }

  /** All of them in one piece. */
  joined(): Uint8Array {
    if (this.#pieces.length === 1) return this.#pieces[0]!.bytes;
    const joined = new Uint8Array(this.#size - this.#pieces.length * PIECE_BYTES);
    let at = 0;
    for (const { bytes } of this.#pieces) {
      joined.set(bytes, at);
      at += bytes.length;
    }
    return joined;
  }

  #giveUp(): undefined {
    this.#lostBytes += this.#size - this.#pieces.length * PIECE_BYTES;
    this.#pieces = [];
    this.#size = 0;
  }
}
