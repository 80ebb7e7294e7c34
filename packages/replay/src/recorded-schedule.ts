// When each request is due, so that requests go out at their recorded spacing behind a fixed delay: due = capture time +
// offset + delay. The offset, between the clock of whoever captured and ours, is the smallest way that any request of late
// took, as in the clock filter of RFC 5905 §10: what came later than that was held up, and the delay makes up for it. Pure.

import { SourceClock } from './source-clock.ts';

/** Capture clocks that are known at a time. */
const MAX_SOURCES = 256;
const MAX_DELAY_MS = 60_000;

/** What a schedule has counted. */
export type RhythmLedger = {
  /** Capture clocks followed now, one for each `source`; 256 at most. */
  readonly sources: number;
  /** Times that a capture clock was followed anew: it was set, or its requests took another way for good. */
  readonly clockJumps: number;
  /** Capture clocks that made room for others, the least recently used first; one that comes again begins anew. */
  readonly forgottenSources: number;
};

/** When a request was captured, by whose clock. */
type Timed = { readonly source?: string | undefined; readonly timestampUs?: number | undefined };

/** Owner of what is known of each capture clock. */
export class RecordedSchedule {
  readonly #delayMs: number;
  readonly #sources = new Map<string, SourceClock>();
  #latest: SourceClock | undefined;
  #latestName = '';
  #clockJumps = 0;
  #forgottenSources = 0;

  /** Throws RangeError for a delay that is not from 0 to 60,000 ms. */
  constructor(delayMs: number) {
    if (!(delayMs >= 0 && delayMs <= MAX_DELAY_MS)) {
      throw new RangeError(`delayMs is ${delayMs}; it must be a number from 0 to ${MAX_DELAY_MS}`);
    }
    this.#delayMs = delayMs;
  }

  /**
   * When a request that comes now is due; before `nowMs`: it came too late. One without a capture time is due now.
   * Requests come in the order of `nowMs`, in any order of capture times.
   */
  dueMs({ source = '', timestampUs }: Timed, nowMs: number): number {
    if (!isTime(timestampUs)) return nowMs;
    const clock = this.#clockOf(source, timestampUs, nowMs);
    if (clock.note(timestampUs, nowMs)) this.#clockJumps += 1;
    return clock.timeOf(timestampUs) + this.#delayMs;
  }

  /** Whether the request that came last showed that those of its source that wait are due sooner; true once for each time. */
  hasHastened(): boolean {
    return this.#latest?.takeFall() === true;
  }

  /** When a request of the source that was used last is due by what is known now; `Infinity` for others. */
  readonly dueByNowMs = ({ source = '', timestampUs }: Timed): number => {
    if (this.#latest === undefined || source !== this.#latestName || !isTime(timestampUs))
      return Number.POSITIVE_INFINITY;
    return this.#latest.timeOf(timestampUs) + this.#delayMs;
  };

  ledger(): RhythmLedger {
    return {
      sources: this.#sources.size,
      clockJumps: this.#clockJumps,
      forgottenSources: this.#forgottenSources,
    };
  }

  #clockOf(source: string, timestampUs: number, nowMs: number): SourceClock {
    if (this.#latest !== undefined && source === this.#latestName) return this.#latest;
    let clock = this.#sources.get(source);
    if (clock === undefined) {
      clock = new SourceClock(timestampUs, nowMs, this.#delayMs);
      this.#makeRoom();
    } else {
      this.#sources.delete(source);
    }
    this.#sources.set(source, clock); // now the last to be forgotten
    this.#latest = clock;
    this.#latestName = source;
    return clock;
  }

  #makeRoom(): void {
    if (this.#sources.size < MAX_SOURCES) return;
    for (const leastRecent of this.#sources.keys()) {
      this.#sources.delete(leastRecent);
      this.#forgottenSources += 1;
      return;
    }
  }
}

/** 0 stands for no time in capture files. */
function isTime(timestampUs: number | undefined): timestampUs is number {
  return timestampUs !== undefined && timestampUs > 0 && timestampUs < Number.POSITIVE_INFINITY;
}
