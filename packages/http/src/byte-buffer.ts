// The bytes of one unfinished message, in one piece. It grows by doubling from what has come, never from a length that
// somebody declared: a peer who announces much and sends little costs little.

const EMPTY = new Uint8Array(0);
const LEAST_CAPACITY = 256;

/** Bytes that grow at the end; the memory grows by doubling, never by what a peer announced. */
export class ByteBuffer {
  #bytes = EMPTY;
  #length = 0;

  /** How many bytes are held. */
  get length(): number {
    return this.#length;
  }

  /** How many bytes are allocated, which is what the memory budget counts. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** The store itself: only its first `length` bytes mean anything, and only until the next call. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Copies `source` from `start` up to `end` behind what is held. `mostNeeded`: doubling past this length would be a waste. */
  append(source: Uint8Array, start: number, end: number, mostNeeded: number): void {
    const length = this.#length + end - start;
    if (length > this.#bytes.length) this.#grow(length, mostNeeded);
    this.#bytes.set(start === 0 && end === source.length ? source : source.subarray(start, end), this.#length);
    this.#length = length;
  }

  /** Forgets the first `count` bytes. */
  dropFront(count: number): void {
    this.#bytes.copyWithin(0, count, this.#length);
    this.#length -= count;
  }

  /** Hands the held bytes over, without a copy, and is empty again. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length);
    this.clear();
    return taken;
  }

  /** Is empty again, and gives the memory back. */
  clear(): void {
    this.#bytes = EMPTY;
    this.#length = 0;
  }

  #grow(length: number, mostNeeded: number): void {
    const doubled = Math.max(LEAST_CAPACITY, 2 * this.#bytes.length);
    const bytes = new Uint8Array(Math.max(length, Math.min(doubled, mostNeeded)));
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
  }
}

/** A copy. Not `slice`: of a Buffer, which is lent as well, that would be a view. */
export function copyOf(bytes: Uint8Array): Uint8Array {
  const copied = new Uint8Array(bytes.length);
  copied.set(bytes);
  return copied;
}
