// A link with virtual time that loses, repeats, reorders and corrupts datagrams as its seed says: the same seed, the
// same run. It knows nothing of what the datagrams mean. Two of them with one Random are both ways of a network.
// Losses in bursts: Gilbert's model, a good state and a bad one in which everything is lost (E. N. Gilbert, "Capacity of
// a burst-noise channel", 1960).

import type { Random } from './random.ts';

/** What the link does, each a probability for one datagram unless said otherwise; default 0. */
export interface LossyLinkOptions {
  readonly random: Random;
  readonly loss?: number;
  /** With this probability a burst begins, in which all datagrams are lost. */
  readonly burst?: number;
  /** So many datagrams a burst takes in the mean, at least 1, default 10; and so long at most, default 10 ms. */
  readonly burstLength?: number;
  readonly burstMs?: number;
  readonly duplicate?: number;
  /** With this probability a datagram is delayed by up to `reorderMs` (default 10) more than the others. */
  readonly reorder?: number;
  readonly reorderMs?: number;
  /** Such a datagram is overtaken by 1 to so many later ones, and waits for them `reorderMs` at most; default: by time only. */
  readonly reorderDatagrams?: number;
  /** Bytes flipped, the end cut off, or bytes added. */
  readonly corrupt?: number;
  /** What each datagram takes at least; default 1. */
  readonly delayMs?: number;
  /** Called in the order of arrival; the bytes are the callee's. */
  readonly onDeliver: (datagram: Uint8Array, nowMs: number) => void;
}

interface InFlight {
  readonly dueMs: number;
  /** Among those of one time. */
  readonly order: number;
  readonly datagram: Uint8Array;
  /** One that was overtaken by as many as it waited for comes by another entry. */
  isReleased: boolean;
}

export class LossyLink {
  readonly counts = { sent: 0, lost: 0, duplicated: 0, corrupted: 0, reordered: 0, delivered: 0 };
  readonly #options: LossyLinkOptions;
  /** A heap: no entry is due before its parent. */
  readonly #inFlight: InFlight[] = [];
  /** Those that wait to be overtaken, by the count of launches that ends it. */
  readonly #overtaken = new Map<number, InFlight[]>();
  #launches = 0;
  #order = 0;
  #burstEndMs = Number.NEGATIVE_INFINITY;

  constructor(options: LossyLinkOptions) {
    this.#options = options;
  }

  /** When the next datagram arrives; Infinity where none is under way. */
  get nextMs(): number {
    return this.#inFlight[0]?.dueMs ?? Number.POSITIVE_INFINITY;
  }

  send(datagram: Uint8Array, nowMs: number): void {
    const { random, duplicate = 0 } = this.#options;
    this.counts.sent++;
    if (this.#loses(nowMs)) {
      this.counts.lost++;
      return;
    }
    this.#launch(datagram, nowMs);
    if (duplicate > 0 && random.chance(duplicate)) {
      this.counts.duplicated++;
      this.#launch(datagram, nowMs);
    }
  }

  /** Delivers what is due by then. */
  advance(nowMs: number): void {
    for (let first = this.#inFlight[0]; first !== undefined && first.dueMs <= nowMs; first = this.#inFlight[0]) {
      this.#removeFirst();
      if (first.isReleased) continue;
      first.isReleased = true;
      this.counts.delivered++;
      this.#options.onDeliver(first.datagram, first.dueMs);
    }
  }

  #loses(nowMs: number): boolean {
    const { random, loss = 0, burst = 0, burstLength = 10, burstMs = 10 } = this.#options;
    if (nowMs < this.#burstEndMs) {
      if (random.chance(1 / burstLength)) this.#burstEndMs = nowMs;
    } else if (burst > 0 && random.chance(burst)) {
      this.#burstEndMs = nowMs + burstMs;
    }
    return nowMs < this.#burstEndMs || (loss > 0 && random.chance(loss));
  }

  #launch(datagram: Uint8Array, nowMs: number): void {
    const { random, reorder = 0, reorderMs = 10, reorderDatagrams = 0, corrupt = 0, delayMs = 1 } = this.#options;
    const isCorrupted = corrupt > 0 && random.chance(corrupt);
    if (isCorrupted) this.counts.corrupted++;
    const bytes = isCorrupted ? corrupted(datagram, random) : datagram.slice();
    const isReordered = reorder > 0 && random.chance(reorder);
    const dueMs = nowMs + delayMs;
    this.#launches++;
    if (!isReordered) {
      this.#add(dueMs, bytes);
    } else if (reorderDatagrams === 0) {
      this.counts.reordered++;
      this.#add(dueMs + random.next() * reorderMs, bytes);
    } else {
      this.counts.reordered++;
      const until = this.#launches + 1 + random.below(reorderDatagrams);
      const waiting = this.#overtaken.get(until) ?? [];
      if (waiting.length === 0) this.#overtaken.set(until, waiting);
      waiting.push(this.#add(dueMs + reorderMs, bytes));
    }
    this.#release(dueMs);
  }

  /** Those that the datagram just launched was the last to overtake follow it. */
  #release(dueMs: number): void {
    const waiting = this.#overtaken.get(this.#launches);
    if (waiting === undefined) return;
    this.#overtaken.delete(this.#launches);
    for (const each of waiting) {
      if (each.isReleased || each.dueMs <= dueMs) continue;
      each.isReleased = true;
      this.#add(dueMs, each.datagram);
    }
  }

  #add(dueMs: number, datagram: Uint8Array): InFlight {
    const added = { dueMs, order: this.#order++, datagram, isReleased: false };
    const heap = this.#inFlight;
    let at = heap.length;
    for (let parent = (at - 1) >> 1; at > 0 && isBefore(added, heap[parent]!); parent = (at - 1) >> 1) {
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = added;
    return added;
  }

  #removeFirst(): void {
    const heap = this.#inFlight;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: InFlight, b: InFlight): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
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
