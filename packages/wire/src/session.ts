// What a receiver knows of one session: which datagrams it saw, which are missing, how many requests there were, which
// wait for their order. docs/wire-protocol.md, "Session", "Missing datagrams" and "Balance".

import { ConnectionOrder, type WaitingRoom } from './connection-order.ts';
import { type DatagramHeader, MAX_RECORDS_IN_DATAGRAM } from './datagram.ts';
import type { FragmentTable } from './fragment-table.ts';
import { idText } from './ids.ts';
import { MissingSequences } from './missing-sequences.ts';
import type { Report } from './report.ts';
import type { ReportedSession, ReportState } from './reporter.ts';
import type { Sealing, WireKey } from './sealing.ts';
import { SequenceWindow, WINDOW_SEQUENCES } from './sequence-window.ts';
import type { ReportedTotals, SessionStart } from './totals.ts';

/**
 * Where a session stands: `live`; `closing` (the sender's final totals came, late datagrams are still taken);
 * `ended` (nothing more is taken); `silent` (nothing came for long, or its key was taken away; it goes on if something does).
 */
export type SessionState = 'live' | 'closing' | 'ended' | 'silent';

/**
 * Why a datagram of a known session is refused: `before-start` (sent before the session was meant for this receiver), `too-old` (behind
 * the window of 65,536, or given up), `implausible` (its sequence or record number cannot follow from what was seen), `after-end`,
 * `fragment-contradiction` (says something else than an earlier fragment of the record).
 */
export type SessionReject = 'before-start' | 'too-old' | 'implausible' | 'after-end' | 'fragment-contradiction';

/** What a record's handler learns of the session. */
export interface SessionView {
  /** 16 lower-case hexadecimal digits. */
  readonly id: string;
  /** Where the last datagram came from. */
  readonly address: string;
  readonly port: number;
}

/** The numbers of a session. Always `sent = received + waiting + lost + beforeStart`. */
export interface SessionBalance {
  /** Request records that the sender is known to have sent. */
  readonly sent: number;
  /** Request records delivered. */
  readonly received: number;
  /** Request records held back for the order of their connection; 0 once the session has ended. */
  readonly waiting: number;
  /** Sent, not before the start, and not delivered (yet). */
  readonly lost: number;
  /** Sent before the session's start, as far as it is known. */
  readonly beforeStart: number;
}

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
  readonly room: WaitingRoom;
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

  constructor(header: DatagramHeader, { key, sealing, reports }: SessionKey, surroundings: SessionSurroundings) {
    this.id = idText(header.sessionHigh, header.sessionLow);
    this.sessionHigh = header.sessionHigh;
    this.sessionLow = header.sessionLow;
    this.key = key;
    this.sealing = sealing;
    this.reports = reports;
    this.#surroundings = surroundings;
    this.missing = new MissingSequences((first, end) => this.#giveUp(first, end));
    const isAwaited = (sequence: number) =>
      this.missing.has(sequence) || surroundings.fragments.endsIn(this.id, sequence);
    this.order = new ConnectionOrder(isAwaited, surroundings.room);
  }

  /** A sealed session is opened by totals: the start is known before the first datagram is taken. */
  confirm(sequence: number, number: number): void {
    this.isConfirmed = true;
    this.#startSequence = sequence;
    this.#beforeStart = number - 1;
  }

  /** Why a datagram of this sequence is not to be looked at any closer; undefined where it is. */
  refuse(sequence: number): 'after-end' | 'duplicate' | 'before-start' | 'too-old' | undefined {
    if (this.state === 'ended') return 'after-end';
    const verdict = this.#window.check(sequence);
    if (verdict === 'duplicate') return 'duplicate';
    if (this.isConfirmed && sequence < this.#startSequence) return 'before-start';
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
      this.#beforeStart = Math.min(this.#beforeStart, firstNumber - 1);
      this.#startSequence = Math.min(this.#startSequence, sequence);
    }
    this.datagrams++;
    this.lastMs = nowMs;
    return wasAsked;
  }

  /** Notes the sender's totals, of the datagram of that sequence. */
  takeTotals(totals: ReportedTotals, sequence: number, nowMs: number): void {
    const { start } = totals;
    if (start?.receiver === this.#surroundings.receiver && !this.isConfirmed) this.#learnStart(start, nowMs);
    if (sequence >= this.#totalsSequence) {
      this.#totalsSequence = sequence;
      this.totals = totals;
      if (totals.resendFrom > 0) this.missing.giveUpBelow(totals.resendFrom);
    }
    if (!totals.final) return;
    this.reports.want();
    if (this.state !== 'live') return;
    this.state = 'closing';
    this.closingSinceMs = nowMs;
  }

  /** Whether what is missing can be sent again. */
  get isRepairable(): boolean {
    return this.isConfirmed && this.totals !== undefined && this.totals.resendFrom > 0;
  }

  /** Whether what is missing may still come: in a session that has just begun nobody knows yet. */
  mayBeRepaired(nowMs: number): boolean {
    const mayBegin = this.totals?.resendFrom !== 0 && !this.isConfirmed;
    return this.isRepairable || (mayBegin && nowMs - this.#beganMs < BEGINNING_MS);
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

  /** A report of the session without its ranges. */
  report(backlog: number): Report {
    const { received, lost } = this.balance();
    const mayCome = Math.ceil((this.missingCount * this.#requestsTaken) / Math.max(1, this.datagrams));
    return {
      isConfirmed: this.isConfirmed,
      highest: this.#window.highest,
      received,
      lost: Math.max(0, lost - mayCome),
      backlog,
      missing: [],
    };
  }

  /** The highest sequence that came; 0 for none. */
  get highest(): number {
    return this.#window.highest;
  }

  /** From here on the session is taken up again where it was forgotten. */
  get end(): { readonly sequence: number; readonly number: number } {
    const [start, before] = this.isConfirmed ? [this.#startSequence, this.#beforeStart] : [1, 0];
    return { sequence: Math.max(this.highest + 1, start), number: Math.max(this.#highestNumber, before) + 1 };
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
    this.#lowestLookedAt = this.isConfirmed ? this.#startSequence : Math.max(1, sequence - OVERTAKEN_SEQUENCES);
    this.missing.add(this.#lowestLookedAt, sequence, nowMs);
  }

  /** Plaintext: what came before is never refused, what comes before the start is. A later start is ignored once there was one. */
  #learnStart({ sequence, number }: SessionStart, nowMs: number): void {
    this.isConfirmed = true;
    this.reports.confirm();
    const start = Math.min(sequence, this.#startSequence);
    this.missing.giveUpBelow(start);
    this.#startSequence = start;
    this.#beforeStart = Math.min(this.#beforeStart, number - 1);
    this.missing.add(start, this.#lowestLookedAt, nowMs);
    this.missing.giveUpBelow(this.#window.highest - WINDOW_SEQUENCES + 1);
    if (this.missing.count > 0) this.order.track();
  }

  #giveUp(first: number, end: number): void {
    this.givenUp += Math.max(0, end - Math.max(first, this.#startSequence));
    this.#surroundings.fragments.giveUp(this.id, first, end);
    this.order.resolveRange(first, end);
  }
}
