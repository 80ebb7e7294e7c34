// The counts of one target. received = answered + limited + failed + skipped + waiting, at every moment.

import { Latency } from './latency.ts';
import type { SharedLimitLedger } from './lease-stock.ts';
import type { FailedReason, LimitedReason, SkippedReason } from './reasons.ts';
import type { SessionSocketCounts } from './session-socket-counts.ts';

/** Reason to count; reasons that never happened are missing. */
export type ReasonCounts<Reason extends string> = { readonly [reason in Reason]?: number };

/** The counts of one target: `received = answered + Σ limited + Σ failed + Σ skipped + waiting`, at every moment. */
export type TargetLedger = {
  /** As in its spec. */
  readonly url: string;
  /** As written after the bar, `10` or `10%`; `null` for none. */
  readonly limit: string | null;
  /** Requests given to `send`. */
  readonly received: number;
  /** Answered with any status, and the answer read to its end. */
  readonly answered: number;
  readonly limited: ReasonCounts<LimitedReason>;
  readonly failed: ReasonCounts<FailedReason>;
  readonly skipped: ReasonCounts<SkippedReason>;
  /** Not over yet: held, ready, or in flight. */
  readonly waiting: number;
  /** Of those waiting, in flight. */
  readonly inFlight: number;
  /** Bytes held by those waiting. */
  readonly waitingBytes: number;
  /** Started beside a predecessor of their connection, because the order wait was over. */
  readonly overlapped: number;
  /** Of those sent, the ones that the forwarder chosen (undici) could not say, and that went exactly. */
  readonly sentExactly: number;
  /** Where each captured connection has a socket of its own: what became of these. */
  readonly sessionSockets?: SessionSocketCounts;
  /** From due to the end of the answer, of answered and timed-out requests; at most 1/16 too high; `null` without any. */
  readonly latencyMs: { readonly p50: number | null; readonly p99: number | null };
  /** With `delayMs`: came after they were due, and went at once, whatever became of them. */
  readonly late: number;
  /** Whether requests are skipped but for one probe a second, because the target did not answer; and how often it came to that. */
  readonly circuit: { readonly isOpen: boolean; readonly opened: number };
  /** Only where the limit is shared between servers. */
  readonly sharedLimit?: SharedLimitLedger;
};

type Counts = Record<string, number>;

/** Counts what happens to the requests of one target. Each request received ends in exactly one of the four. */
export class Tally {
  readonly #latency = new Latency();
  readonly #limited: Counts = {};
  readonly #failed: Counts = {};
  readonly #skipped: Counts = {};
  #received = 0;
  #answered = 0;
  #over = 0;
  #overlapped = 0;
  #late = 0;

  /** Received and not yet over. */
  get waiting(): number {
    return this.#received - this.#over;
  }

  received(isLate: boolean): void {
    this.#received += 1;
    if (isLate) this.#late += 1;
  }

  overlapped(): void {
    this.#overlapped += 1;
  }

  answered(latencyMs: number): void {
    this.#over += 1;
    this.#answered += 1;
    this.#latency.add(latencyMs);
  }

  failed(reason: FailedReason, latencyMs: number): void {
    this.#over += 1;
    count(this.#failed, reason);
    // A refusal is quick; only a time-out says something about how long an answer takes.
    if (reason === 'timeout' || reason === 'connect-timeout') this.#latency.add(latencyMs);
  }

  limited(reason: LimitedReason): void {
    this.#over += 1;
    count(this.#limited, reason);
  }

  skipped(reason: SkippedReason): void {
    this.#over += 1;
    count(this.#skipped, reason);
  }

  /** A copy of all counts. */
  ledger(
    target: Pick<TargetLedger, 'url' | 'limit' | 'inFlight' | 'waitingBytes' | 'sentExactly' | 'circuit'> & {
      readonly sessionSockets: SessionSocketCounts | undefined;
      readonly sharedLimit: SharedLimitLedger | undefined;
    },
  ): TargetLedger {
    return {
      url: target.url,
      limit: target.limit,
      received: this.#received,
      answered: this.#answered,
      limited: { ...this.#limited },
      failed: { ...this.#failed },
      skipped: { ...this.#skipped },
      waiting: this.waiting,
      inFlight: target.inFlight,
      waitingBytes: target.waitingBytes,
      overlapped: this.#overlapped,
      sentExactly: target.sentExactly,
      ...(target.sessionSockets === undefined ? {} : { sessionSockets: target.sessionSockets }),
      latencyMs: { p50: this.#latency.quantileMs(0.5), p99: this.#latency.quantileMs(0.99) },
      late: this.#late,
      circuit: target.circuit,
      ...(target.sharedLimit === undefined ? {} : { sharedLimit: target.sharedLimit }),
    };
  }
}

function count(counts: Counts, reason: string): void {
  counts[reason] = (counts[reason] ?? 0) + 1;
}
