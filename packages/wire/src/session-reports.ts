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
    if (room < 0) return;
    if (missing.length === 0 && (!session.reports.isDue(nowMs) || isComing(session))) return;
    for (const { count } of missing) session.askedFor += count;
    const { isConfirmed, highest, mayCome } = session;
    const { received, lost: notReceived } = session.balance();
    const lost = Math.max(0, notReceived - mayCome);
    const backlog = Math.min(MAX_BACKLOG, Math.max(0, Math.floor(this.#backlog?.() ?? 0)));
    this.#reporter.send(session, { isConfirmed, highest, received, lost, backlog, missing }, nowMs);
    if (isComing(session)) session.reports.want();
  }

  /** Tells a session that may be a recording who is here. */
  reportUnconfirmed(session: UnconfirmedSession, nowMs: number): void {
    if (!this.#isOn || this.#reporter.room(session) < 0) return;
    const nothing = { isConfirmed: false, received: 0, lost: 0, backlog: 0, missing: [] };
    this.#reporter.send(session, { ...nothing, highest: session.window.highest }, nowMs);
  }
}

/** Whether the final totals came and something before them may still: a report without ranges would say that all is there. */
function isComing(session: Session): boolean {
  return session.state === 'closing' && session.isRepairable && session.missingCount > 0;
}
