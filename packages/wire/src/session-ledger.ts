// The counts of a session as others see them, and the sum of sessions that are no longer known.

import type { Session, SessionBalance, SessionState, SessionView } from './session.ts';
import type { ReportedTotals } from './totals.ts';

/** A session in the ledger. */
export interface SessionLedger extends SessionView, SessionBalance {
  readonly state: SessionState;
  /** Datagrams taken, and those that came again and were left out. */
  readonly datagrams: number;
  readonly duplicates: number;
  /** Datagrams and joined records not used, by reason. */
  readonly rejectedDatagrams: Readonly<Record<string, number>>;
  readonly responses: number;
  readonly connectionEnds: number;
  /** Records of a kind that version 1 does not know, skipped. */
  readonly unknownRecords: number;
  /** The sender's own counts, as last heard. */
  readonly totals?: ReportedTotals;
}

/** The sums of sessions that made room for others. */
export interface EarlierSessions extends SessionBalance {
  readonly sessions: number;
  readonly duplicates: number;
  readonly rejectedDatagrams: Readonly<Record<string, number>>;
}

/** The sum of no sessions. */
export const noSessions: EarlierSessions = {
  sessions: 0,
  sent: 0,
  received: 0,
  lost: 0,
  beforeStart: 0,
  duplicates: 0,
  rejectedDatagrams: {},
};

/** The sum with one session more. */
export function sumWith(sum: EarlierSessions, session: Session): EarlierSessions {
  const balance = session.balance();
  const rejectedDatagrams = { ...sum.rejectedDatagrams };
  for (const [reason, count] of Object.entries(session.rejectedDatagrams)) {
    rejectedDatagrams[reason] = (rejectedDatagrams[reason] ?? 0) + count;
  }
  return {
    sessions: sum.sessions + 1,
    sent: sum.sent + balance.sent,
    received: sum.received + balance.received,
    lost: sum.lost + balance.lost,
    beforeStart: sum.beforeStart + balance.beforeStart,
    duplicates: sum.duplicates + session.duplicates,
    rejectedDatagrams,
  };
}

/** A session's counts as they stand. */
export function ledgerOf(session: Session): SessionLedger {
  const ledger = {
    id: session.id,
    address: session.address,
    port: session.port,
    state: session.state,
    ...session.balance(),
    datagrams: session.datagrams,
    duplicates: session.duplicates,
    rejectedDatagrams: { ...session.rejectedDatagrams },
    responses: session.responses,
    connectionEnds: session.connectionEnds,
    unknownRecords: session.unknownRecords,
  };
  return session.totals === undefined ? ledger : { ...ledger, totals: session.totals };
}
