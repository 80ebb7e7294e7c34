// What a receiver says to its sessions, and when: how far each is, and what is to be sent again.
// docs/wire-protocol.md, "Missing datagrams" and "Reports".

import type { WireDecoderOptions } from './decoder-options.ts';
import { Reporter } from './reporter.ts';
import type { Session } from './session.ts';
import type { UnconfirmedSession } from './unconfirmed-sessions.ts';

const MAX_BACKLOG = 2 ** 32 - 1;

/** Reports to sessions, where somebody takes them: without `onReport` there are none. */
export class SessionReports {
  readonly #reporter: Reporter;
  readonly #backlog: (() => number) | undefined;
  readonly #isOn: boolean;

  constructor({ receiver, onReport, backlog }: WireDecoderOptions) {
    this.#reporter = new Reporter(receiver, (datagram, to) => onReport?.(datagram, to));
    this.#backlog = backlog;
    this.#isOn = onReport !== undefined;
  }

  /** Reports to the session if that is due by time, or by what is missing. */
  advance(session: Session, nowMs: number): void {
    const { reports, missing, isRepairable } = session;
    const isAsking = isRepairable && reports.isAllowed(nowMs) && missing.isDue(nowMs);
    if (isAsking || reports.isDue(nowMs)) this.report(session, nowMs);
  }

  /** Reports to the session, as far as what it sent pays for that. */
  report(session: Session, nowMs: number): void {
    if (!this.#isOn) return;
    const room = this.#reporter.room(session);
    const missing = session.isRepairable && room > 0 ? session.missing.ask(nowMs, room) : [];
    if (room < 0 || (missing.length === 0 && !session.reports.isDue(nowMs))) return;
    // A sender that has ended takes a report without ranges for a farewell.
    if (session.isRepairable && session.state === 'closing' && missing.length === 0 && session.missing.count > 0)
      return;
    for (const { count } of missing) session.askedFor += count;
    const backlog = Math.min(MAX_BACKLOG, Math.max(0, Math.floor(this.#backlog?.() ?? 0)));
    this.#reporter.send(session, { ...session.report(backlog), missing }, nowMs);
  }

  /** Tells a session that may be a recording who is here. */
  reportUnconfirmed(session: UnconfirmedSession, nowMs: number): void {
    if (!this.#isOn || this.#reporter.room(session) < 0) return;
    const nothing = { isConfirmed: false, received: 0, lost: 0, backlog: 0, missing: [] };
    this.#reporter.send(session, { ...nothing, highest: session.highest }, nowMs);
  }
}
