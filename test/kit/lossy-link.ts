// A link with virtual time that loses, repeats, reorders and corrupts datagrams as its seed says: the same seed, the
// same run. It knows nothing of what the datagrams mean.

import type { Random } from './random.ts';

/** What the link does, each a probability for one datagram unless said otherwise; default 0. */
export interface LossyLinkOptions {
  readonly random: Random;
  readonly loss?: number;
  readonly duplicate?: number;
  /** With this probability a datagram is delayed by up to `reorderMs` (default 10) more than the others. */
  readonly reorder?: number;
  readonly reorderMs?: number;
  /** Bytes flipped, the end cut off, or bytes added. */
  readonly corrupt?: number;
  /** What each datagram takes at least; default 1. */
  readonly delayMs?: number;
  /** Called in the order of arrival. */
  readonly onDeliver: (datagram: Uint8Array, nowMs: number) => void;
}

interface InFlight {
  readonly dueMs: number;
  readonly datagram: Uint8Array;
}

export class LossyLink {
  readonly counts = { sent: 0, lost: 0, duplicated: 0, corrupted: 0, delivered: 0 };
  readonly #options: LossyLinkOptions;
  /** In the order of arrival. */
  readonly #inFlight: InFlight[] = [];

  constructor(options: LossyLinkOptions) {
    this.#options = options;
  }

  send(datagram: Uint8Array, nowMs: number): void {
    const { random, loss = 0, duplicate = 0 } = this.#options;
    this.counts.sent++;
    if (random.chance(loss)) {
      this.counts.lost++;
      return;
    }
    this.#launch(datagram, nowMs);
    if (random.chance(duplicate)) {
      this.counts.duplicated++;
      this.#launch(datagram, nowMs);
    }
  }

  /** Delivers what is due by then. */
  advance(nowMs: number): void {
    for (let first = this.#inFlight[0]; first !== undefined && first.dueMs <= nowMs; first = this.#inFlight[0]) {
      this.#inFlight.shift();
      this.counts.delivered++;
      this.#options.onDeliver(first.datagram, first.dueMs);
    }
  }

  #launch(datagram: Uint8Array, nowMs: number): void {
    const { random, reorder = 0, reorderMs = 10, corrupt = 0, delayMs = 1 } = this.#options;
    const dueMs = nowMs + delayMs + (random.chance(reorder) ? random.next() * reorderMs : 0);
    const isCorrupted = random.chance(corrupt);
    if (isCorrupted) this.counts.corrupted++;
    let at = this.#inFlight.length;
    while (at > 0 && this.#inFlight[at - 1]!.dueMs > dueMs) at--;
    this.#inFlight.splice(at, 0, { dueMs, datagram: isCorrupted ? corrupted(datagram, random) : datagram.slice() });
  }
}

/** A copy with one to three bytes changed, the end cut off, or a few bytes more. */
export function corrupted(datagram: Uint8Array, random: Random): Uint8Array {
  const how = random.below(4);
  if (how === 0) return datagram.slice(0, random.below(datagram.length));
  if (how === 1) return Uint8Array.from([...datagram, ...random.bytes(1 + random.below(8))]);
  const copy = datagram.slice();
  for (let flips = 1 + random.below(3); flips > 0; flips--) copy[random.below(copy.length)]! ^= 1 << random.below(8);
  return copy;
}
