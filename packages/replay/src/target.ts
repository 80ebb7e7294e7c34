// One target: queue, order, limit, forward, count. Owner of one of each; nothing of it is shared with other targets.
// Everything happens in `#run`: at an arrival, an end, a lease, or a time that was armed.

import { Alarm } from './alarm.ts';
import { Backlog } from './backlog.ts';
import type { Clock } from './clock.ts';
import { Delivery, type DeliveryOwner } from './delivery.ts';
import type { Forwarder } from './forwarder.ts';
import { InFlight } from './in-flight.ts';
import { Lanes } from './lanes.ts';
import { type LeaseSource, LeaseStock } from './lease-stock.ts';
import { Limit } from './limit.ts';
import { type Outcome, outcomeOf } from './outcomes.ts';
import type { FailedReason, LimitedReason, SkippedReason } from './reasons.ts';
import type { ReplayRequest } from './request.ts';
import { isInShare } from './share.ts';
import { Tally, type TargetLedger } from './tally.ts';
import { formatLimit, type TargetSpec } from './target-spec.ts';

/** What a target needs of the replayer's resolved options. */
export interface TargetOptions {
  readonly spec: TargetSpec;
  readonly bufferMs: number;
  readonly maxWaitingRequests: number;
  readonly maxWaitingBytes: number;
  readonly timeoutMs: number;
  readonly connections: number;
  readonly keepOrder: boolean;
  readonly orderWaitMs: number;
  readonly clock: Clock;
  readonly forwarder: Forwarder;
  /** Given where the spec has a rate. */
  readonly leaseSource: LeaseSource | undefined;
  /** Told of each end; must not throw. */
  readonly onOutcome: (outcome: Outcome) => void;
  /** Called whenever the last waiting request is over. */
  readonly onIdle: () => void;
}

const NEVER = Number.POSITIVE_INFINITY;

/** Takes requests at their due times, and sees each of them to exactly one count. */
export class Target {
  readonly #options: TargetOptions;
  readonly #clock: Clock;
  readonly #backlog: Backlog;
  readonly #flying: InFlight;
  readonly #lanes: Lanes | undefined;
  readonly #limit: Limit | undefined;
  readonly #stock: LeaseStock | undefined;
  readonly #sharePercent: number;
  readonly #tally = new Tally();
  readonly #alarm: Alarm;
  readonly #deliveries: DeliveryOwner = {
    onSent: (delivery) => this.#sent(delivery),
    onEnd: (delivery, reason) => this.#ended(delivery, reason),
  };
  #isRunning = false;
  #isClosed = false;

  constructor(options: TargetOptions) {
    const { limit } = options.spec;
    this.#options = options;
    this.#clock = options.clock;
    this.#alarm = new Alarm(options.clock, () => this.#run());
    this.#backlog = new Backlog(options.maxWaitingRequests, options.maxWaitingBytes);
    this.#flying = new InFlight(options.timeoutMs);
    this.#lanes = options.keepOrder ? new Lanes() : undefined;
    this.#sharePercent = limit?.kind === 'share' ? limit.percent : 100;
    if (limit?.kind === 'per-second' && options.leaseSource !== undefined) {
      this.#limit = new Limit(limit.ratePerSecond);
      this.#stock = new LeaseStock(options.leaseSource, limit.ratePerSecond, () => this.#run());
    }
  }

  /** Requests that are not over. */
  get waiting(): number {
    return this.#tally.waiting;
  }

  /** Takes a request that is due now. */
  send(request: ReplayRequest, nowMs: number): void {
    this.#tally.received();
    const delivery = new Delivery(request, nowMs, this.#deliveries);
    const refusal = this.#refusal(request);
    if (refusal !== undefined) return this.#skipped(delivery, refusal);
    if (!this.#makeRoomFor(delivery)) return this.#limited(delivery, 'buffer-full');
    this.#backlog.takeOn(delivery);
    if (this.#lanes === undefined || this.#lanes.enter(delivery)) this.#ready(delivery, nowMs);
    else this.#backlog.held.append(delivery);
    this.#run(nowMs);
  }

  /** Ends everything: what waits is skipped, what is in flight has failed, both as `closed`. May be called twice. */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#isRunning = true;
      for (let next = this.#backlog.oldest; next !== undefined; next = this.#backlog.oldest) {
        this.#takeOut(next);
        this.#skipped(next, 'closed');
      }
      this.#flying.close();
      this.#isRunning = false;
      this.#alarm.clear();
    }
    await Promise.all([this.#options.forwarder.close(), this.#options.leaseSource?.close()]);
  }

  ledger(): TargetLedger {
    const { spec, forwarder, leaseSource } = this.#options;
    return this.#tally.ledger({
      url: spec.url,
      limit: spec.limit === undefined ? null : formatLimit(spec.limit),
      inFlight: this.#flying.length,
      waitingBytes: this.#backlog.bytes,
      sentExactly: forwarder.sentExactly ?? 0,
      sharedLimit: leaseSource?.ledger?.(),
    });
  }

  #refusal(request: ReplayRequest): SkippedReason | undefined {
    if (this.#isClosed) return 'closed';
    if (this.#sharePercent < 100 && !isInShare(request.connection, this.#sharePercent)) return 'not-in-share';
    return this.#options.forwarder.refusal(request);
  }

  #makeRoomFor(delivery: Delivery): boolean {
    const { heldBytes } = delivery;
    if (this.#backlog.hasRoomFor(heldBytes)) return true;
    if (!this.#backlog.canMakeRoomFor(heldBytes)) return false;
    while (!this.#backlog.hasRoomFor(heldBytes)) {
      const { oldest } = this.#backlog;
      if (oldest === undefined) return false;
      this.#giveUp(oldest, 'buffer-full');
    }
    return true;
  }

  /** One turn of the whole: let go what order held long enough, drop what is too old, send what may go, arm the rest. */
  #run(nowMs = this.#clock.nowMs()): void {
    if (this.#isRunning || this.#isClosed) return;
    this.#isRunning = true;
    this.#flying.abortOverdue(nowMs);
    this.#letGoOverdue(nowMs);
    // Strictly older ones go first, so that a late wake-up sends nothing stale; those just of age get a last chance.
    this.#dropAged(nowMs, false);
    const limitMs = this.#sendReady(nowMs);
    this.#dropAged(nowMs, true);
    if (this.#backlog.ready.length === 0) this.#limit?.nothingWaits();
    this.#isRunning = false;
    this.#arm(nowMs, limitMs);
  }

  #letGoOverdue(nowMs: number): void {
    const { held } = this.#backlog;
    for (let first = held.first; first !== undefined; first = held.first) {
      if (nowMs < first.dueMs + this.#options.orderWaitMs) break;
      held.remove(first);
      this.#lanes?.letGo(first);
      this.#ready(first, nowMs);
    }
  }

  #dropAged(nowMs: number, isLastChanceOver: boolean): void {
    const { ready } = this.#backlog;
    for (let first = ready.first; first !== undefined; first = ready.first) {
      const ofAgeMs = first.readyMs + this.#options.bufferMs;
      if (nowMs < ofAgeMs || (nowMs === ofAgeMs && !isLastChanceOver)) break;
      this.#giveUp(first, 'buffer-age');
    }
  }

  /** Sends while it may; returns when the limit lets the next one go, `NEVER` where something else has to happen first. */
  #sendReady(nowMs: number): number {
    const { ready } = this.#backlog;
    for (let first = ready.first; first !== undefined; first = ready.first) {
      if (this.#flying.length >= this.#options.connections) return NEVER;
      if (nowMs >= this.#flying.deadlineOf(first)) {
        this.#takeOut(first);
        this.#failed(first, 'timeout', nowMs);
        continue;
      }
      const limitMs = this.#limit?.nextAtMs(nowMs) ?? nowMs;
      if (limitMs > nowMs) return limitMs;
      if (this.#stock?.take() === false) return NEVER;
      this.#start(first, nowMs);
    }
    return NEVER;
  }

  #start(delivery: Delivery, nowMs: number): void {
    this.#backlog.start(delivery);
    delivery.startedMs = nowMs;
    if (this.#limit !== undefined) delivery.ticket = this.#limit.take(nowMs);
    const { lane } = delivery;
    if (lane !== undefined) {
      if (lane.started > 0) {
        delivery.isOverlapped = true;
        this.#tally.overlapped();
      }
      lane.started += 1;
    }
    this.#flying.add(delivery);
    delivery.handle = this.#options.forwarder.forward(delivery.request, delivery);
  }

  #sent(delivery: Delivery): void {
    const sentMs = this.#clock.nowMs();
    delivery.sentMs = sentMs;
    if (this.#settle(delivery, sentMs) && this.#backlog.ready.length > 0) this.#run();
  }

  #ended(delivery: Delivery, reason: FailedReason | 'cannot-send' | undefined): void {
    const nowMs = this.#clock.nowMs();
    this.#settle(delivery, delivery.startedMs ?? nowMs);
    this.#flying.remove(delivery);
    this.#over(delivery, nowMs);
    if (reason === undefined) this.#answered(delivery, nowMs);
    else if (reason === 'cannot-send') this.#skipped(delivery, 'cannot-send');
    else this.#failed(delivery, reason, nowMs);
    this.#run(nowMs);
  }

  #settle(delivery: Delivery, sentMs: number): boolean {
    if (delivery.ticket < 0 || this.#limit === undefined) return false;
    this.#limit.settle(delivery.ticket, sentMs);
    delivery.ticket = -1;
    return true;
  }

  #ready(delivery: Delivery, nowMs: number): void {
    delivery.readyMs = nowMs;
    this.#backlog.ready.append(delivery);
  }

  #giveUp(delivery: Delivery, reason: LimitedReason): void {
    this.#takeOut(delivery);
    this.#limited(delivery, reason);
  }

  /** Takes a waiting delivery out of list, lane and backlog. */
  #takeOut(delivery: Delivery): void {
    if (this.#backlog.held.first === delivery) {
      this.#backlog.held.remove(delivery);
      this.#lanes?.giveUpHeld(delivery);
      this.#backlog.release(delivery, false);
    } else {
      this.#backlog.ready.remove(delivery);
      this.#over(delivery, this.#clock.nowMs());
    }
  }

  /** Frees what a delivery held that order had let go; its successor may go now. */
  #over(delivery: Delivery, nowMs: number): void {
    this.#backlog.release(delivery, delivery.startedMs !== undefined);
    const next = this.#lanes?.leave(delivery);
    if (next === undefined) return;
    this.#backlog.held.remove(next);
    this.#ready(next, nowMs);
  }

  #answered(delivery: Delivery, nowMs: number): void {
    this.#tally.answered(nowMs - delivery.dueMs);
    this.#tell(delivery, 'answered', undefined, nowMs);
  }

  #failed(delivery: Delivery, reason: FailedReason, nowMs: number): void {
    this.#tally.failed(reason, nowMs - delivery.dueMs);
    this.#tell(delivery, 'failed', reason, nowMs);
  }

  #limited(delivery: Delivery, reason: LimitedReason): void {
    this.#tally.limited(reason);
    this.#tell(delivery, 'limited', reason, this.#clock.nowMs());
  }

  #skipped(delivery: Delivery, reason: SkippedReason): void {
    this.#tally.skipped(reason);
    this.#tell(delivery, 'skipped', reason, this.#clock.nowMs());
  }

  #tell(delivery: Delivery, result: Outcome['result'], reason: Outcome['failure'], endedMs: number): void {
    this.#options.onOutcome(outcomeOf(this.#options.spec.url, delivery, result, reason, endedMs));
    if (this.#tally.waiting === 0) this.#options.onIdle();
  }

  /** Sets the one timer to the next moment at which time alone changes something. */
  #arm(nowMs: number, limitMs: number): void {
    if (this.#tally.waiting === 0) {
      this.#alarm.clear();
      return;
    }
    const { first: held } = this.#backlog.held;
    const { first: ready } = this.#backlog.ready;
    const heldMs = held === undefined ? NEVER : held.dueMs + this.#options.orderWaitMs;
    const ofAgeMs = ready === undefined ? NEVER : ready.readyMs + this.#options.bufferMs;
    this.#alarm.setAtLatest(Math.min(this.#flying.deadlineMs, limitMs, heldMs, ofAgeMs), nowMs);
  }
}
