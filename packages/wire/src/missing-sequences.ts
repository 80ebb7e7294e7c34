// The sequences of a session that were passed over and may still come, as ranges in their order: which are to be asked
// for when, which are given up. Bounded by number and time; ranges, so that one jump costs one entry.
// docs/wire-protocol.md, "Missing datagrams".

import type { MissingRange } from './report.ts';

/** Sequences of a session that may be missing at a time. */
export const MAX_MISSING = 8192;

/** How long a sequence stays missing, in milliseconds. */
export const MISSING_MS = 1000;

/** The network may have exchanged datagrams: nothing is asked for earlier. */
const FIRST_ASK_MS = 10;
const RETRY_MS = { before: 100, min: 30, max: 500 } as const;
/** Weight of one answer in what an answer usually takes. */
const ANSWER_WEIGHT = 1 / 8;
const NEVER = -1;

/** Sequences in a row with one history. */
interface Range {
  first: number;
  /** The sequence after the last one. */
  end: number;
  readonly noticedMs: number;
  firstAskedMs: number;
  askedMs: number;
}

/** One session's missing sequences. */
export class MissingSequences {
  readonly #onGivenUp: (first: number, end: number) => void;
  /** Rising, without overlaps. */
  #ranges: Range[] = [];
  #count = 0;
  #usualAnswerMs = 0;
  /** Nothing was noticed, is not asked for since it was noticed, was asked for last before these times: no range is looked at in vain. */
  #noticedMs = Number.POSITIVE_INFINITY;
  #unaskedMs = Number.POSITIVE_INFINITY;
  #askedMs = Number.POSITIVE_INFINITY;

  /** `onGivenUp` is told each range, its end exclusive, that is not missing any more and did not come. */
  constructor(onGivenUp: (first: number, end: number) => void) {
    this.#onGivenUp = onGivenUp;
  }

  /** How many sequences. */
  get count(): number {
    return this.#count;
  }

  /** After how long without an answer a sequence is asked for again, in milliseconds. */
  get retryMs(): number {
    if (this.#usualAnswerMs === 0) return RETRY_MS.before;
    return Math.min(RETRY_MS.max, Math.max(RETRY_MS.min, 2 * this.#usualAnswerMs));
  }

  /** Whether the sequence did not come and may still come. */
  has(sequence: number): boolean {
    const range = this.#ranges[this.#indexFor(sequence)];
    return range !== undefined && range.first <= sequence;
  }

  /** How many sequences from `first` on, before `end`. */
  countIn(first: number, end: number): number {
    let count = 0;
    for (let at = this.#indexFor(first); at < this.#ranges.length && this.#ranges[at]!.first < end; at++) {
      count += Math.min(end, this.#ranges[at]!.end) - Math.max(first, this.#ranges[at]!.first);
    }
    return count;
  }

  /** The lowest from `first` on, before `end`; undefined for none. */
  lowestIn(first: number, end: number): number | undefined {
    const range = this.#ranges[this.#indexFor(first)];
    return range === undefined || range.first >= end ? undefined : Math.max(first, range.first);
  }

  /** Adds sequences, end exclusive, all above or all below those known. Over the limit the lowest are given up. */
  add(first: number, end: number, nowMs: number): void {
    if (first >= end) return;
    const range = { first, end, noticedMs: nowMs, firstAskedMs: NEVER, askedMs: NEVER };
    const lowest = this.#ranges[0];
    if (lowest !== undefined && end <= lowest.first) this.#ranges.unshift(range);
    else this.#ranges.push(range);
    this.#noticedMs = Math.min(this.#noticedMs, nowMs);
    this.#unaskedMs = Math.min(this.#unaskedMs, nowMs);
    this.#count += end - first;
    while (this.#count > MAX_MISSING) {
      const [first] = this.#ranges;
      if (first === undefined) return;
      this.#giveUpBelow(Math.min(first.end, first.first + this.#count - MAX_MISSING));
    }
  }

  /** A missing sequence came; true where it had been asked for. */
  came(sequence: number, nowMs: number): boolean {
    const at = this.#indexFor(sequence);
    const range = this.#ranges[at];
    if (range === undefined || range.first > sequence) return false;
    this.#cut(at, range, sequence);
    if (range.firstAskedMs === NEVER) return false;
    this.#learn(Math.max(1, nowMs - range.firstAskedMs), range.askedMs > range.firstAskedMs);
    return true;
  }

  /** It is not waited for any more. */
  giveUp(sequence: number): void {
    const at = this.#indexFor(sequence);
    const range = this.#ranges[at];
    if (range === undefined || range.first > sequence) return;
    this.#cut(at, range, sequence);
    this.#onGivenUp(sequence, sequence + 1);
  }

  /** All below this are not waited for any more. */
  giveUpBelow(sequence: number): void {
    while (this.#ranges.length > 0 && this.#ranges[0]!.first < sequence) this.#giveUpBelow(sequence);
  }

  /** Gives up what has been missing for too long. */
  advance(nowMs: number): void {
    if (this.#count === 0 || nowMs - this.#noticedMs < MISSING_MS) return;
    const old = this.#ranges.filter(({ noticedMs }) => nowMs - noticedMs >= MISSING_MS);
    if (old.length > 0) this.#ranges = this.#ranges.filter(({ noticedMs }) => nowMs - noticedMs < MISSING_MS);
    this.#noticedMs = this.#ranges.reduce(
      (least, { noticedMs }) => Math.min(least, noticedMs),
      Number.POSITIVE_INFINITY,
    );
    for (const { first, end } of old) this.#count -= end - first;
    for (const { first, end } of old) this.#onGivenUp(first, end);
  }

  /** Whether something may be to be asked for now: not before the earliest that was, though that may have come since. */
  isDue(nowMs: number): boolean {
    if (this.#count === 0) return false;
    return nowMs - this.#unaskedMs >= FIRST_ASK_MS || nowMs - this.#askedMs >= this.retryMs;
  }

  /** What is to be asked for now, rising, at most so many ranges; it counts as asked for. */
  ask(nowMs: number, maxRanges: number): MissingRange[] {
    const asked: MissingRange[] = [];
    if (!this.isDue(nowMs)) return asked;
    const { retryMs } = this;
    this.#unaskedMs = Number.POSITIVE_INFINITY;
    this.#askedMs = Number.POSITIVE_INFINITY;
    for (const range of this.#ranges) {
      if (asked.length >= maxRanges || !isDue(range, nowMs, retryMs)) {
        if (range.askedMs === NEVER) this.#unaskedMs = Math.min(this.#unaskedMs, range.noticedMs);
        else this.#askedMs = Math.min(this.#askedMs, range.askedMs);
        continue;
      }
      if (range.firstAskedMs === NEVER) range.firstAskedMs = nowMs;
      range.askedMs = nowMs;
      this.#askedMs = Math.min(this.#askedMs, nowMs);
      asked.push({ first: range.first, count: range.end - range.first });
    }
    return asked;
  }

  /**
   * `answerMs` counts from the first time it was asked for: from the last time on, an answer that takes longer than the retry would never
   * show. Where it was asked for again the first question may have been lost, so that it says no more than that the usual time may be longer.
   */
  #learn(answerMs: number, wasAskedAgain: boolean): void {
    const usualMs = this.#usualAnswerMs;
    if (usualMs === 0) this.#usualAnswerMs = answerMs;
    else
      this.#usualAnswerMs += ANSWER_WEIGHT * ((wasAskedAgain ? Math.min(answerMs, 2 * usualMs) : answerMs) - usualMs);
  }

  /** Where the first range is that ends behind the sequence. */
  #indexFor(sequence: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ranges[middle]!.end <= sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Takes one sequence out of its range. */
  #cut(at: number, range: Range, sequence: number): void {
    this.#count--;
    if (range.end - range.first === 1) this.#ranges.splice(at, 1);
    else if (sequence === range.first) range.first++;
    else if (sequence === range.end - 1) range.end--;
    else {
      this.#ranges.splice(at + 1, 0, { ...range, first: sequence + 1 });
      range.end = sequence;
    }
  }

  /** The lowest range, as far as it lies below the sequence. */
  #giveUpBelow(sequence: number): void {
    const range = this.#ranges[0]!;
    const { first } = range;
    const end = Math.min(range.end, sequence);
    if (end === range.end) this.#ranges.shift();
    else range.first = end;
    this.#count -= end - first;
    this.#onGivenUp(first, end);
  }
}

function isDue(range: Range, nowMs: number, retryMs: number): boolean {
  return range.askedMs === NEVER ? nowMs - range.noticedMs >= FIRST_ASK_MS : nowMs - range.askedMs >= retryMs;
}
