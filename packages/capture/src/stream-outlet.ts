// The end of a stream where its handler stands: calls it in the right order, and counts what it is told.

import type { AssemblerCounters, GapReason } from './assembler-counters.ts';
import type { EndReason, StreamHandler } from './connection.ts';
import { StreamPast } from './stream-past.ts';

/** Tells one handler what has become of its stream. Until there is one, only the end is kept for it. */
export class StreamOutlet {
  readonly past = new StreamPast();
  readonly #counters: AssemblerCounters;
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

  get hasHandler(): boolean {
    return this.#handler !== undefined;
  }

  attach(handler: StreamHandler | undefined, timestampUs: number): void {
    this.#isAttached = true;
    this.#handler = handler;
    if (this.#endReason !== undefined) handler?.end(this.#endReason, timestampUs);
  }

  /** The next bytes, as the view `bytes[start, end)`. `startsAt` tells how the stream begins, should these be the first. */
  deliver(bytes: Uint8Array, start: number, end: number, startsAt: StartsAt, timestampUs: number): void {
    this.past.pass(end - start);
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
    this.past.passGap(length);
    this.#counters.gaps[reason]++;
    this.#counters.gapBytes += length;
    if (!this.#hasStarted) this.#start(startsAt, timestampUs);
    if (this.#endReason === undefined) this.#handler?.gap(length, timestampUs);
  }

  end(reason: EndReason, timestampUs: number): void {
    this.#endReason = reason;
    this.#handler?.end(reason, timestampUs);
  }

  #start(startsAt: StartsAt, timestampUs: number): void {
    if (!this.#isAttached) return;
    this.#hasStarted = true;
    if (startsAt !== undefined) this.#handler?.start?.(startsAt, timestampUs);
  }
}

type StartsAt = 'handshake' | 'midstream' | undefined;
