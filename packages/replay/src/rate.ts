// A target's rate: the exact bound over its own send times, and the tokens of whoever has the quota's authority. A request
// goes when both allow it.

import type { Delivery } from './delivery.ts';
import { type LeaseSource, LeaseStock } from './lease-stock.ts';
import { Limit } from './limit.ts';

/** Owner of a target's limit and of the tokens at hand. Times are milliseconds on the replayer's clock. */
export class Rate {
  readonly #limit: Limit;
  readonly #stock: LeaseStock;

  /** `onRefill` is called when tokens came. */
  constructor(ratePerSecond: number, source: LeaseSource, onRefill: () => void) {
    this.#limit = new Limit(ratePerSecond);
    this.#stock = new LeaseStock(source, ratePerSecond, onRefill);
  }

  /** When the bound lets the next one go, as Limit says it. */
  nextAtMs(nowMs: number): number {
    return this.#limit.nextAtMs(nowMs);
  }

  /** Takes a token; false where there is none before `onRefill`. */
  lease(): boolean {
    return this.#stock.take();
  }

  /** A delivery goes, with a token. */
  start(delivery: Delivery, nowMs: number): void {
    delivery.ticket = this.#limit.take(nowMs);
  }

  /** Says when a delivery really went; false where that is known already, or it never did. */
  settle(delivery: Delivery, sentMs: number): boolean {
    if (delivery.ticket < 0) return false;
    this.#limit.settle(delivery.ticket, sentMs);
    delivery.ticket = -1;
    return true;
  }

  /** Nothing waits any more. */
  nothingWaits(): void {
    this.#limit.nothingWaits();
  }
}
