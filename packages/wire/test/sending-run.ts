// A sending session in virtual time, driven as the shell drives it, for the tests beside this file.

import { readHeader, sequenceOf } from '../src/datagram.ts';
import type { ReceiverNews } from '../src/reachability.ts';
import { recordPayload } from '../src/record.ts';
import { plaintext, recordSealing, type WireKey } from '../src/sealing.ts';
import type { SendingOptions } from '../src/sending-options.ts';
import { SendingSession } from '../src/sending-session.ts';
import { type ReportedTotals, readTotals } from '../src/totals.ts';
import { numbered, SESSION } from './exchange.ts';
import { type ReportCase, reportOf } from './reports.ts';

/** A datagram as it left. */
export interface Left {
  readonly atMs: number;
  readonly sequence: number;
  readonly firstNumber: number;
  readonly bytes: Uint8Array;
  /** Where it holds totals and nothing else. */
  readonly totals: ReportedTotals | undefined;
}

/** The session, its time, and everything that left it. */
export class SendingRun {
  readonly session: SendingSession;
  readonly left: Left[] = [];
  readonly news: string[] = [];
  readonly key: WireKey | undefined;
  nowMs = 0;
  #reports = 0;
  #requests = 0;

  constructor(options: Partial<SendingOptions> = {}) {
    this.key = options.key;
    this.session = new SendingSession(
      {
        session: SESSION,
        totals: () => ({ captured: this.#requests, dropped: {} }),
        nowUs: () => this.nowMs * 1000,
        onReceiver: ({ type }: ReceiverNews) => this.news.push(`${this.nowMs} ${type}`),
        ...options,
      },
      0,
    );
    this.#pump();
  }

  /** Lets time pass, as the shell does: whenever the session says that something is due. */
  until(untilMs: number): this {
    while (this.nowMs < untilMs) {
      const dueMs = Math.min(this.session.dueMs(this.nowMs), this.session.waitMs(this.nowMs));
      this.nowMs = Math.min(untilMs, this.nowMs + Math.max(1, dueMs));
      this.session.advance(this.nowMs);
      this.#pump();
    }
    return this;
  }

  /** So many requests, each in a datagram of its own; returns their sequences. */
  send(count: number, bytes = 500): number[] {
    const before = this.left.length;
    for (let sent = 0; sent < count; sent++) {
      const refusal = this.session.add(numbered(this.#requests, bytes), this.nowMs);
      if (refusal !== undefined) throw new Error(refusal);
      this.#requests++;
      this.session.flush();
      this.#pump();
    }
    return this.left.slice(before).map(({ sequence }) => sequence);
  }

  /** A report, its sequence one above that of the last unless it says otherwise. */
  report(report: ReportCase = {}): this {
    this.#reports++;
    this.session.report(reportOf({ sequence: this.#reports, key: this.key, ...report }), this.nowMs);
    this.#pump();
    return this;
  }

  /** What left from the n-th datagram on. */
  sequencesFrom(from: number): number[] {
    return this.left.slice(from).map(({ sequence }) => sequence);
  }

  /** The totals that left last. */
  get lastTotals(): Left & { readonly totals: ReportedTotals } {
    const last = this.left.findLast(({ totals }) => totals !== undefined);
    if (last?.totals === undefined) throw new Error('no totals have left');
    return { ...last, totals: last.totals };
  }

  /** The highest sequence that left. */
  get highest(): number {
    return Math.max(...this.left.map(({ sequence }) => sequence));
  }

  #pump(): void {
    for (let datagram = this.session.next(this.nowMs); datagram; datagram = this.session.next(this.nowMs)) {
      const header = readHeader(datagram);
      if (typeof header === 'string') throw new Error(header);
      const bytes = datagram.slice();
      const sealing = this.key === undefined ? plaintext : recordSealing(this.key, SESSION);
      const opened = sealing.open(datagram.slice());
      if (opened === undefined) throw new Error('it does not open');
      const totals = opened[32] === 4 && !header.isFragment ? readTotals(recordPayload(opened, 32)) : undefined;
      const { firstNumber } = header;
      this.left.push({ atMs: this.nowMs, sequence: sequenceOf(datagram), firstNumber, bytes, totals });
    }
  }
}
