// The whole: every request goes to every target, each target on its own.

import { BottleneckLease } from './bottleneck-lease.ts';
import { forwarderOf } from './choose-forwarder.ts';
import { leaseTokensAt } from './lease-stock.ts';
import { type ResolvedOptions, resolveOptions } from './options.ts';
import { type Outcome, OutcomeQueue } from './outcomes.ts';
import { RecordedSchedule, type RhythmLedger } from './recorded-schedule.ts';
import type { ReplayerOptions } from './replayer-options.ts';
import type { ReplayRequest } from './request.ts';
import type { TargetLedger } from './tally.ts';
import { Target } from './target.ts';
import type { TargetSpec } from './target-spec.ts';

/** The counts of a replayer. */
export interface ReplayLedger {
  /** In the order of the options. */
  readonly targets: readonly TargetLedger[];
  /** Outcomes that readers of `outcomes()` were too slow for. */
  readonly outcomesDropped: number;
  /** Of the clocks that requests were captured by; only with `delayMs`. */
  readonly rhythm?: RhythmLedger;
}

/** Replays requests to targets. `await using` closes it. */
export interface Replayer {
  /** Gives a request to every target, due now, or when `delayMs` says. Never throws or waits; after `close` it is counted as skipped. */
  readonly send: (request: ReplayRequest) => void;
  /**
   * The captured connection ended. With `sessions` its connections to the targets close, once what waits of it is over;
   * a later request opens another. Without, nothing depends on it.
   */
  readonly endConnection: (connection: string | number) => void;
  /** Resolves when no request waits or is in flight; rejects with the signal's reason where that closes the replayer. */
  readonly drain: () => Promise<void>;
  /** Ends all at once: what waits is skipped, what is in flight has failed, sockets are closed. May be called twice. */
  readonly close: () => Promise<void>;
  /** Requests that are not over at the target that has most of them; cheap. */
  readonly waiting: () => number;
  /** The counts of this moment. */
  readonly ledger: () => ReplayLedger;
  /** What becomes of each request from this call on, until `close`. Each call is a reader with a bounded queue of its own. */
  readonly outcomes: () => AsyncIterableIterator<Outcome, undefined>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** Makes a replayer. Throws TypeError or RangeError for options that make no sense; opens no socket yet. */
export function createReplayer(options: ReplayerOptions): Replayer {
  return new TargetsReplayer(resolveOptions(options));
}

interface Draining {
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

class TargetsReplayer implements Replayer {
  readonly #options: ResolvedOptions;
  readonly #schedule: RecordedSchedule | undefined;
  readonly #targets: readonly Target[];
  #readers: OutcomeQueue[] = [];
  #outcomesDropped = 0;
  #draining: Draining[] = [];
  #closing: Promise<void> | undefined;

  constructor(options: ResolvedOptions) {
    this.#options = options;
    this.#schedule = options.delayMs === undefined ? undefined : new RecordedSchedule(options.delayMs);
    this.#targets = options.targets.map((spec) => this.#createTarget(spec));
    if (options.signal?.aborted === true) this.#abort();
    else options.signal?.addEventListener('abort', this.#abort, { once: true });
  }

  readonly send = (request: ReplayRequest): void => {
    const nowMs = this.#options.clock.nowMs();
    const schedule = this.#schedule;
    const dueMs = schedule?.dueMs(request, nowMs) ?? nowMs;
    if (schedule?.hasHastened() === true) {
      for (const target of this.#targets) target.hasten(schedule.dueByNowMs, nowMs);
    }
    for (const target of this.#targets) target.send(request, dueMs, nowMs);
  };

  readonly endConnection = (connection: string | number): void => {
    for (const target of this.#targets) target.endConnection(connection);
  };

  readonly drain = (): Promise<void> => {
    if (this.#options.signal?.aborted === true) return Promise.reject(this.#options.signal.reason);
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve, reject) => this.#draining.push({ resolve, reject }));
  };

  readonly close = (): Promise<void> => {
    this.#closing ??= this.#close();
    return this.#closing;
  };

  readonly waiting = (): number => {
    let most = 0;
    for (const target of this.#targets) most = Math.max(most, target.waiting);
    return most;
  };

  readonly ledger = (): ReplayLedger => ({
    targets: this.#targets.map((target) => target.ledger()),
    outcomesDropped: this.#readers.reduce((sum, reader) => sum + reader.dropped, this.#outcomesDropped),
    ...(this.#schedule === undefined ? {} : { rhythm: this.#schedule.ledger() }),
  });

  readonly outcomes = (): AsyncIterableIterator<Outcome, undefined> => {
    this.#forgetReadersThatLeft();
    const reader = new OutcomeQueue(this.#options.maxQueuedOutcomes);
    if (this.#closing === undefined) this.#readers.push(reader);
    else reader.end();
    return reader;
  };

  readonly [Symbol.asyncDispose] = (): Promise<void> => this.close();

  async #close(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#abort);
    // Counts are final when `close` returns; only sockets take longer.
    const closings = this.#targets.map((target) => target.close());
    for (const reader of this.#readers) reader.end();
    await Promise.all(closings);
  }

  readonly #abort = (): void => {
    for (const { reject } of this.#draining.splice(0)) reject(this.#options.signal?.reason);
    void this.close();
  };

  #createTarget(spec: TargetSpec): Target {
    const options = this.#options;
    const rate = spec.limit?.kind === 'per-second' ? spec.limit.ratePerSecond : undefined;
    const createLease =
      options.leaseSource ??
      ((_url: string, perSecond: number) => new BottleneckLease(perSecond, leaseTokensAt(perSecond)));
    return new Target({
      ...options,
      spec,
      forwarder: forwarderOf(options.forwarder, { ...options, url: spec.url }),
      leaseSource: rate === undefined ? undefined : createLease(spec.url, rate),
      onOutcome: this.#tell,
      onCircuit: (state) => callOut(options.onCircuit, { target: spec.url, ...state }),
      onIdle: this.#onIdle,
    });
  }

  readonly #tell = (outcome: Outcome): void => {
    for (const reader of this.#readers) reader.push(outcome);
    callOut(this.#options.onOutcome, outcome);
  };

  #forgetReadersThatLeft(): void {
    for (const reader of this.#readers) if (reader.isEnded) this.#outcomesDropped += reader.dropped;
    this.#readers = this.#readers.filter((reader) => !reader.isEnded);
  }

  readonly #onIdle = (): void => {
    if (this.#draining.length === 0 || !this.#isIdle()) return;
    for (const { resolve } of this.#draining.splice(0)) resolve();
  };

  #isIdle(): boolean {
    return this.#targets.every((target) => target.waiting === 0);
  }
}

/** What is thrown would end up inside the forwarder, which takes it for a failure of the request: it is thrown later. */
function callOut<Told>(callback: ((told: Told) => void) | undefined, told: Told): void {
  try {
    callback?.(told);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
