// One target: queue, order, limit, forward, count. Owner of one of each; nothing of it is shared with other targets.
// Everything happens in `#run`: at an arrival, an end, a lease, or a time that was armed.

import { Alarm } from './alarm.ts';
import { Backlog } from './backlog.ts';
import { Circuit } from './circuit.ts';
import type { Clock } from './clock.ts';
import { ConnectionEnds } from './connection-ends.ts';
import { Delivery, type DeliveryOwner } from './delivery.ts';
import type { EarlyList } from './early-list.ts';
import { Endings } from './endings.ts';
import { InFlight } from './in-flight.ts';
import { Lanes } from './lanes.ts';
import { Rate } from './rate.ts';
import type { FailedReason, LimitedReason, SkippedReason } from './reasons.ts';
import type { ReplayRequest } from './request.ts';
import { isInShare } from './share.ts';
import { Tally, type TargetLedger } from './tally.ts';
import type { TargetOptions } from './target-options.ts';
import { formatLimit } from './target-spec.ts';

const NEVER = Number.POSITIVE_INFINITY;

/** Takes requests at their due times, and sees each of them to exactly one count. */
export class Target {
  readonly #options: TargetOptions;
  readonly #clock: Clock;
  readonly #backlog: Backlog;
  readonly #ends: ConnectionEnds | undefined;
  readonly #flying: InFlight;
  readonly #lanes: Lanes | undefined;
  readonly #rate: Rate | undefined;
  readonly #sharePercent: number;
  readonly #circuit: Circuit;
  readonly #tally = new Tally();
  readonly #endings: Endings;
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
    this.#endings = new Endings(options, this.#tally);
    this.#alarm = new Alarm(options.clock, () => this.#run());
    const { forwarder } = options;
    this.#ends = options.sessions ? new ConnectionEnds((ended) => forwarder.endConnection?.(ended)) : undefined;
    this.#backlog = new Backlog(options.maxWaitingRequests, options.maxWaitingBytes, this.#ends);
    this.#flying = new InFlight(options.timeoutMs);
    this.#lanes = options.keepOrder ? new Lanes() : undefined;
    this.#circuit = new Circuit(options.circuit, options.onCircuit);
    this.#sharePercent = limit?.kind === 'share' ? limit.percent : 100;
    if (limit?.kind === 'per-second' && options.leaseSource !== undefined) {
      this.#rate = new Rate(limit.ratePerSecond, options.leaseSource, () => this.#run());
    }
  }

  /** Requests that are not over. */
  get waiting(): number {
    return this.#tally.waiting;
  }

  /** Takes a request that is due at `dueMs`, now or later; one whose due time has passed is due now, and counted. */
  send(request: ReplayRequest, dueMs: number, nowMs: number): void {
    this.#tally.received(dueMs < nowMs);
    this.#takeDue(nowMs);
    const inOrderMs = this.#backlog.early.inOrderMs(request.connection, Math.max(dueMs, nowMs));
    const delivery = new Delivery(request, inOrderMs, this.#deliveries);
    const refusal = this.#refusal(request);
    if (refusal !== undefined) return this.#endings.skipped(delivery, refusal);
    if (!this.#makeRoomFor(delivery)) return this.#endings.limited(delivery, 'buffer-full');
    this.#backlog.takeOn(delivery);
    if (inOrderMs > nowMs) this.#backlog.early.add(delivery);
    else this.#admit(delivery, nowMs);
    this.#run(nowMs);
  }

  /** What waits for its time may be due earlier than was said. */
  readonly hasten: EarlyList['hasten'] = (dueByNowMs, nowMs) => this.#backlog.early.hasten(dueByNowMs, nowMs);

  /** The captured connection ended: the forwarder is told once nothing of it waits or is in flight. */
  endConnection(connection: string | number): void {
    if (!this.#isClosed) this.#ends?.end(connection);
  }

  /** A delivery that was taken on is due: it is for the circuit and then for order to say whether it is ready. */
  #admit(delivery: Delivery, nowMs: number): void {
    if (!this.#circuit.mayTry(nowMs, this.#backlog.dueLength)) {
      this.#backlog.release(delivery, false);
      this.#endings.skipped(delivery, 'circuit-open');
    } else if (this.#lanes === undefined || this.#lanes.enter(delivery)) this.#ready(delivery, nowMs);
    else if (this.#circuit.isOpen) {
      // A probe waits for nobody: its predecessor may hang until its deadline, and nothing else is held.
      this.#lanes.letGo(delivery);
      this.#ready(delivery, nowMs);
    } else this.#backlog.held.append(delivery);
  }

  /** Ends everything: what waits is skipped, what is in flight has failed, both as `closed`. May be called twice. */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#skipWaiting('oldest', 'closed');
      this.#flying.close();
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
      sessionSockets: forwarder.sessionSockets,
      circuit: this.#circuit.counts,
      sharedLimit: leaseSource?.ledger?.(),
    });
  }

  #refusal(request: ReplayRequest): SkippedReason | undefined {
    if (this.#isClosed) return 'closed';
    if (this.#sharePercent < 100 && !isInShare(request.connection, this.#sharePercent)) return 'not-in-share';
    return this.#options.forwarder.refusal(request);
  }

  /** Skips what waits; `which`: all of it, or what is due. */
  #skipWaiting(which: 'oldest' | 'oldestDue', reason: SkippedReason): void {
    const wasRunning = this.#isRunning;
    this.#isRunning = true;
    for (let next = this.#backlog[which]; next !== undefined; next = this.#backlog[which]) {
      this.#takeOut(next);
      this.#endings.skipped(next, reason);
    }
    this.#isRunning = wasRunning;
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
    this.#takeDue(nowMs);
    this.#letGoOverdue(nowMs);
    // Strictly older ones go first, so that a late wake-up sends nothing stale; those just of age get a last chance.
    this.#dropAged(nowMs, false);
    const limitMs = this.#sendReady(nowMs);
    this.#dropAged(nowMs, true);
    if (this.#backlog.ready.length === 0) this.#rate?.nothingWaits();
    this.#isRunning = false;
    this.#arm(nowMs, limitMs);
  }

  /** What is due goes into its lane, in the order of due times, before anything that is due later. */
  #takeDue(nowMs: number): void {
    const { early } = this.#backlog;
    for (let first = early.first; first !== undefined && first.dueMs <= nowMs; first = early.first) {
      early.shift();
      this.#admit(first, nowMs);
    }
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
        this.#endings.failed(first, 'timeout', nowMs);
        continue;
      }
      const limitMs = this.#rate?.nextAtMs(nowMs) ?? nowMs;
      if (limitMs > nowMs) return limitMs;
      if (this.#rate?.lease() === false) return NEVER;
      this.#start(first, nowMs);
    }
    return NEVER;
  }

  #start(delivery: Delivery, nowMs: number): void {
    this.#backlog.start(delivery);
    delivery.startedMs = nowMs;
    this.#rate?.start(delivery, nowMs);
    const { lane } = delivery;
    if (lane !== undefined) {
      if (lane.started > 0) {
        delivery.isOverlapped = true;
        this.#tally.overlapped();
      }
      lane.started += 1;
    }
    this.#flying.add(delivery);
    this.#circuit.tried(nowMs);
    delivery.handle = this.#options.forwarder.forward(delivery.request, delivery);
  }

  #sent(delivery: Delivery): void {
    const sentMs = this.#clock.nowMs();
    delivery.sentMs = sentMs;
    if (this.#rate?.settle(delivery, sentMs) === true && this.#backlog.ready.length > 0) this.#run();
  }

  #ended(delivery: Delivery, reason: FailedReason | 'cannot-send' | undefined): void {
    const nowMs = this.#clock.nowMs();
    this.#rate?.settle(delivery, delivery.startedMs ?? nowMs);
    this.#flying.remove(delivery);
    this.#over(delivery, nowMs);
    if (reason === undefined) this.#endings.answered(delivery, nowMs);
    else if (reason === 'cannot-send') this.#endings.skipped(delivery, 'cannot-send');
    else this.#endings.failed(delivery, reason, nowMs);
    const heard = delivery.status === undefined ? reason : undefined;
    // What waits when it opens would be stale when the target answers again.
    if (this.#circuit.ended(heard, delivery.startedMs ?? nowMs, nowMs)) this.#skipWaiting('oldestDue', 'circuit-open');
    this.#run(nowMs);
  }

  #ready(delivery: Delivery, nowMs: number): void {
    delivery.readyMs = nowMs;
    this.#backlog.ready.append(delivery);
  }

  #giveUp(delivery: Delivery, reason: LimitedReason): void {
    this.#takeOut(delivery);
    this.#endings.limited(delivery, reason);
  }

  /** Takes a waiting delivery out of list, lane and backlog. */
  #takeOut(delivery: Delivery): void {
    if (this.#backlog.early.first === delivery) {
      this.#backlog.early.shift();
      this.#backlog.release(delivery, false);
    } else if (this.#backlog.held.first === delivery) {
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

  /** Sets the one timer to the next moment at which time alone changes something. */
  #arm(nowMs: number, limitMs: number): void {
    if (this.#tally.waiting === 0) return this.#alarm.clear();
    const waitingMs = this.#backlog.nextMs(this.#options.orderWaitMs, this.#options.bufferMs);
    this.#alarm.setAtLatest(Math.min(this.#flying.deadlineMs, limitMs, waitingMs), nowMs);
  }
}
