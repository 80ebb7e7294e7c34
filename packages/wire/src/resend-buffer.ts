// Datagrams that have left, for sending them again: copies in chunks that are reused, so that nothing else stays alive
// by them and the memory is flat. Bounds in bytes, datagrams and time. docs/wire-protocol.md, "Limits".

/** The bounds of a buffer. */
export interface ResendLimits {
  /** Bytes of all chunks, at least 65,536. */
  readonly maxBytes: number;
  readonly maxDatagrams: number;
  /** Since a datagram left for the first time. */
  readonly maxAgeMs: number;
}

/** What lies in the buffer, and why datagrams were let go. */
export interface KeptCounters {
  readonly datagrams: number;
  readonly bytes: number;
  /** Of the chunks, in use or not; never more than the limit. */
  readonly allocatedBytes: number;
  /** Datagrams let go because they were too old, or the first of their limit in bytes or in number. */
  readonly letGo: { readonly age: number; readonly bytes: number; readonly datagrams: number };
}

const CHUNK_BYTES = 256 * 1024;

/** Owner of what may be sent again. Sequences rise by one; times are milliseconds that never go back. */
export class ResendBuffer {
  readonly #limits: ResendLimits;
  readonly #chunkBytes: number;
  readonly #maxChunks: number;
  readonly #chunks: Uint8Array[] = [];
  /** Datagrams in each chunk. */
  readonly #users: number[] = [];
  /** Chunks without any, but for the one that is written. */
  readonly #free: number[] = [];
  #chunk = -1;
  #writeAt = 0;
  /** By sequence modulo their length: chunk times CHUNK_BYTES plus place in it, length, and two times. */
  readonly #places: Uint32Array;
  readonly #lengths: Uint16Array;
  readonly #leftMs: Float64Array;
  readonly #againMs: Float64Array;
  #oldest = 1;
  #next = 1;
  #bytes = 0;
  readonly #letGo = { age: 0, bytes: 0, datagrams: 0 };

  constructor(limits: ResendLimits) {
    this.#limits = limits;
    this.#chunkBytes = Math.min(CHUNK_BYTES, limits.maxBytes);
    this.#maxChunks = Math.floor(limits.maxBytes / this.#chunkBytes);
    this.#places = new Uint32Array(limits.maxDatagrams);
    this.#lengths = new Uint16Array(limits.maxDatagrams);
    this.#leftMs = new Float64Array(limits.maxDatagrams);
    this.#againMs = new Float64Array(limits.maxDatagrams);
  }

  /** The lowest sequence that is kept; where it is `next`, none is. */
  get oldest(): number {
    return this.#oldest;
  }

  /** One more than the highest sequence that was kept. */
  get next(): number {
    return this.#next;
  }

  /** Copies a datagram that leaves. Where sequences were left out in between, everything before is let go, as too old. */
  keep(datagram: Uint8Array, sequence: number, nowMs: number): void {
    if (sequence !== this.#next) {
      while (this.#oldest < this.#next) this.#drop('age');
      this.#oldest = sequence;
      this.#next = sequence;
    }
    this.advance(nowMs);
    if (this.#next - this.#oldest === this.#limits.maxDatagrams) this.#drop('datagrams');
    if (this.#chunk < 0 || this.#writeAt + datagram.length > this.#chunkBytes) this.#beginChunk();
    this.#chunks[this.#chunk]!.set(datagram, this.#writeAt);
    const slot = sequence % this.#limits.maxDatagrams;
    this.#places[slot] = this.#chunk * this.#chunkBytes + this.#writeAt;
    this.#lengths[slot] = datagram.length;
    this.#leftMs[slot] = nowMs;
    this.#againMs[slot] = Number.NEGATIVE_INFINITY;
    this.#writeAt += datagram.length;
    this.#users[this.#chunk]!++;
    this.#bytes += datagram.length;
    this.#next = sequence + 1;
  }

  /** A view of the datagram, valid until the next call of keep or advance; undefined where it is not there. */
  view(sequence: number): Uint8Array | undefined {
    if (sequence < this.#oldest || sequence >= this.#next) return undefined;
    const slot = sequence % this.#limits.maxDatagrams;
    const place = this.#places[slot]!;
    const at = place % this.#chunkBytes;
    return this.#chunks[Math.floor(place / this.#chunkBytes)]!.subarray(at, at + this.#lengths[slot]!);
  }

  /** The length of a datagram that is kept. */
  lengthOf(sequence: number): number {
    return this.#lengths[sequence % this.#limits.maxDatagrams]!;
  }

  /** When a datagram that is kept was last sent again, as noted. */
  againMs(sequence: number): number {
    return this.#againMs[sequence % this.#limits.maxDatagrams]!;
  }

  /** Notes when a datagram that is kept was sent again; Infinity where it is about to be. */
  noteAgain(sequence: number, atMs: number): void {
    this.#againMs[sequence % this.#limits.maxDatagrams] = atMs;
  }

  /** Lets go what is too old. */
  advance(nowMs: number): void {
    const { maxAgeMs, maxDatagrams } = this.#limits;
    while (this.#oldest < this.#next && nowMs - this.#leftMs[this.#oldest % maxDatagrams]! >= maxAgeMs) {
      this.#drop('age');
    }
  }

  counters(): KeptCounters {
    return {
      datagrams: this.#next - this.#oldest,
      bytes: this.#bytes,
      allocatedBytes: this.#chunks.length * this.#chunkBytes,
      letGo: { ...this.#letGo },
    };
  }

  #drop(cause: 'age' | 'bytes' | 'datagrams'): void {
    const slot = this.#oldest++ % this.#limits.maxDatagrams;
    const chunk = Math.floor(this.#places[slot]! / this.#chunkBytes);
    this.#bytes -= this.#lengths[slot]!;
    this.#letGo[cause]++;
    this.#users[chunk]!--;
    if (this.#users[chunk] === 0 && chunk !== this.#chunk) this.#free.push(chunk);
  }

  /** A free chunk, a new one, or that of the oldest datagrams, which go. */
  #beginChunk(): void {
    const full = this.#chunk;
    this.#chunk = -1;
    this.#writeAt = 0;
    if (full >= 0 && this.#users[full] === 0) this.#free.push(full);
    if (this.#free.length === 0 && this.#chunks.length < this.#maxChunks) {
      this.#free.push(this.#chunks.length);
      this.#chunks.push(new Uint8Array(this.#chunkBytes));
      this.#users.push(0);
    }
    while (this.#free.length === 0) this.#drop('bytes');
    this.#chunk = this.#free.pop()!;
  }
}
