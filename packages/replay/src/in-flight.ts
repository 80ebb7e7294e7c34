// The requests of one target that are on their way, and their deadlines. Knows no time but what it is told.

import { type Delivery, DeliveryList } from './delivery.ts';

/** As many as the target has connections; one look at all of them when the first deadline may have passed. */
export class InFlight {
  readonly #list = new DeliveryList();
  readonly #timeoutMs: number;
  #deadlineMs = Number.POSITIVE_INFINITY;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  get length(): number {
    return this.#list.length;
  }

  /** Not later than the first deadline of all; `Infinity` while there is none. */
  get deadlineMs(): number {
    return this.#deadlineMs;
  }

  /** When a delivery must be over. */
  deadlineOf(delivery: Delivery): number {
    return delivery.dueMs + this.#timeoutMs;
  }

  add(delivery: Delivery): void {
    this.#list.append(delivery);
    this.#deadlineMs = Math.min(this.#deadlineMs, this.deadlineOf(delivery));
  }

  /** Called at each end, before anything else is added. */
  remove(delivery: Delivery): void {
    this.#list.remove(delivery);
    if (this.#list.length === 0) this.#deadlineMs = Number.POSITIVE_INFINITY;
  }

  /** Aborts what is past its deadline; each abort comes back as an end, and so as a `remove`. */
  abortOverdue(nowMs: number): void {
    if (nowMs < this.#deadlineMs) return;
    this.#deadlineMs = Number.POSITIVE_INFINITY;
    let next: Delivery | undefined;
    for (let delivery = this.#list.first; delivery !== undefined; delivery = next) {
      next = delivery.next;
      const deadlineMs = this.deadlineOf(delivery);
      if (deadlineMs > nowMs) this.#deadlineMs = Math.min(this.#deadlineMs, deadlineMs);
      else delivery.handle?.abort(delivery.sentMs === undefined ? 'connect-timeout' : 'timeout');
    }
  }

  /** Aborts all. */
  close(): void {
    let next: Delivery | undefined;
    for (let delivery = this.#list.first; delivery !== undefined; delivery = next) {
      next = delivery.next;
      delivery.handle?.abort('closed');
    }
  }
}
