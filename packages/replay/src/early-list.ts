// Deliveries that are not due yet, the first due first: a binary heap, since several capture clocks and connections come in
// no order of due times. What is due at the same time keeps the order in which it came. Knows no time.

import type { Delivery } from './delivery.ts';
import type { ReplayRequest } from './request.ts';

/** Of more than so many the due times stay as they were: looking at all of them would hold up what is due. */
const MOST_HASTENED = 4096;

/** Those of one target. Its backlog bounds how many there are. */
export class EarlyList {
  readonly #heap: Delivery[] = [];
  readonly #numbers: number[] = [];
  /** The last early one of each connection that has some; never more of them than deliveries. */
  readonly #lastOf = new Map<string | number, Delivery>();
  #next = 0;

  get length(): number {
    return this.#heap.length;
  }

  /** The one that is due first. */
  get first(): Delivery | undefined {
    return this.#heap[0];
  }

  /** A due time for a request of this connection: not before those of its connection that came earlier. */
  inOrderMs(connection: string | number, dueMs: number): number {
    const last = this.#heap.length === 0 ? undefined : this.#lastOf.get(connection);
    return last === undefined ? dueMs : Math.max(dueMs, last.dueMs);
  }

  add(delivery: Delivery): void {
    this.#lastOf.set(delivery.request.connection, delivery);
    this.#heap.push(delivery);
    this.#numbers.push(this.#next++);
    this.#rise(this.#heap.length - 1);
  }

  /** Takes out `first`. */
  shift(): void {
    const [first] = this.#heap;
    const last = this.#heap.pop();
    const number = this.#numbers.pop();
    if (first === undefined || last === undefined || number === undefined) return;
    const { connection } = first.request;
    if (this.#lastOf.get(connection) === first) this.#lastOf.delete(connection);
    if (this.#heap.length > 0) this.#sink(last, number);
  }

  /** Takes due times that are earlier now, none before `nowMs` and none out of the order of its connection. */
  hasten(dueByNowMs: (request: ReplayRequest) => number, nowMs: number): void {
    const { length } = this.#heap;
    if (length > MOST_HASTENED) return;
    const places = this.#numbers.map((_, at) => at).sort((one, other) => this.#numbers[one]! - this.#numbers[other]!);
    const inOrder = places.map((at) => this.#heap[at]!);
    this.#heap.length = 0;
    this.#numbers.length = 0;
    this.#lastOf.clear();
    for (const delivery of inOrder) {
      const dueMs = Math.max(nowMs, Math.min(delivery.dueMs, dueByNowMs(delivery.request)));
      delivery.dueMs = this.inOrderMs(delivery.request.connection, dueMs);
      this.add(delivery);
    }
  }

  #rise(from: number): void {
    const delivery = this.#heap[from]!;
    const number = this.#numbers[from]!;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(delivery, number, parent)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#heap[at] = delivery;
    this.#numbers[at] = number;
  }

  /** Puts one in the place of the first, and from there to where it belongs. */
  #sink(delivery: Delivery, number: number): void {
    const { length } = this.#heap;
    let at = 0;
    for (let child = 1; child < length; child = 2 * at + 1) {
      if (child + 1 < length && this.#isBefore(this.#heap[child + 1]!, this.#numbers[child + 1]!, child)) child += 1;
      if (this.#isBefore(delivery, number, child)) break;
      this.#move(child, at);
      at = child;
    }
    this.#heap[at] = delivery;
    this.#numbers[at] = number;
  }

  #move(from: number, to: number): void {
    this.#heap[to] = this.#heap[from]!;
    this.#numbers[to] = this.#numbers[from]!;
  }

  #isBefore(delivery: Delivery, number: number, at: number): boolean {
    const other = this.#heap[at]!;
    return delivery.dueMs < other.dueMs || (delivery.dueMs === other.dueMs && number < this.#numbers[at]!);
  }
}
