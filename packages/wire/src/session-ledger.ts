// The counts of a session as others see them, and the sum of sessions that are no longer known.

import type { Session } from './session.ts';
import type { SessionBalance, SessionState, SessionView } from './session-view.ts';
import type { ReportedTotals } from './totals.ts';

/** A session in the ledger. */
export interface SessionLedger extends SessionView, SessionBalance {
  readonly state: SessionState;
  /** Datagrams taken, and those that came again and were left out. */
  readonly datagrams: number;
  readonly duplicates: number;
  /** Datagrams and joined records not used, by reason. */
  readonly rejectedDatagrams: Readonly<Record<string, number>>;
  /** Opened with a key. */
  readonly isSealed: boolean;
  /** Request records delivered out of datagrams that had been asked for, and these datagrams. */
  readonly repaired: number;
  readonly repairedDatagrams: number;
  /** Records not delivered because a later one of their connection was. */
  readonly lateRecords: number;
  /** Connections forgotten over the limit while something was missing: a record of theirs may follow a later one. */
  readonly forgottenConnections: number;
  /** Sequences missing now, and those not waited for any more. */
  readonly missing: number;
  readonly givenUp: number;
  /** Reports sent to it, and sequences asked for in them, each time counted. */
  readonly reports: number;
  readonly askedFor: number;
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
  readonly repaired: number;
  readonly rejectedDatagrams: Readonly<Record<string, number>>;
}

/** The sum of no sessions. */
export const noSessions: EarlierSessions = {
  sessions: 0,
  sent: 0,
  received: 0,
  waiting: 0,
  lost: 0,
  beforeStart: 0,
  duplicates: 0,
  repaired: 0,
  rejectedDatagrams: {},
};

/** The sum with one session more, as far as it is not in it already. */
export function sumWith(sum: EarlierSessions, session: Session): EarlierSessions {
  const balance = session.balance();
  const rejectedDatagrams = { ...sum.rejectedDatagrams };
  for (const [reason, count] of Object.entries(session.rejectedDatagrams)) {
    rejectedDatagrams[reason] = (rejectedDatagrams[reason] ?? 0) + count;
  }
  return {
    sessions: sum.sessions + 1,
    sent: sum.sent + balance.sent - session.countedEarlier,
    received: sum.received + balance.received,
    waiting: sum.waiting + balance.waiting,
    lost: sum.lost + balance.lost,
    beforeStart: sum.beforeStart + balance.beforeStart - session.countedEarlier,
    duplicates: sum.duplicates + session.duplicates,
    repaired: sum.repaired + session.repaired,
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
    isSealed: session.key !== undefined,
    repaired: session.repaired,
    repairedDatagrams: session.repairedDatagrams,
    lateRecords: session.order.late,
    forgottenConnections: session.order.forgotten,
    missing: session.missingCount,
    givenUp: session.givenUp,
    reports: session.reports.sent,
    askedFor: session.askedFor,
    responses: session.responses,
    connectionEnds: session.connectionEnds,
    unknownRecords: session.unknownRecords,
  };
  return session.totals === undefined ? ledger : { ...ledger, totals: session.totals };
}
