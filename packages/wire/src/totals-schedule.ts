// When a sender's totals go out: at the start, each second, soon where they are wanted, and three times at the end.
// A pure function of time. docs/wire-protocol.md, "Sender".

const INTERVAL_MS = 1000;
const PAUSE_MS = 20;
/**
 * Of the copies of the final totals, after the first one: the third finds even a receiver that was late for the others.
 * The last two are for one that was there and has not answered: a sender that hears nobody is gone by then.
 */
const FINAL_AT_MS = [0, 20, 270, 520, 770];
const FINAL_COPIES = 3;

/** Times are milliseconds that never go back. */
export class TotalsSchedule {
  #lastMs = Number.NEGATIVE_INFINITY;
  #isWanted = false;
  #firstFinalMs: number | undefined;
  #finals = 0;
  #isFinalKnown = false;

  /** When the first copy of the final totals went out. */
  get firstFinalMs(): number | undefined {
    return this.#firstFinalMs;
  }

  /** Whether the receiver is known to have the final totals, and all before. */
  get isFinalKnown(): boolean {
    return this.#isFinalKnown;
  }

  /** Whether three copies of the final totals are out, or need not go any more. */
  get isOver(): boolean {
    return this.#isFinalKnown || this.#finals >= FINAL_COPIES;
  }

  /** Somebody needs them: they go out at once, but not within 20 ms of the last ones. */
  want(): void {
    this.#isWanted = true;
  }

  /** Notes that totals went out. */
  sent(nowMs: number, isFinal: boolean): void {
    this.#lastMs = nowMs;
    this.#isWanted = false;
    if (!isFinal) return;
    this.#firstFinalMs ??= nowMs;
    // One that was wanted in between is none of the copies.
    if (nowMs >= this.#firstFinalMs + this.#copyAtMs) this.#finals++;
  }

  /** Notes that the receiver has the final totals, and all before. */
  known(): void {
    this.#isFinalKnown = true;
  }

  /** How long until totals are due, 0 where they are; `isFinal`: nothing but final ones goes out any more. */
  waitMs(nowMs: number, isFinal: boolean): number {
    return Math.max(0, (isFinal ? this.#finalDueMs() : this.#dueMs()) - nowMs);
  }

  #dueMs(): number {
    return this.#lastMs + (this.#isWanted ? PAUSE_MS : INTERVAL_MS);
  }

  get #copyAtMs(): number {
    return this.#isFinalKnown ? Number.POSITIVE_INFINITY : (FINAL_AT_MS[this.#finals] ?? Number.POSITIVE_INFINITY);
  }

  #finalDueMs(): number {
    if (this.#firstFinalMs === undefined) return Number.NEGATIVE_INFINITY;
    const wantedMs = this.#isWanted && !this.#isFinalKnown ? this.#lastMs + PAUSE_MS : Number.POSITIVE_INFINITY;
    const copyMs = this.#firstFinalMs + this.#copyAtMs;
    return Math.min(wantedMs, copyMs);
  }
}
