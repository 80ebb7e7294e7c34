// When a datagram may leave: a token bucket, a pure function of time. It keeps bursts small enough for a receiver with
// the stock kernel buffer (212,992 bytes hold 92 datagrams of 1,200 bytes, 12 of 8,000: the kernel counts what it allocates).

import { isFragment } from './datagram.ts';

/**
 * About 40 datagrams of 1,200 bytes at once, and 40 in each millisecond, in the kernel's bytes; of fragments, where
 * nothing is sent again, 16. Small records come spread by the traffic itself, but a large one comes at once, and one lost
 * fragment loses all of it: its pace leaves a receiver that stops for 5 ms (a collection of garbage) its buffer.
 */
const BURST_BYTES = 40 * kernelBytes(1200);
/** What leaves at most, in the kernel's bytes. */
export const BYTES_PER_MS = 40 * kernelBytes(1200);

const FRAGMENT_COST = 2.5;

/** What a datagram takes of a kernel's receive buffer at most, about. */
export function kernelBytes(datagramBytes: number): number {
  return 2 * (datagramBytes + 256);
}

/** A token bucket in the kernel's bytes; times in milliseconds that never go back. */
export class Pacer {
  readonly #fragmentCost: number;
  #available = BURST_BYTES;
  #filledAtMs: number;

  /** `repairs`: what is lost is sent again, so fragments need no more room than others. */
  constructor(nowMs: number, repairs: boolean) {
    this.#filledAtMs = nowMs;
    this.#fragmentCost = repairs ? 1 : FRAGMENT_COST;
  }

  /** True where this datagram may leave now; it is then taken as sent. */
  take(datagram: Uint8Array, nowMs: number): boolean {
    this.#fill(nowMs);
    const cost = this.#costOf(datagram);
    // A datagram that costs more than a full bucket leaves when the bucket is full, and the next ones wait longer.
    if (this.#available < Math.min(cost, BURST_BYTES)) return false;
    this.#available -= cost;
    return true;
  }

  /** How long until this datagram may leave, in milliseconds. */
  waitMs(datagram: Uint8Array, nowMs: number): number {
    this.#fill(nowMs);
    const missing = Math.min(this.#costOf(datagram), BURST_BYTES) - this.#available;
    return Math.max(0, missing / BYTES_PER_MS);
  }

  #costOf(datagram: Uint8Array): number {
    return kernelBytes(datagram.length) * (isFragment(datagram) ? this.#fragmentCost : 1);
  }

  #fill(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.#filledAtMs);
    this.#available = Math.min(BURST_BYTES, this.#available + elapsedMs * BYTES_PER_MS);
    this.#filledAtMs = nowMs;
  }
}
