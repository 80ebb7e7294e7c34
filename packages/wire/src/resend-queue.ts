// What the receiver asked for and will get again: out of the buffer, within the budget, each but once in 10 ms. The queue
// is no longer than the buffer. docs/wire-protocol.md, "Reports, and sending again".

import type { MissingRange } from './report.ts';
import { ResendBudget } from './resend-budget.ts';
import { type KeptCounters, ResendBuffer, type ResendLimits } from './resend-buffer.ts';

/** What was asked for, by what came of it; sequences. */
export interface ResentCounters {
  /** Sent again, and their bytes. */
  readonly datagrams: number;
  readonly bytes: number;
  /** Not sent because the budget was used up, or because so many were asked for in 10 ms; asked for again they count again. */
  readonly overBudget: number;
  /** Not kept any more. */
  readonly gone: number;
}

const PAUSE_MS = 10;
/** So many sequences are looked at in that time: a receiver never misses more, and who makes reports up costs no more. */
const MOST_LOOKS = 8192;
/** How many entries may lie dead before the array is cut. */
const SLACK = 1024;

const NOTHING_KEPT: KeptCounters = {
  datagrams: 0,
  bytes: 0,
  allocatedBytes: 0,
  letGo: { age: 0, bytes: 0, datagrams: 0 },
};

/** Owner of the buffer, the budget, and the sequences that are about to be sent again. */
export class ResendQueue {
  readonly #buffer: ResendBuffer | undefined;
  readonly #budget: ResendBudget;
  readonly #asked: number[] = [];
  #first = 0;
  #looks = 0;
  #looksSinceMs = Number.NEGATIVE_INFINITY;
  readonly #resent = { datagrams: 0, bytes: 0, overBudget: 0, gone: 0 };

  /** `limits`: undefined where nothing is sent again. */
  constructor(limits: ResendLimits | undefined, share: number) {
    this.#buffer = limits === undefined ? undefined : new ResendBuffer(limits);
    this.#budget = new ResendBudget(share);
  }

  /** Whether anything is kept at all. */
  get isOn(): boolean {
    return this.#buffer !== undefined;
  }

  /** The oldest datagram that can be sent again, a view valid until the next call; undefined where there is none. */
  oldest(nowMs: number): Uint8Array | undefined {
    this.#buffer?.advance(nowMs);
    return this.#buffer?.view(this.#buffer.oldest);
  }

  /** Keeps a datagram that leaves for the first time. */
  left(datagram: Uint8Array, sequence: number, nowMs: number): void {
    if (this.#buffer === undefined) return;
    this.#budget.earn(datagram.length);
    this.#buffer.keep(datagram, sequence, nowMs);
  }

  /** Takes what a report names, all of it sent once; returns how many sequences cannot be sent again any more. */
  ask(missing: readonly MissingRange[], nowMs: number): number {
    this.#buffer?.advance(nowMs);
    this.#resumeLooks(nowMs);
    let gone = 0;
    for (const { first, count } of missing) {
      const from = Math.max(first, this.#buffer?.oldest ?? 0);
      const end = Math.max(from, Math.min(first + count, this.#buffer?.next ?? 0));
      gone += count - (end - from);
      this.#resent.overBudget += end - this.#askFrom(from, end, nowMs);
    }
    this.#resent.gone += gone;
    return gone;
  }

  /** The datagram that is to be sent again next, a view valid until the next call; undefined where there is none. */
  peek(nowMs: number): Uint8Array | undefined {
    if (this.#first === this.#asked.length) return undefined;
    this.#buffer?.advance(nowMs);
    for (; this.#first < this.#asked.length; this.#first++) {
      const datagram = this.#buffer?.view(this.#asked[this.#first]!);
      if (datagram !== undefined) return datagram;
      this.#resent.gone++;
    }
    this.#forget();
    return undefined;
  }

  /** Notes that what `peek` showed is sent again; returns a copy of it, the caller's to keep. */
  take(nowMs: number): Uint8Array | undefined {
    const datagram = this.peek(nowMs)?.slice();
    if (datagram === undefined) return undefined;
    this.#buffer?.noteAgain(this.#asked[this.#first++]!, nowMs);
    this.#resent.datagrams++;
    this.#resent.bytes += datagram.length;
    if (this.#first > SLACK || this.#first === this.#asked.length) this.#forget();
    return datagram;
  }

  advance(nowMs: number): void {
    this.#buffer?.advance(nowMs);
  }

  counters(): { readonly resent: ResentCounters; readonly kept: KeptCounters } {
    return { resent: { ...this.#resent }, kept: this.#buffer?.counters() ?? NOTHING_KEPT };
  }

  #resumeLooks(nowMs: number): void {
    if (nowMs - this.#looksSinceMs < PAUSE_MS) return;
    this.#looksSinceMs = nowMs;
    this.#looks = MOST_LOOKS;
  }

  /** Where it stops, at `end` at the latest: the first that there is no budget for, or no look. */
  #askFrom(from: number, end: number, nowMs: number): number {
    const buffer = this.#buffer!;
    let sequence = from;
    for (; sequence < end && this.#looks > 0; sequence++, this.#looks--) {
      // One that waits in this queue was last sent at Infinity.
      if (nowMs - buffer.againMs(sequence) < PAUSE_MS) continue;
      if (!this.#budget.take(buffer.lengthOf(sequence))) {
        this.#looks--;
        break;
      }
      buffer.noteAgain(sequence, Number.POSITIVE_INFINITY);
      this.#asked.push(sequence);
    }
    return sequence;
  }

  #forget(): void {
    this.#asked.splice(0, this.#first);
    this.#first = 0;
  }
}
