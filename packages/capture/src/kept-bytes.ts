// Bytes that stay where the buffer they came in is used again: a copy, or one buffer that grows with what has come from
// chunk to chunk, never with what was declared.

/** A growing run of bytes. Its owner limits it. */
export class KeptBytes {
  /** What is kept is `bytes[0, length)`; another buffer after {@link append} may stand here. */
  bytes = new Uint8Array(0);
  length = 0;

  /** Copies `chunk[at, end)` behind what is kept. */
  append(chunk: Uint8Array, at: number, end: number): void {
    const needed = this.length + end - at;
    if (needed > this.bytes.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
      larger.set(this.bytes.subarray(0, this.length));
      this.bytes = larger;
    }
    this.bytes.set(chunk.subarray(at, end), this.length);
    this.length = needed;
  }
}

/** A copy of `bytes[start, end)`. Not `slice`: of a Buffer, which frames may stand in, that would be a view. */
export function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copied = new Uint8Array(end - start);
  copied.set(bytes.subarray(start, end));
  return copied;
}
