// What became of each request, for whoever wants to know: a bounded queue between targets and one reader.

import type { Delivery } from './delivery.ts';
import type { FailedReason, LimitedReason, SkippedReason } from './reasons.ts';

/** The end of one request at one target. Times are milliseconds on the replayer's clock. */
export interface Outcome {
  /** The target's URL. */
  readonly target: string;
  readonly connection: string | number;
  readonly index: number | undefined;
  readonly method: string;
  /** As captured. */
  readonly requestTarget: string;
  readonly result: 'answered' | 'limited' | 'failed' | 'skipped';
  /** Why there is no answer; `undefined` where there is one. */
  readonly failure: LimitedReason | FailedReason | SkippedReason | undefined;
  /** The answer's status; where the answer broke off, there is a failure beside it. */
  readonly status: number | undefined;
  readonly dueMs: number;
  /** When its first byte was written; `undefined` where none was. */
  readonly sentMs: number | undefined;
  readonly endedMs: number;
  readonly isOverlapped: boolean;
}

/** Puts together what a delivery's end tells. */
export function outcomeOf(
  target: string,
  delivery: Delivery,
  result: Outcome['result'],
  failure: Outcome['failure'],
  endedMs: number,
): Outcome {
  const { request, status, dueMs, sentMs, isOverlapped } = delivery;
  return {
    target,
    connection: request.connection,
    index: request.index,
    method: request.method,
    requestTarget: request.target,
    result,
    failure,
    status,
    dueMs,
    sentMs,
    endedMs,
    isOverlapped,
  };
}

/** Outcomes for one reader. Beyond its bound the new ones are dropped, and counted: targets never wait for a reader. */
export class OutcomeQueue implements AsyncIterableIterator<Outcome, undefined> {
  readonly #max: number;
  #queue: Outcome[] = [];
  #at = 0;
  #wanting: ((result: IteratorResult<Outcome, undefined>) => void)[] = [];
  #isEnded = false;
  #dropped = 0;

  constructor(maxQueued: number) {
    this.#max = maxQueued;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** Closed, or left by its reader. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  push(outcome: Outcome): void {
    if (this.#isEnded) return;
    const wanting = this.#wanting.shift();
    if (wanting !== undefined) wanting({ done: false, value: outcome });
    else if (this.#queue.length - this.#at >= this.#max) this.#dropped += 1;
    else this.#queue.push(outcome);
  }

  /** No more will come; what is queued can still be read. */
  end(): void {
    this.#isEnded = true;
    for (const wanting of this.#wanting.splice(0)) wanting({ done: true, value: undefined });
  }

  next(): Promise<IteratorResult<Outcome, undefined>> {
    const outcome = this.#queue[this.#at];
    if (outcome !== undefined) {
      this.#at += 1;
      // The read part goes when it is the larger one, so that each outcome is moved once on average.
      if (this.#at > 64 && this.#at * 2 > this.#queue.length) {
        this.#queue = this.#queue.slice(this.#at);
        this.#at = 0;
      }
      return Promise.resolve({ done: false, value: outcome });
    }
    if (this.#isEnded) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#wanting.push(resolve));
  }

  /** The reader leaves: nothing is queued for it any more. */
  return(): Promise<IteratorResult<Outcome, undefined>> {
    this.end();
    this.#queue = [];
    this.#at = 0;
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
