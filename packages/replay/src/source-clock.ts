// One capture clock, as seen from ours. For each request `way` = arrival - capture time: the clocks' difference and what
// held the request up. The smallest way of late is the difference, as nearly as it can be known; the offset follows it, so
// slowly that spacing does not show it. Times in milliseconds on the replayer's clock, where nothing else is said. Pure.

/** How far the offset may move in a millisecond: 1 ms a second, twenty times what quartz clocks drift. */
const SLEW = 0.001;

/** In its first second a clock is hardly known: the offset falls at once to what is smaller, by up to so much. */
const SETTLING_MS = 1000;
const SETTLING_FALL_MS = 250;

/** A fall that is worth giving those that wait new due times. */
const NOTABLE_FALL_MS = 0.5;

/** The smallest way is looked for in this and the previous span: so long, with so many requests, or longest. */
const SPAN_MS = 10_000;
const SPAN_REQUESTS = 64;
const LONGEST_SPAN_MS = 100_000;

/** A request whose way is so much shorter than that of the one before shows that the clock was set forward. */
const JUMP_MS = 5000;

/** A recording's way shortens by more than that in a span; what is ahead and steadier is live. */
const STEADY_MS = 1000;

/** What all requests come too late by, the delay at least, for so long and so many requests, will not pass by itself. */
const LEAST_LATE_MS = 250;
const LATE_FOR_MS = 2000;
const LATE_REQUESTS = 4;

const NONE = Number.POSITIVE_INFINITY;

/** The offset of one capture clock. */
export class SourceClock {
  /** Capture times are counted from the first: small numbers keep their fractions. */
  readonly #baseUs: number;
  readonly #lateMs: number;
  #offsetMs = 0;
  #movedMs = 0;
  #begunMs = 0;
  #lowestMs = 0;
  #fallMs = 0;
  #spanMs = 0;
  #spanRequests = 0;
  #smallest = NONE;
  #previousSmallest = NONE;
  /** Of the request with the latest capture time: that time, and its way. */
  #front = 0;
  #frontWay = 0;
  /** Since when requests are ahead, and the way of the first of them. */
  #aheadSinceMs = NONE;
  #aheadWay = 0;
  #lateSinceMs = NONE;
  #lateRequests = 0;
  #lateSmallest = NONE;

  /** Known by its first request, which `note` is called with, too. */
  constructor(timestampUs: number, nowMs: number, delayMs: number) {
    this.#baseUs = timestampUs;
    this.#lateMs = Math.max(delayMs, LEAST_LATE_MS);
    this.#begin(nowMs, nowMs);
  }

  /** A capture time on the replayer's clock: that at which its request would have come by the shortest way. */
  timeOf(timestampUs: number): number {
    return this.#sinceBase(timestampUs) + this.#offsetMs;
  }

  /** Whether the offset has fallen at once since this was asked: what waits is due sooner than was said. */
  takeFall(): boolean {
    if (this.#fallMs < NOTABLE_FALL_MS) return false;
    this.#fallMs = 0;
    return true;
  }

  /** Learns from a request that comes now; true: the clock was set, and is followed anew from here. */
  note(timestampUs: number, nowMs: number): boolean {
    const capturedMs = this.#sinceBase(timestampUs);
    const way = nowMs - capturedMs;
    const jumpedTo = this.#jumpedTo(way, capturedMs, nowMs);
    if (jumpedTo !== undefined) this.#begin(jumpedTo, nowMs);
    // A long pause: the clocks have drifted by more than what holds a request up, and nothing is spaced from before it.
    else if (nowMs - this.#spanMs >= 2 * LONGEST_SPAN_MS && !this.#isAhead(way)) this.#begin(way, nowMs);
    else if (capturedMs < this.#front) return this.#learn(way, nowMs);
    this.#front = capturedMs;
    this.#frontWay = way;
    this.#learn(way, nowMs);
    return jumpedTo !== undefined;
  }

  /** A recording that comes faster than it was recorded keeps its own time, however far ahead that is. */
  #learn(way: number, nowMs: number): false {
    if (!this.#isAhead(way)) {
      this.#remember(way, nowMs);
      this.#follow(nowMs);
    }
    return false;
  }

  /** The way to begin anew with, where the clock was set or the way has changed for good. */
  #jumpedTo(way: number, capturedMs: number, nowMs: number): number | undefined {
    if (this.#isAhead(way)) {
      const wasAhead = this.#isAhead(this.#frontWay);
      if (!wasAhead) this.#beginAhead(way, nowMs);
      // What was ahead before goes on being so over the pauses in it: that is no clock, but a recording.
      if (!wasAhead && capturedMs >= this.#front && this.#frontWay - way > JUMP_MS) return way;
      return this.#isSteady(way, nowMs) ? way : undefined;
    }
    if (way - this.#offsetMs <= this.#lateMs) {
      this.#lateRequests = 0;
      this.#lateSmallest = NONE;
      return undefined;
    }
    return this.#isLateForGood(way, nowMs) ? this.#lateSmallest : undefined;
  }

  #isAhead(way: number): boolean {
    return this.#offsetMs - way > JUMP_MS;
  }

  #beginAhead(way: number, nowMs: number): void {
    this.#aheadSinceMs = nowMs;
    this.#aheadWay = way;
  }

  /** Whether what is ahead comes at the speed at which it was captured: it is live, and the offset was wrong. */
  #isSteady(way: number, nowMs: number): boolean {
    if (nowMs - this.#aheadSinceMs < SPAN_MS) return false;
    const isSteady = this.#aheadWay - way < STEADY_MS;
    this.#beginAhead(way, nowMs);
    return isSteady;
  }

  #isLateForGood(way: number, nowMs: number): boolean {
    if (this.#lateRequests === 0) this.#lateSinceMs = nowMs;
    this.#lateRequests += 1;
    this.#lateSmallest = Math.min(this.#lateSmallest, way);
    return this.#lateRequests >= LATE_REQUESTS && nowMs - this.#lateSinceMs >= LATE_FOR_MS;
  }

  #begin(way: number, nowMs: number): void {
    this.#offsetMs = way;
    this.#fallMs = 0;
    this.#lowestMs = way - SETTLING_FALL_MS;
    this.#begunMs = nowMs;
    this.#movedMs = nowMs;
    this.#spanMs = nowMs;
    this.#spanRequests = 0;
    this.#smallest = way;
    this.#previousSmallest = NONE;
    this.#lateRequests = 0;
    this.#lateSmallest = NONE;
  }

  #remember(way: number, nowMs: number): void {
    const ageMs = nowMs - this.#spanMs;
    if (ageMs >= LONGEST_SPAN_MS || (ageMs >= SPAN_MS && this.#spanRequests >= SPAN_REQUESTS)) {
      this.#previousSmallest = this.#smallest;
      this.#smallest = NONE;
      this.#spanMs = nowMs;
      this.#spanRequests = 0;
    }
    this.#spanRequests += 1;
    if (way < this.#smallest) this.#smallest = way;
  }

  #follow(nowMs: number): void {
    const wanted = Math.min(this.#smallest, this.#previousSmallest);
    if (wanted < this.#offsetMs && nowMs - this.#begunMs < SETTLING_MS && this.#offsetMs > this.#lowestMs) {
      const fallenMs = Math.max(wanted, this.#lowestMs);
      this.#fallMs += this.#offsetMs - fallenMs;
      this.#offsetMs = fallenMs;
    } else {
      const most = (nowMs - this.#movedMs) * SLEW;
      this.#offsetMs += Math.max(-most, Math.min(most, wanted - this.#offsetMs));
    }
    this.#movedMs = nowMs;
  }

  #sinceBase(timestampUs: number): number {
    return (timestampUs - this.#baseUs) / 1000;
  }
}
