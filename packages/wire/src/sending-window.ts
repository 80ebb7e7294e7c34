// How far the sender may be ahead of what its receiver has read: no farther than the stock kernel buffer holds, and what
// is on its way. So a receiver that cannot keep up makes datagrams wait here, where they are counted, and not be lost
// there. A pure function of reports and time. docs/wire-protocol.md, "Sender".

import { kernelBytes } from './pacer.ts';

/** 80 datagrams of 1,200 bytes; the stock buffer (212,992 bytes) holds 92. */
const BUFFER_BYTES = 80 * kernelBytes(1200);
/** Sequences that are remembered: more than ever may be ahead. */
const SLOTS = 16_384;
/** Where no report comes, a few datagrams leave all the same: one may show what is missing. */
const PROBE_AFTER_MS = 20;
const PROBE_INTERVAL_MS = 5;
const PROBE_BYTES = 4 * kernelBytes(1200);
/** More than this is no way, but a receiver that was late. */
const MOST_WAY_MS = 1000;

/** One session's window; times in milliseconds that never go back. */
export class SendingWindow {
  readonly #bytesPerMs: number;
  /** By sequence: what had left with it, in the kernel's bytes of all, and when. */
  readonly #leftBytes = new Float64Array(SLOTS);
  readonly #leftMs = new Float64Array(SLOTS);
  #left = 0;
  #leftSequence = 0;
  #read = 0;
  #readSequence = 0;
  /** There and back, the shortest that was seen. */
  #wayMs = MOST_WAY_MS;
  #probes = 0;
  #probeMs = Number.NEGATIVE_INFINITY;
  #isOn = false;

  /** `bytesPerMs`: what leaves at most, in the kernel's bytes. */
  constructor(bytesPerMs: number) {
    this.#bytesPerMs = bytesPerMs;
  }

  /** Whether a datagram may leave now. */
  take(nowMs: number): boolean {
    if (!this.#isShut) return true;
    if (nowMs < this.#probeMs) return false;
    this.#probes = this.#ahead - this.#room + PROBE_BYTES;
    this.#probeMs = nowMs + PROBE_INTERVAL_MS;
    return true;
  }

  /** How long until one may leave without a report. */
  waitMs(nowMs: number): number {
    return this.#isShut ? Math.max(0, this.#probeMs - nowMs) : 0;
  }

  /** Notes a datagram that leaves for the first time. */
  left(sequence: number, datagramBytes: number, nowMs: number): void {
    this.#left += kernelBytes(datagramBytes);
    this.#leftSequence = sequence;
    this.#leftBytes[sequence % SLOTS] = this.#left;
    this.#leftMs[sequence % SLOTS] = nowMs;
  }

  /** Notes how far the receiver has read; from now on the window is in force. */
  reported(highest: number, nowMs: number): void {
    this.#isOn = true;
    if (highest > this.#readSequence && highest > this.#leftSequence - SLOTS) {
      this.#readSequence = highest;
      this.#read = this.#leftBytes[highest % SLOTS]!;
      this.#wayMs = Math.min(this.#wayMs, nowMs - this.#leftMs[highest % SLOTS]!);
    }
    this.#probes = 0;
    this.#probeMs = nowMs + PROBE_AFTER_MS + 2 * this.#wayMs;
  }

  /** Nobody reports any more: nothing is held back. */
  open(): void {
    this.#isOn = false;
  }

  get #isShut(): boolean {
    return this.#isOn && this.#ahead >= this.#room + this.#probes;
  }

  get #ahead(): number {
    return this.#left - this.#read;
  }

  get #room(): number {
    return BUFFER_BYTES + this.#wayMs * this.#bytesPerMs;
  }
}
