// At most N in any one second, for any second one may choose; pure arithmetic over the last N send times.
// While fewer than that came, nothing waits; once something had to wait, what follows goes out evenly spaced.

/** Sends that are this close to a second apart count as within it: rounding cannot let one more into a second. */
const MARGIN_MS = 0.05;

/** How far a late wake-up may be made good by sending several at once; what was missed before is lost. */
const CATCH_UP_MS = 50;

/**
 * By how much sends are further apart than the bound asks for. Without it each place keeps the lateness of every wake-up that
 * it met, for ever, and a row that began evenly ends in clumps; with it a row finds its spacing again.
 */
const SLACK = 1.002;

const UNUSED = Number.NEGATIVE_INFINITY;
const UNDER_WAY = Number.POSITIVE_INFINITY;

/**
 * The exact bound of one target. A send that was taken but is not yet on a socket counts as "now" until `settle` says
 * when it was, so a slow connect cannot push two seconds' worth into one.
 */
export class Limit {
  /** Most sends at once: the rate, rounded up. */
  readonly burst: number;
  readonly #windowMs: number;
  readonly #spacingMs: number;
  /** The last `burst` sends, a ring; `#oldest` is the next to be overwritten. */
  readonly #sentMs: Float64Array;
  #oldest = 0;
  /** When the next evenly spaced send is due; `undefined` while nothing waits. */
  #pacedMs: number | undefined;

  /** `ratePerSecond` above 0. A fraction widens the window: 2.5 means at most 3 in 1.2 s, 0.5 means 1 in 2 s. */
  constructor(ratePerSecond: number) {
    this.burst = Math.ceil(ratePerSecond);
    this.#windowMs = (this.burst / ratePerSecond) * 1000;
    this.#spacingMs = (1000 / ratePerSecond) * SLACK;
    this.#sentMs = new Float64Array(this.burst).fill(UNUSED);
  }

  /**
   * When the next may go, for one that wants to go now: at or before `nowMs` means at once, `Infinity` means after a
   * `settle`. An answer in the future is noted as excess: from then on sends are spaced, until `nothingWaits`.
   */
  nextAtMs(nowMs: number): number {
    const freeMs = this.#sentMs[this.#oldest]! + this.#windowMs + MARGIN_MS;
    if (this.#pacedMs !== undefined) return Math.max(freeMs, this.#pacedMs);
    if (freeMs > nowMs) this.#pacedMs = freeMs === UNDER_WAY ? nowMs : freeMs;
    return freeMs;
  }

  /** Takes the place that `nextAtMs` allowed; returns a ticket for `settle`. */
  take(nowMs: number): number {
    if (this.#pacedMs !== undefined) {
      this.#pacedMs = Math.max(this.#pacedMs, nowMs - CATCH_UP_MS) + this.#spacingMs;
    }
    const ticket = this.#oldest;
    this.#sentMs[ticket] = UNDER_WAY;
    this.#oldest = ticket + 1 === this.burst ? 0 : ticket + 1;
    return ticket;
  }

  /** Says when the send of a ticket really was; for one that never came to a socket, when it was tried. Once a ticket. */
  settle(ticket: number, sentMs: number): void {
    this.#sentMs[ticket] = sentMs;
  }

  /** Nothing waits any more, so the next one need not keep the even spacing (it still keeps the bound). */
  nothingWaits(): void {
    this.#pacedMs = undefined;
  }
}
