// Bytes kept from one chunk to the next, in one buffer that grows with what has come, never with what was declared.

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
