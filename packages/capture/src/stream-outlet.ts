// The end of a stream where its handler stands: calls it in the right order, counts what it is told, and under the right
// name what comes again.

import type { AssemblerCounters, GapReason } from './assembler-counters.ts';
import type { EndReason, StreamHandler } from './connection.ts';
import { PastGaps } from './past-gaps.ts';

/** Tells one handler what has become of its stream. Until there is one, only the end is kept for it. */
export class StreamOutlet {
  readonly #counters: AssemblerCounters;
  /** Bytes delivered or given up. */
  #offset = 0;
  #gaps: PastGaps | undefined;
  #handler: StreamHandler | undefined;
  #isAttached = false;
  #hasStarted = false;
  #endReason: EndReason | undefined;

  constructor(counters: AssemblerCounters) {
    this.#counters = counters;
  }

  /** Why it ended; undefined while it did not. */
  get endReason(): EndReason | undefined {
    return this.#endReason;
  }

  /** Whether it is known by now that nobody wants the stream. */
  get isUnwanted(): boolean {
    return this.#isAttached && this.#handler === undefined;
  }

  /** Whether nothing was delivered or given up yet. */
  get isEmpty(): boolean {
    return this.#offset === 0;
  }

  get hasHandler(): boolean {
    return this.#handler !== undefined;
  }

  /** Who is told from now on, and first of what was given up before: a hole before a FIN that came before all data. */
  attach(handler: StreamHandler | undefined, startsAt: StartsAt, timestampUs: number): void {
    this.#isAttached = true;
    this.#handler = handler;
    if (this.#offset > 0) {
      this.#start(startsAt, timestampUs);
      this.#handler?.gap(this.#offset, timestampUs);
    }
    if (this.#endReason !== undefined) this.end(this.#endReason, timestampUs);
  }

  /** The next bytes, as the view `bytes[start, end)`. `startsAt` tells how the stream begins, should these be the first. */
  deliver(bytes: Uint8Array, start: number, end: number, startsAt: StartsAt, timestampUs: number): void {
    this.#offset += end - start;
    if (!this.#hasStarted) this.#start(startsAt, timestampUs);
    if (this.#endReason !== undefined) {
      this.#counters.droppedBytes['after-end'] += end - start;
      return;
    }
    this.#counters.deliveredBytes += end - start;
    this.#handler?.data(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), timestampUs);
  }

  /** The next bytes are lost. */
  passGap(length: number, reason: GapReason, startsAt: StartsAt, timestampUs: number): void {
    this.#gaps ??= new PastGaps();
    this.#gaps.add(this.#offset, this.#offset + length);
    this.#offset += length;
    this.#counters.gaps[reason]++;
    this.#counters.gapBytes += length;
    if (!this.#hasStarted) this.#start(startsAt, timestampUs);
    if (this.#endReason === undefined) this.#handler?.gap(length, timestampUs);
  }

  /** Counts `length` bytes that came again, of which the first lies `back` bytes behind the next. */
  countAgain(back: number, length: number): void {
    const from = this.#offset - back;
    const beforeStart = Math.min(length, Math.max(0, -from));
    const late = this.#gaps?.overlap(from, from + length) ?? 0;
    this.#counters.droppedBytes['before-start'] += beforeStart;
    this.#counters.droppedBytes.late += late;
    this.#counters.duplicateBytes += length - beforeStart - late;
  }

  /** The last call of the handler, which is let go: ended connections are remembered, and it may hold much. */
  end(reason: EndReason, timestampUs: number): void {
    this.#endReason = reason;
    const handler = this.#handler;
    if (handler !== undefined) this.#handler = gone;
    handler?.end(reason, timestampUs);
  }

  #start(startsAt: StartsAt, timestampUs: number): void {
    if (!this.#isAttached) return;
    this.#hasStarted = true;
    if (startsAt !== undefined) this.#handler?.start?.(startsAt, timestampUs);
  }
}

const gone: StreamHandler = { data: () => {}, gap: () => {}, end: () => {} };

type StartsAt = 'handshake' | 'midstream' | undefined;
