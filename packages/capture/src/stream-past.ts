// What became of the bytes of a stream that lie behind: for counting under the right name what comes again.

import type { AssemblerCounters } from './assembler-counters.ts';

/** Of a stream with more gaps the oldest are forgotten: what comes for them counts as a duplicate. */
const maxGaps = 16;

/** The passed bytes of one stream, by their offset from its start, which does not wrap. */
export class StreamPast {
  #offset = 0;
  /** The latest gaps as from, to, from, to …; undefined while there was none. */
  #gaps: number[] | undefined;

  /** Whether nothing was passed yet. */
  get isEmpty(): boolean {
    return this.#offset === 0;
  }

  /** `length` bytes were delivered. */
  pass(length: number): void {
    this.#offset += length;
  }

  /** `length` bytes were given up. */
  passGap(length: number): void {
    const from = this.#offset;
    this.#offset += length;
    this.#gaps ??= [];
    const gaps = this.#gaps;
    if (gaps.at(-1) === from) gaps[gaps.length - 1] = this.#offset;
    else if (gaps.push(from, this.#offset) > 2 * maxGaps) gaps.splice(0, 2);
  }

  /** Counts `length` bytes that came again, of which the first lies `back` bytes behind. */
  countAgain(back: number, length: number, counters: AssemblerCounters): void {
    const from = this.#offset - back;
    const to = from + length;
    const beforeStart = Math.min(length, Math.max(0, -from));
    let late = 0;
    const gaps = this.#gaps ?? [];
    for (let at = 0; at < gaps.length; at += 2) {
      late += Math.max(0, Math.min(to, gaps[at + 1]!) - Math.max(from, gaps[at]!));
    }
    counters.droppedBytes['before-start'] += beforeStart;
    counters.droppedBytes.late += late;
    counters.duplicateBytes += length - beforeStart - late;
  }
}
