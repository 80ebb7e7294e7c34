// The four ways in which a delivery ends at its target: counted, then told.

import type { Delivery } from './delivery.ts';
import { type Outcome, outcomeOf } from './outcomes.ts';
import type { FailedReason, LimitedReason, SkippedReason } from './reasons.ts';
import type { Tally } from './tally.ts';
import type { TargetOptions } from './target-options.ts';

/** Sees each delivery to one count and one outcome. Times are milliseconds on the replayer's clock. */
export class Endings {
  readonly #options: Pick<TargetOptions, 'spec' | 'clock' | 'onOutcome' | 'onIdle'>;
  readonly #tally: Tally;

  constructor(options: Pick<TargetOptions, 'spec' | 'clock' | 'onOutcome' | 'onIdle'>, tally: Tally) {
    this.#options = options;
    this.#tally = tally;
  }

  answered(delivery: Delivery, nowMs: number): void {
    this.#tally.answered(nowMs - delivery.dueMs);
    this.#tell(delivery, 'answered', undefined, nowMs);
  }

  failed(delivery: Delivery, reason: FailedReason, nowMs: number): void {
    this.#tally.failed(reason, nowMs - delivery.dueMs);
    this.#tell(delivery, 'failed', reason, nowMs);
  }

  limited(delivery: Delivery, reason: LimitedReason): void {
    this.#tally.limited(reason);
    this.#tell(delivery, 'limited', reason, this.#options.clock.nowMs());
  }

  skipped(delivery: Delivery, reason: SkippedReason): void {
    this.#tally.skipped(reason);
    this.#tell(delivery, 'skipped', reason, this.#options.clock.nowMs());
  }

  #tell(delivery: Delivery, result: Outcome['result'], reason: Outcome['failure'], endedMs: number): void {
    this.#options.onOutcome(outcomeOf(this.#options.spec.url, delivery, result, reason, endedMs));
    if (this.#tally.waiting === 0) this.#options.onIdle();
  }
}
