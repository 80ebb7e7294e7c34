// What a receiver knows of one session: which datagrams it saw, which are missing, how many requests there were, which
// wait for their order. docs/wire-protocol.md, "Session", "Missing datagrams" and "Balance".

import { ConnectionOrder } from './connection-order.ts';
import { type DatagramHeader, MAX_RECORDS_IN_DATAGRAM } from './datagram.ts';
import type { TakenUpFrom } from './forgotten-sessions.ts';
import type { FragmentTable } from './fragment-table.ts';
import { idText } from './ids.ts';
import { MissingSequences } from './missing-sequences.ts';
import type { DatagramSource, ReportedSession, ReportState } from './reporter.ts';
import type { Sealing, WireKey } from './sealing.ts';
import { SequenceWindow, WINDOW_SEQUENCES } from './sequence-window.ts';
import type { SessionBalance, SessionState, SessionView } from './session-view.ts';
import type { ReportedTotals, SessionStart } from './totals.ts';
import type { WaitingRoom } from './waiting-room.ts';

/** By what a session's datagrams are known and opened. */
export interface SessionKey {
  /** Undefined: plaintext. */
  readonly key: WireKey | undefined;
  readonly sealing: Sealing;
  /** The reports to the session so far. */
  readonly reports: ReportState;
}

/** What a session shares with the others of its receiver. */
export interface SessionSurroundings {
  /** The receiver's id. */
  readonly receiver: string;
  readonly fragments: FragmentTable;
  readonly room: WaitingRoom<Session>;
}

/** No sender is that fast that it skips so many sequences while its session is live. */
const MAX_SEQUENCE_JUMP = 2 ** 24;
/** A plaintext session whose start is not known is waited for as if it sent again for so long. */
const BEGINNING_MS = 1000;
/** In plaintext so many sequences below the first one seen are still taken while the start is not known. */
const OVERTAKEN_SEQUENCES = 512;

/** One session's state. The decoder validates a datagram, asks `refuse` and `isPlausible`, then calls `take`. */
export class Session implements SessionView, ReportedSession {
  readonly id: string;
  readonly sessionHigh: number;
  readonly sessionLow: number;
  readonly key: WireKey | undefined;
  readonly sealing: Sealing;
  readonly reports: ReportState;
  readonly missing: MissingSequences;
  readonly order: ConnectionOrder;
  address = '';
  port = 0;
  state: SessionState = 'live';
  lastMs = 0;
  closingSinceMs = 0;
  received = 0;
  repaired = 0;
  repairedDatagrams = 0;
  datagrams = 0;
  duplicates = 0;
  responses = 0;
  connectionEnds = 0;
  unknownRecords = 0;
  givenUp = 0;
  askedFor = 0;
  readonly rejectedDatagrams: Record<string, number> = {};
  totals: ReportedTotals | undefined;
  /** Totals have named this receiver. */
  isConfirmed = false;
  readonly #surroundings: SessionSurroundings;
  readonly #window = new SequenceWindow();
  #totalsSequence = 0;
  /** The start as far as it is known: what is missing from here on counts. */
  #startSequence = Number.POSITIVE_INFINITY;
  /** Below this nothing was looked at as missing. */
  #lowestLookedAt = 1;
  /** When the first datagram came. */
  #beganMs = 0;
  /** The header's record number in the datagram of the highest sequence. */
  #firstNumberOfHighest = 0;
  #highestNumber = 0;
  #requestsTaken = 0;
  #beforeStart = Number.POSITIVE_INFINITY;
  #takenUp: TakenUpFrom = { sequence: 1, number: 1 };

  constructor(header: DatagramHeader, { key, sealing, reports }: SessionKey, surroundings: SessionSurroundings) {
    this.id = idText(header.sessionHigh, header.sessionLow);
    this.sessionHigh = header.sessionHigh;
    this.sessionLow = header.sessionLow;
    this.key = key;
    this.sealing = sealing;
    this.reports = reports;
    this.#surroundings = surroundings;
    const { fragments, room } = surroundings;
    this.missing = new MissingSequences((first, end) => this.#giveUp(first, end));
    const isAwaited = (sequence: number) => this.missing.has(sequence) || fragments.endsIn(this.id, sequence);
    this.order = new ConnectionOrder(isAwaited, room);
  }

  /** The session was forgotten, and goes on from there: what was before is in the sum of earlier sessions. */
  takeUp(from: TakenUpFrom): void {
    this.#takenUp = from;
  }

  /** A sealed session is opened by totals: the start is known before the first datagram is taken. */
  confirm({ sequence, number }: SessionStart): void {
    this.isConfirmed = true;
    this.#startSequence = Math.max(sequence, this.#takenUp.sequence);
    this.#beforeStart = Math.max(number, this.#takenUp.number) - 1;
  }

  /** Notes where a valid datagram came from that `take` was not told of yet: one of before may have been recorded, and be sent from elsewhere. */
  cameFrom({ address, port }: DatagramSource, sequence: number): void {
    if (sequence <= this.#window.highest) return;
    this.address = address;
    this.port = port;
  }

  /** Why a datagram of this sequence is not to be looked at any closer; undefined where it is. */
  refuse(sequence: number): 'after-end' | 'duplicate' | 'before-start' | 'too-old' | undefined {
    if (this.state === 'ended') return 'after-end';
    const verdict = this.#window.check(sequence);
    if (verdict === 'duplicate') return 'duplicate';
    if (sequence < this.#takenUp.sequence || (this.isConfirmed && sequence < this.#startSequence))
      return 'before-start';
    if (verdict === 'too-old') return 'too-old';
    return sequence <= this.#window.highest && !this.missing.has(sequence) ? 'too-old' : undefined;
  }

  /** Notes a valid datagram; `requests` is how many it holds, a fragment of a request counting as one. True where it had been asked for. */
  take(header: DatagramHeader, requests: number, nowMs: number): boolean {
    const { sequence, firstNumber } = header;
    const wasAsked = sequence <= this.#window.highest && this.missing.came(sequence, nowMs);
    if (wasAsked) this.repairedDatagrams++;
    if (this.datagrams === 0) this.#beganMs = nowMs;
    if (sequence > this.#window.highest) {
      this.#passOver(sequence, nowMs);
      this.#firstNumberOfHighest = firstNumber;
    }
    this.#window.mark(sequence);
    this.order.resolve(sequence);
    if (this.missing.count > 0) {
      this.missing.giveUpBelow(this.#window.highest - WINDOW_SEQUENCES + 1);
      this.order.track();
    }
    this.#highestNumber = Math.max(this.#highestNumber, firstNumber + requests - 1);
    this.#requestsTaken += requests;
    if (this.key === undefined) {
      this.#noteBeforeStart(firstNumber - 1);
      this.#startSequence = Math.min(this.#startSequence, sequence);
    }
    this.datagrams++;
    this.lastMs = nowMs;
    return wasAsked;
  }

  /** Notes the sender's totals, of the datagram of that sequence. */
  takeTotals(totals: ReportedTotals, sequence: number, nowMs: number): void {
    if (totals.start?.receiver === this.#surroundings.receiver && !this.isConfirmed)
      this.#learnStart(totals.start, nowMs);
    if (sequence >= this.#totalsSequence) {
      this.#totalsSequence = sequence;
      this.totals = totals;
      if (totals.resendFrom > 0) this.missing.giveUpBelow(totals.resendFrom);
    }
    if (totals.final) {
      this.reports.want();
      if (this.state === 'live') {
        this.state = 'closing';
        this.closingSinceMs = nowMs;
      }
    }
  }

  /** Whether a session that is closing ends: after that grace, or twice that while something may still come. */
  isOver(nowMs: number, endGraceMs: number): boolean {
    const isComplete = this.missing.count === 0 && this.order.isEmpty;
    return nowMs - this.closingSinceMs >= (isComplete ? endGraceMs : 2 * endGraceMs);
  }

  /** Whether time has to be looked at closely. */
  get isBusy(): boolean {
    return this.missing.count > 0 || this.order.isTracking || this.reports.isWanted;
  }

  /** Whether what is missing can be sent again. */
  get isRepairable(): boolean {
    return this.isConfirmed && this.totals !== undefined && this.totals.resendFrom > 0;
  }

  /** Whether what is missing may still come: in a session that has just begun nobody knows yet. */
  mayBeRepaired(nowMs: number): boolean {
    const isOff = this.totals?.resendFrom === 0;
    return this.isRepairable || (!isOff && !this.isConfirmed && nowMs - this.#beganMs < BEGINNING_MS);
  }

  /** Sequences missing from the start on. */
  get missingCount(): number {
    return this.missing.count === 0 ? 0 : this.missing.count - this.missing.countIn(1, this.#startSequence);
  }

  /** Gives up the lowest datagram that a record waits for. */
  giveUpAwaited(): void {
    const awaited = this.order.lowestAwaited();
    if (awaited === undefined) return;
    // What is awaited may be there, as the end of a record of which other pieces are missing.
    const first = this.#surroundings.fragments.firstOf(this.id, awaited) ?? awaited;
    const lowest = this.missing.lowestIn(first, awaited + 1);
    if (lowest !== undefined) return this.missing.giveUp(lowest);
    // Pieces that say that the record has more than there can be of it.
    this.#surroundings.fragments.giveUp(this.id, awaited, awaited + 1);
    this.order.resolve(awaited);
  }

  /** Nothing is waited for any more. */
  giveUpAll(): void {
    this.missing.giveUpBelow(Number.POSITIVE_INFINITY);
    this.#surroundings.fragments.endSession(this.id);
    this.order.freeAll();
  }

  balance(): SessionBalance {
    const beforeStart = Number.isFinite(this.#beforeStart) ? this.#beforeStart : 0;
    const waiting = this.order.waitingRequests;
    // Only a sender that lies about its numbers makes more arrive than it sent; the balance holds even then.
    const sent = Math.max(this.#highestNumber, beforeStart + this.received + waiting);
    return { sent, received: this.received, waiting, lost: sent - beforeStart - this.received - waiting, beforeStart };
  }

  /** The highest sequence that came; 0 for none. */
  get highest(): number {
    return this.#window.highest;
  }

  /** How many requests may still come in what is missing, about. */
  get mayCome(): number {
    const { missingCount } = this;
    return missingCount === 0 ? 0 : Math.max(1, Math.ceil((missingCount * this.#requestsTaken) / this.datagrams));
  }

  /** From here on the session is taken up again where it is forgotten; not below where it began, even if nothing came. */
  get end(): TakenUpFrom {
    const begun = this.isConfirmed ? { sequence: this.#startSequence, number: this.#beforeStart + 1 } : this.#takenUp;
    return {
      sequence: Math.max(begun.sequence, this.#window.highest + 1),
      number: Math.max(begun.number, this.#highestNumber + 1),
    };
  }

  /** Requests that were counted before the session was forgotten and taken up again: they are among those before the start. */
  get countedEarlier(): number {
    return this.#takenUp.number - 1;
  }

  /** Record numbers grow with the sequences, by at most what a datagram can hold. */
  isPlausible(header: DatagramHeader): boolean {
    if (this.datagrams === 0) return true;
    const sequenceStep = header.sequence - this.#window.highest;
    const numberStep = header.firstNumber - this.#firstNumberOfHighest;
    if (this.state !== 'silent' && sequenceStep > MAX_SEQUENCE_JUMP) return false;
    return sequenceStep > 0
      ? numberStep >= 0 && numberStep <= sequenceStep * MAX_RECORDS_IN_DATAGRAM
      : numberStep <= 0 && numberStep >= sequenceStep * MAX_RECORDS_IN_DATAGRAM;
  }

  /** What lies between the highest sequence, or where the session may begin, and this one did not come yet. */
  #passOver(sequence: number, nowMs: number): void {
    if (this.datagrams > 0) return this.missing.add(this.#window.highest + 1, sequence, nowMs);
    if (!this.isConfirmed) this.#startSequence = sequence;
    this.#lowestLookedAt = this.isConfirmed
      ? this.#startSequence
      : Math.max(this.#takenUp.sequence, sequence - OVERTAKEN_SEQUENCES);
    this.missing.add(this.#lowestLookedAt, sequence, nowMs);
  }

  /** Plaintext: what came before is never refused, what comes before the start is. A later start is ignored once there was one. */
  #learnStart({ sequence, number }: SessionStart, nowMs: number): void {
    this.isConfirmed = true;
    this.reports.confirm();
    const start = Math.max(this.#takenUp.sequence, Math.min(sequence, this.#startSequence));
    this.missing.giveUpBelow(start);
    this.#startSequence = start;
    this.#noteBeforeStart(number - 1);
    this.missing.add(start, this.#lowestLookedAt, nowMs);
    this.missing.giveUpBelow(this.#window.highest - WINDOW_SEQUENCES + 1);
    if (this.missing.count > 0) this.order.track();
  }

  #noteBeforeStart(count: number): void {
    this.#beforeStart = Math.max(this.countedEarlier, Math.min(this.#beforeStart, count));
  }

  #giveUp(first: number, end: number): void {
    this.givenUp += Math.max(0, end - Math.max(first, this.#startSequence));
    this.#surroundings.fragments.giveUp(this.id, first, end);
    this.order.resolveRange(first, end);
  }
}
