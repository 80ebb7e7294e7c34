// When a sender's totals go out: at the start, each second, soon where they are wanted or nothing else comes after the
// last records, and three times at the end.
// A pure function of time. docs/wire-protocol.md, "Sender".

const INTERVAL_MS = 1000;
const PAUSE_MS = 20;
/** After the last records: only what comes after it shows that a datagram is missing. Twice, since totals get lost, too. */
const TAIL_AT_MS = [100, 300];
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
  /** When records last left, and how many totals were due since because nothing followed. */
  #recordsMs = Number.NEGATIVE_INFINITY;
  #tails = TAIL_AT_MS.length;
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

  /** Notes that records left which could be sent again. */
  recordsLeft(nowMs: number): void {
    this.#recordsMs = nowMs;
    this.#tails = 0;
  }

  /** Notes that totals went out. */
  sent(nowMs: number, isFinal: boolean): void {
    this.#lastMs = nowMs;
    this.#isWanted = false;
    while (nowMs >= this.#tailDueMs()) this.#tails++;
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
    const regularMs = this.#lastMs + (this.#isWanted ? PAUSE_MS : INTERVAL_MS);
    return Math.min(regularMs, this.#tailDueMs());
  }

  #tailDueMs(): number {
    const afterMs = TAIL_AT_MS[this.#tails];
    return afterMs === undefined ? Number.POSITIVE_INFINITY : this.#recordsMs + afterMs;
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
