// The bytes of the message being read: what earlier pushes brought of it, copied, and the part of the chunk at hand that
// belongs to it, uncopied. The reader moves `at`; whoever needs the message in one piece asks for it. What is copied is
// accounted for in the memory budget.

import { ByteBuffer } from './byte-buffer.ts';
import { CR, LF } from './characters.ts';
import { latin1 } from './latin1.ts';
import type { MemoryBudget, MemoryHolder } from './memory-budget.ts';

const NOTHING: Uint8Array = new Uint8Array(0);

/** Owner of the unfinished message of one stream. */
export class MessageBytes {
  /** The bytes pushed last; not ours, and gone after `close`. */
  chunk: Uint8Array = NOTHING;
  /** Up to where `chunk` is read. */
  at = 0;
  /** Where the message, or what follows the held part of it, starts in `chunk`. */
  #from = 0;
  /** Bytes of the message that were read and not kept. */
  #passedBytes = 0;
  readonly #held = new ByteBuffer();
  readonly #budget: MemoryBudget;
  readonly #holder: MemoryHolder;
  #isInBudget = false;

  /** `holder` is asked for the message back when the budget runs out. */
  constructor(budget: MemoryBudget, holder: MemoryHolder) {
    this.#budget = budget;
    this.#holder = holder;
  }

  /** Bytes of the message so far, those that were not kept among them. */
  get length(): number {
    return this.#passedBytes + this.#held.length + this.at - this.#from;
  }

  /** Bytes allocated for the part from earlier pushes. */
  get heldBytes(): number {
    return this.#held.capacity;
  }

  /** Goes on in this chunk. */
  open(chunk: Uint8Array): void {
    this.chunk = chunk;
    this.at = 0;
    this.#from = 0;
  }

  /** Reads on over line ends; whether there were any. */
  passLineEnds(): boolean {
    const start = this.at;
    while (this.at < this.chunk.length && (this.chunk[this.at] === CR || this.chunk[this.at] === LF)) this.at++;
    return this.at > start;
  }

  /** Reads on to the end of the line, or of the chunk; whether the line's end was there. */
  passLine(): boolean {
    const lineEnd = this.chunk.indexOf(LF, this.at);
    this.at = lineEnd < 0 ? this.chunk.length : lineEnd + 1;
    return lineEnd >= 0;
  }

  /**
   * Lets go of the chunk: copies the message's part of it, which will not grow past `mostNeeded` bytes. The budget may then
   * ask this or another holder to give its message up.
   */
  close(mostNeeded: number, nowUs: number): void {
    if (this.at > this.#from) this.#held.append(this.chunk, this.#from, this.at, mostNeeded);
    this.open(NOTHING);
    if (this.#held.length === 0) return;
    this.#isInBudget = true;
    this.#budget.hold(this.#holder, this.#held.capacity, nowUs);
  }

  /** The message so far in one piece; valid until the next call of any method here. */
  view(): Uint8Array {
    if (this.#held.length === 0) return this.chunk.subarray(this.#from, this.at);
    this.#gather();
    return this.#held.bytes.subarray(0, this.#held.length);
  }

  /** Bytes of the message from offset `start` up to `end` as text. */
  text(start: number, end: number): string {
    if (this.#held.length === 0) return latin1(this.chunk, this.#from + start, this.#from + end);
    this.#gather();
    return latin1(this.#held.bytes, start, end);
  }

  /** The message so far and what follows it in the chunk, up to so many bytes, as text; undefined where earlier pushes brought a part. */
  ahead(length: number): string | undefined {
    if (this.#held.length > 0) return undefined;
    return latin1(this.chunk, this.#from, Math.min(this.chunk.length, this.#from + length));
  }

  /** Reads on, or back, to this offset in the message. */
  goTo(offset: number): void {
    this.at += offset - this.length;
  }

  /** The whole message, or what was kept of it, handed over; the next one starts at `at`. */
  take(): Uint8Array {
    this.#leaveBudget();
    this.#passedBytes = 0;
    if (this.#held.length === 0) {
      const isAll = this.#from === 0 && this.at === this.chunk.length;
      const message = isAll ? this.chunk : this.chunk.subarray(this.#from, this.at);
      this.#from = this.at;
      return message;
    }
    this.#gather();
    return this.#held.take();
  }

  /** Forgets the message, gives its memory back, and returns how many bytes it had; the next one starts at `at`. */
  drop(): number {
    const length = this.length;
    this.#leaveBudget();
    this.#held.clear();
    this.#passedBytes = 0;
    this.#from = this.at;
    return length;
  }

  /** Keeps nothing of the message so far, but goes on with it. */
  pass(): void {
    this.#passedBytes = this.drop();
  }

  /** Takes the message back as not read: it comes again from its first byte. Copies where earlier pushes brought a part of it. */
  rewind(): void {
    if (this.#held.length > 0) {
      const joined = new Uint8Array(this.#held.length + this.chunk.length - this.#from);
      joined.set(this.#held.bytes.subarray(0, this.#held.length));
      joined.set(this.chunk.subarray(this.#from), this.#held.length);
      this.#leaveBudget();
      this.#held.clear();
      this.chunk = joined;
      this.#from = 0;
    }
    this.at = this.#from;
  }

  /** Forgets the first `count` bytes of the message. */
  dropFront(count: number): void {
    if (this.#held.length === 0) {
      this.#from += count;
      return;
    }
    this.#gather();
    this.#held.dropFront(count);
  }

  #leaveBudget(): void {
    if (!this.#isInBudget) return;
    this.#isInBudget = false;
    this.#budget.release(this.#holder);
  }

  #gather(): void {
    if (this.at > this.#from) this.#held.append(this.chunk, this.#from, this.at, Infinity);
    this.#from = this.at;
  }
}
