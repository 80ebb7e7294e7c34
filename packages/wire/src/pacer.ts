// When a datagram may leave: a token bucket, a pure function of time. It keeps bursts small enough for a receiver with
// the stock kernel buffer (212,992 bytes hold 92 datagrams of 1,200 bytes, 12 of 8,000: the kernel counts what it allocates).

/** About 40 datagrams of 1,200 bytes at once, and 40 in each millisecond, in the kernel's bytes. */
const BURST_BYTES = 40 * kernelBytes(1200);
const BYTES_PER_MS = 40 * kernelBytes(1200);

/** What a datagram takes of a kernel's receive buffer at most, about. */
function kernelBytes(datagramBytes: number): number {
  return 2 * (datagramBytes + 256);
}

export class Pacer {
  #available = BURST_BYTES;
  #filledAtMs: number;

  constructor(nowMs: number) {
    this.#filledAtMs = nowMs;
  }

  /** True where a datagram of this length may leave now; it is then taken as sent. */
  take(datagramBytes: number, nowMs: number): boolean {
    this.#fill(nowMs);
    const cost = kernelBytes(datagramBytes);
    // A datagram that costs more than a full bucket leaves when the bucket is full, and the next ones wait longer.
    if (this.#available < Math.min(cost, BURST_BYTES)) return false;
    this.#available -= cost;
    return true;
  }

  /** How long until a datagram of this length may leave, in milliseconds. */
  waitMs(datagramBytes: number, nowMs: number): number {
    this.#fill(nowMs);
    const missing = Math.min(kernelBytes(datagramBytes), BURST_BYTES) - this.#available;
    return Math.max(0, missing / BYTES_PER_MS);
  }

  #fill(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.#filledAtMs);
    this.#available = Math.min(BURST_BYTES, this.#available + elapsedMs * BYTES_PER_MS);
    this.#filledAtMs = nowMs;
  }
}
