// What a receiver knows of one session: which datagrams it saw, how many requests there were, how many are missing.
// docs/wire-protocol.md, "Session" and "Balance".

import { type DatagramHeader, MAX_RECORDS_IN_DATAGRAM } from './datagram.ts';
import { SequenceWindow } from './sequence-window.ts';
import type { ReportedTotals } from './totals.ts';

/**
 * Where a session stands: `live`; `closing` (the sender's final totals came, late datagrams are still taken);
 * `ended` (nothing more is taken); `silent` (nothing came for long; it goes on if something does).
 */
export type SessionState = 'live' | 'closing' | 'ended' | 'silent';

/**
 * Why a datagram of a known session is refused: `too-old` (behind the window of 65,536), `implausible` (its sequence or
 * record number cannot follow from what was seen), `after-end`, `fragment-contradiction` (says something else than an earlier fragment of
 * the record).
 */
export type SessionReject = 'too-old' | 'implausible' | 'after-end' | 'fragment-contradiction';

/** What a record's handler learns of the session. */
export interface SessionView {
  /** 16 lower-case hexadecimal digits. */
  readonly id: string;
  /** Where the last datagram came from. */
  readonly address: string;
  readonly port: number;
}

/** The numbers of a session. Always `sent = received + lost + beforeStart`. */
export interface SessionBalance {
  /** Request records that the sender is known to have sent. */
  readonly sent: number;
  /** Request records delivered. */
  readonly received: number;
  /** Sent, not before the start, and not delivered (yet). */
  readonly lost: number;
  /** Sent before the first datagram that was seen. */
  readonly beforeStart: number;
}

/** No sender is that fast that it skips so many sequences while its session is live. */
const MAX_SEQUENCE_JUMP = 2 ** 24;

/** One session's state. The decoder validates a datagram, asks `refuse`, then calls `take`. */
export class Session implements SessionView {
  readonly id: string;
  readonly sessionHigh: number;
  readonly sessionLow: number;
  address = '';
  port = 0;
  state: SessionState = 'live';
  lastMs = 0;
  closingSinceMs = 0;
  received = 0;
  datagrams = 0;
  duplicates = 0;
  responses = 0;
  connectionEnds = 0;
  unknownRecords = 0;
  readonly rejectedDatagrams: Record<string, number> = {};
  totals: ReportedTotals | undefined;
  readonly #window = new SequenceWindow();
  /** The header's record number in the datagram of the highest sequence. */
  #firstNumberOfHighest = 0;
  #highestNumber = 0;
  #beforeStart = Number.POSITIVE_INFINITY;

  constructor(id: string, header: DatagramHeader) {
    this.id = id;
    this.sessionHigh = header.sessionHigh;
    this.sessionLow = header.sessionLow;
  }

  /** Why this datagram is not to be taken; undefined where it is. */
  refuse(header: DatagramHeader): SessionReject | 'duplicate' | undefined {
    if (this.state === 'ended') return 'after-end';
    const verdict = this.#window.check(header.sequence);
    if (verdict !== 'new') return verdict;
    return this.#isPlausible(header) ? undefined : 'implausible';
  }

  /** Notes a valid datagram; `requests` is how many it holds, a fragment of a request counting as one. */
  take(header: DatagramHeader, requests: number, nowMs: number): void {
    if (header.sequence > this.#window.highest) this.#firstNumberOfHighest = header.firstNumber;
    this.#window.mark(header.sequence);
    this.#highestNumber = Math.max(this.#highestNumber, header.firstNumber + requests - 1);
    this.#beforeStart = Math.min(this.#beforeStart, header.firstNumber - 1);
    this.datagrams++;
    this.lastMs = nowMs;
  }

  /** Notes the sender's totals. */
  takeTotals(totals: ReportedTotals, nowMs: number): void {
    // Totals may arrive out of order: counts only grow, so the larger ones are the later ones.
    if (this.totals === undefined || totals.final || totals.captured >= this.totals.captured) this.totals = totals;
    if (totals.final && this.state === 'live') {
      this.state = 'closing';
      this.closingSinceMs = nowMs;
    }
  }

  balance(): SessionBalance {
    const beforeStart = Number.isFinite(this.#beforeStart) ? this.#beforeStart : 0;
    // Only a sender that lies about its numbers makes more arrive than it sent; the balance holds even then.
    const sent = Math.max(this.#highestNumber, beforeStart + this.received);
    return { sent, received: this.received, lost: sent - beforeStart - this.received, beforeStart };
  }

  /** Record numbers grow with the sequences, by at most what a datagram can hold. */
  #isPlausible(header: DatagramHeader): boolean {
    if (this.datagrams === 0) return true;
    const sequenceStep = header.sequence - this.#window.highest;
    const numberStep = header.firstNumber - this.#firstNumberOfHighest;
    if (this.state !== 'silent' && sequenceStep > MAX_SEQUENCE_JUMP) return false;
    return sequenceStep > 0
      ? numberStep >= 0 && numberStep <= sequenceStep * MAX_RECORDS_IN_DATAGRAM
      : numberStep <= 0 && numberStep >= sequenceStep * MAX_RECORDS_IN_DATAGRAM;
  }
}
