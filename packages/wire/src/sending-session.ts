// One session's sending side: records in, paced datagrams out, reports in, and what they name sent again. No socket, no
// clock: time is an argument, whoever has the socket asks for the next datagram. docs/wire-protocol.md, "Sender".

import { firstNumberOf, sequenceOf } from './datagram.ts';
import { senderDefaults } from './options.ts';
import { BYTES_PER_MS, Pacer } from './pacer.ts';
import { Reachability, type ReceiverState } from './reachability.ts';
import { ReceiverView, type ReportReject } from './receiver-view.ts';
import { RECORD_HEADER_BYTES, type WireRecord } from './record.ts';
import type { Report } from './report.ts';
import { ResendQueue } from './resend-queue.ts';
import { plaintext, recordSealing } from './sealing.ts';
import { checkedLimits, type SendingCounters, type SendingOptions, type SendRefusal } from './sending-options.ts';
import { SendingQueue } from './sending-queue.ts';
import { SendingWindow } from './sending-window.ts';
import type { SenderTotals, SessionStart } from './totals.ts';
import { TotalsSchedule } from './totals-schedule.ts';

/** A receiver that reports for the first time may have heard all of a session that is younger than this. */
const YOUNG_MS = 1000;
/** So long after `finish` what waits is still sent. */
const FINISH_WITHIN_MS = 4000;
/** So long after the first final totals what is missing is still sent again. */
const REPAIR_WITHIN_MS = 1000;
/** Times go on at least so often. */
const IDLE_MS = 250;

/** Owner of a session's queue, of what is kept for sending again, and of what is known of the receiver. */
export class SendingSession {
  readonly #totals: () => SenderTotals;
  readonly #nowUs: () => number;
  readonly #maxRecordBytes: number;
  readonly #queueBytes: number;
  readonly #flushAfterMs: number;
  readonly #queue: SendingQueue;
  readonly #pacer: Pacer;
  readonly #window = new SendingWindow(BYTES_PER_MS);
  readonly #resends: ResendQueue;
  readonly #reachability: Reachability;
  readonly #receiver: ReceiverView;
  readonly #schedule = new TotalsSchedule();
  readonly #startedMs: number;
  #start: SessionStart | undefined;
  /** Of a receiver that is not known to be there, whose report is not answered yet. */
  #answerStart: SessionStart | undefined;
  #highestSent = 0;
  /** Of the last totals: nothing needs to follow them. */
  #totalsSequence = 0;
  #finishingMs: number | undefined;
  /** The sequence of the first final totals. */
  #finalSequence = 0;
  readonly #refused = { 'queue-full': 0, 'no-receiver': 0, 'too-long': 0, closed: 0 };
  #refusedRequests = 0;
  #abandonedDatagrams = 0;
  #reports = 0;
  readonly #rejected: Partial<Record<ReportReject, number>> = {};

  /** Puts the first totals into the queue. Throws TypeError or RangeError for an option that is out of its range. */
  constructor(options: SendingOptions, nowMs: number) {
    const limits = checkedLimits(options);
    const { session, key } = options;
    this.#totals = options.totals;
    this.#nowUs = options.nowUs;
    this.#maxRecordBytes = limits.maxRecordBytes;
    this.#queueBytes = limits.queueBytes;
    this.#flushAfterMs = limits.flushAfterMs;
    const sealing = key === undefined ? plaintext : recordSealing(key, session);
    this.#queue = new SendingQueue({ ...limits, session, sealing });
    const { resendBytes: maxBytes, resendMs: maxAgeMs } = limits;
    const kept = { maxBytes, maxAgeMs, maxDatagrams: senderDefaults.resendDatagrams };
    this.#resends = new ResendQueue(maxBytes === 0 ? undefined : kept, limits.resendShare);
    this.#pacer = new Pacer(nowMs, this.#resends.isOn);
    this.#reachability = new Reachability(options.isLoopback ?? false, options.onReceiver, nowMs);
    this.#receiver = new ReceiverView(session, key);
    this.#startedMs = nowMs;
    this.#sendTotals(nowMs);
  }

  get state(): ReceiverState {
    return this.#reachability.state;
  }

  /** When the last report came, or the start where none did; undefined unless the state is `silent`. */
  get silentSinceMs(): number | undefined {
    return this.#reachability.silentSinceMs;
  }

  /** Bytes that wait to leave. */
  get waitingBytes(): number {
    return this.#queue.bytes;
  }

  /** Whether all records taken so far have left. */
  get isIdle(): boolean {
    return this.#queue.isEmpty;
  }

  /** Takes a record, its payload copied; or says why not. Never throws. */
  add(record: WireRecord, nowMs: number): undefined | SendRefusal {
    const refusal = this.#refusal(record);
    if (refusal === undefined) {
      // A receiver that has not heard the first totals holds these records up.
      if (this.#queue.add(record, nowMs) === 'held') this.#schedule.recordsLeft(nowMs);
      return undefined;
    }
    this.#refused[refusal]++;
    if (record.kind === 'request') this.#refusedRequests++;
    return refusal;
  }

  /**
   * The datagram that is to leave now, which is then taken as sent; undefined where none is. The bytes are the caller's
   * to keep, but not to change.
   */
  next(nowMs: number): Uint8Array | undefined {
    const again = this.#resends.peek(nowMs);
    if (again !== undefined) return this.#pacer.take(again, nowMs) ? this.#resends.take(nowMs) : undefined;
    const datagram = this.#queue.peek(nowMs);
    if (datagram === undefined || !this.#window.take(nowMs) || !this.#pacer.take(datagram, nowMs)) return undefined;
    this.#queue.shift();
    this.#highestSent = sequenceOf(datagram);
    this.#window.left(this.#highestSent, datagram.length, nowMs);
    this.#resends.left(datagram, this.#highestSent, nowMs);
    if (this.#resends.isOn && this.#highestSent !== this.#totalsSequence) this.#schedule.recordsLeft(nowMs);
    return datagram;
  }

  /** How long until `next` may have something, in milliseconds; Infinity: not before something is added or reported. */
  waitMs(nowMs: number): number {
    const again = this.#resends.peek(nowMs);
    if (again !== undefined) return this.#pacer.waitMs(again, nowMs);
    const datagram = this.#queue.peek(nowMs);
    if (datagram !== undefined) return Math.max(this.#pacer.waitMs(datagram, nowMs), this.#window.waitMs(nowMs));
    const sinceMs = this.#queue.waitingSinceMs;
    return sinceMs === undefined ? Number.POSITIVE_INFINITY : Math.max(0, sinceMs + this.#flushAfterMs - nowMs);
  }

  /** The turn of the event loop is over: what waits for company gets no more. */
  flush(): void {
    this.#queue.flush();
  }

  /** Takes what came back from the receiver; it may be opened in place. */
  report(datagram: Uint8Array, nowMs: number): void {
    const isFirst = this.#receiver.present === undefined;
    const read = this.#receiver.read(datagram, this.#highestSent);
    if (typeof read === 'string') {
      this.#rejected[read] = (this.#rejected[read] ?? 0) + 1;
      return;
    }
    this.#reports++;
    const { report, receiver } = read;
    const isNew = receiver.start === undefined;
    receiver.start ??= this.#startFor(receiver.id, isFirst, nowMs);
    if (receiver === this.#receiver.present) this.#heard(receiver.start, report, isNew, nowMs);
    else this.#answer(receiver.start);
    this.advance(nowMs);
  }

  /** A datagram was refused at the other end (ECONNREFUSED). */
  refused(nowMs: number): void {
    this.#reachability.refused(nowMs);
  }

  /** Datagrams go to another address from now on. */
  readdressed(nowMs: number, isLoopback: boolean): void {
    this.#reachability.readdressed(isLoopback);
    if (!this.#reachability.isDown) this.#schedule.want(); // else a probe goes there soon
    this.advance(nowMs);
  }

  /** Notes how time went on: totals, silence, probes, ages. Call it when `dueMs` says so, and as often as you like. */
  advance(nowMs: number): void {
    this.#queue.advance(nowMs);
    this.#resends.advance(nowMs);
    const isProbe = this.#reachability.advance(nowMs);
    if (this.#reachability.state === 'silent') this.#hearsNobody();
    if (this.#finishingMs !== undefined && nowMs - this.#finishingMs >= FINISH_WITHIN_MS) this.#abandon(nowMs);
    if (isProbe || this.#totalsWaitMs(nowMs) === 0) this.#sendTotals(nowMs);
  }

  /** How long until `advance` has something to do, in milliseconds, 250 at most. */
  dueMs(nowMs: number): number {
    const endMs = (this.#schedule.firstFinalMs ?? Number.POSITIVE_INFINITY) + REPAIR_WITHIN_MS - nowMs;
    const waitMs = Math.min(IDLE_MS, this.#totalsWaitMs(nowMs), this.#reachability.waitMs(nowMs));
    return endMs > 0 ? Math.min(waitMs, endMs) : waitMs;
  }

  /** No more records are taken; when all have left, or after 4 s, `advance` begins with the final totals. */
  finish(nowMs: number): void {
    if (this.#finishingMs !== undefined) return;
    this.#queue.flush();
    this.#finishingMs = nowMs;
  }

  /** Whether the session is over: all has left, the final totals too, and a receiver that is there misses nothing, or time is up. */
  isFinished(nowMs: number): boolean {
    const { firstFinalMs, isOver } = this.#schedule;
    if (firstFinalMs === undefined) return false;
    if (nowMs - firstFinalMs >= REPAIR_WITHIN_MS) return true;
    if (!this.#queue.isEmpty || this.#resends.peek(nowMs) !== undefined) return false;
    if (this.#schedule.isFinalKnown) return true;
    const repairs = this.#reachability.isHeard(nowMs) && this.#resends.oldest(nowMs) !== undefined;
    return isOver && !repairs;
  }

  counters(): SendingCounters {
    const { state, silentTimes } = this.#reachability;
    const { received = 0, lost = 0, backlog = 0 } = this.#receiver.last ?? {};
    return {
      ...this.#queue.counters(),
      refused: { ...this.#refused },
      refusedRequests: this.#refusedRequests,
      waitingBytes: this.#queue.bytes,
      abandonedDatagrams: this.#abandonedDatagrams,
      ...this.#resends.counters(),
      reports: { received: this.#reports, rejected: { ...this.#rejected } },
      receiver: { state, id: this.#receiver.present?.id ?? null, silentTimes, received, lost, backlog },
    };
  }

  /** The receiver that is there has reported. */
  #heard(start: SessionStart, report: Report, isNew: boolean, nowMs: number): void {
    this.#start = start;
    this.#reachability.heard(nowMs);
    if (report.isConfirmed) {
      this.#queue.releaseLarge();
      this.#window.reported(report.highest, nowMs);
    }
    const gone = this.#resends.ask(report.missing, nowMs);
    if (this.#hasAll(report)) this.#schedule.known();
    else if (isNew || !report.isConfirmed || gone > 0) this.#schedule.want();
  }

  /** Nothing is held back. */
  #hearsNobody(): void {
    this.#window.open();
    this.#queue.releaseLarge();
  }

  /** One that may be there in its place has reported: the next totals name it, so that it can show that it is. */
  #answer(start: SessionStart): void {
    this.#answerStart = start;
    this.#schedule.want();
  }

  #refusal(record: WireRecord): SendRefusal | undefined {
    if (this.#finishingMs !== undefined) return 'closed';
    if (RECORD_HEADER_BYTES + record.payload.length > this.#maxRecordBytes) return 'too-long';
    if (this.#reachability.isDown) return 'no-receiver';
    const { bytes } = this.#queue;
    const isFull = bytes > 0 && bytes + this.#queue.bytesFor(record.payload.length) > this.#queueBytes;
    return isFull ? 'queue-full' : undefined;
  }

  /** The first datagram that is meant for a receiver which reports for the first time; `isFirst`: no other did before. */
  #startFor(receiver: string, isFirst: boolean, nowMs: number): SessionStart {
    const oldest = isFirst ? this.#resends.oldest(nowMs) : undefined;
    if (isFirst && oldest === undefined && nowMs - this.#startedMs < YOUNG_MS) {
      return { receiver, sequence: 1, number: 1 };
    }
    if (oldest === undefined) return { receiver, ...this.#queue.begin() };
    return { receiver, sequence: sequenceOf(oldest), number: firstNumberOf(oldest) };
  }

  /** Whether the receiver has the final totals, and nothing is missing there: until then it reports with what is. */
  #hasAll({ isConfirmed, highest, missing }: Report): boolean {
    return isConfirmed && this.#finalSequence > 0 && highest >= this.#finalSequence && missing.length === 0;
  }

  get #isFinal(): boolean {
    return this.#finalSequence > 0 || (this.#finishingMs !== undefined && this.#queue.isEmpty);
  }

  #totalsWaitMs(nowMs: number): number {
    if (this.#finishingMs === undefined || this.#isFinal) return this.#schedule.waitMs(nowMs, this.#isFinal);
    return Math.max(0, this.#finishingMs + FINISH_WITHIN_MS - nowMs);
  }

  #abandon(nowMs: number): void {
    if (this.#finalSequence === 0) this.#abandonedDatagrams += this.#queue.abandon(nowMs);
  }

  #sendTotals(nowMs: number): void {
    const final = this.#isFinal;
    const oldest = this.#resends.oldest(nowMs);
    const lowest = oldest === undefined ? this.#queue.lowest : sequenceOf(oldest);
    const start = this.#answerStart ?? this.#start;
    this.#answerStart = undefined;
    const totals = { ...this.#totals(), final, start, resendFrom: this.#resends.isOn ? lowest : 0 };
    this.#totalsSequence = this.#queue.addTotals(totals, this.#nowUs(), nowMs);
    if (final && this.#finalSequence === 0) this.#finalSequence = this.#totalsSequence;
    this.#schedule.sent(nowMs, final);
  }
}
