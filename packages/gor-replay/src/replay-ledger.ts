// The replay server's ledger: what each session sent and lost, and where each target's requests went.
import type { ReplayLedger as ReplayerLedger } from '@gor/replay';
import type { ReceiverLedger, SessionLedger } from '@gor/wire';

/** The replay server's counts, while it runs and at its end; docs/operating.md explains each. */
export interface ReplayLedger {
  readonly program: 'gor-replay';
  /** ISO 8601. */
  readonly startedAt: string;
  /** ISO 8601; null while it runs. */
  readonly endedAt: string | null;
  /** `sent = received + waiting + lost + beforeStart`; `rejected` are received records that are no request. */
  readonly sessions: readonly (SessionLedger & { readonly rejected: Readonly<Record<string, number>> })[];
  /** Datagrams that belong to no session, and what the receiver let go. */
  readonly wire: Omit<ReceiverLedger, 'sessions' | 'earlier'> & {
    /** The sums of the sessions that `sessions` has no room for any more. */
    readonly earlier: ReceiverLedger['earlier'] & { readonly rejected: Readonly<Record<string, number>> };
    /** Errors of the socket, by the system's code; it is read on. */
    readonly socketErrors: Readonly<Record<string, number>>;
  };
  /** `received = answered + Σ limited + Σ failed + Σ skipped`, and while running what waits. */
  readonly targets: ReplayerLedger['targets'];
  /** Of the listeners' clocks; only with a delay. */
  readonly rhythm?: NonNullable<ReplayerLedger['rhythm']>;
  /** Lines of the results file that could not be written. */
  readonly resultsLost: number;
}

/** More than a receiver keeps sessions: what is let go of here is, as a rule, gone there. */
const MAX_SESSIONS = 1024;

/** Received records that are no request, by session and reason. Sessions that the receiver let go of are added up. */
export class RejectCounts {
  readonly #ofSession = new Map<string, Record<string, number>>();
  readonly #earlier: Record<string, number> = {};

  count(sessionId: string, reason: string): void {
    const counts = this.#ofSession.get(sessionId) ?? {};
    addTo(counts, reason, 1);
    this.#ofSession.delete(sessionId);
    this.#ofSession.set(sessionId, counts); // now the last to be let go of
    if (this.#ofSession.size <= MAX_SESSIONS) return;
    for (const [oldest] of this.#ofSession) return this.#addUp(oldest);
  }

  /** A copy of a session's counts. */
  of(sessionId: string): Readonly<Record<string, number>> {
    return { ...this.#ofSession.get(sessionId) };
  }

  /** Adds up the counts of all sessions but these, and gives the sum of all that was ever added up. */
  ofAllBut(sessionIds: ReadonlySet<string>): Readonly<Record<string, number>> {
    for (const id of this.#ofSession.keys()) if (!sessionIds.has(id)) this.#addUp(id);
    return { ...this.#earlier };
  }

  #addUp(sessionId: string): void {
    const counts = this.of(sessionId);
    this.#ofSession.delete(sessionId);
    for (const reason in counts) addTo(this.#earlier, reason, counts[reason]!);
  }
}

function addTo(counts: Record<string, number>, reason: string, count: number): void {
  counts[reason] = (counts[reason] ?? 0) + count;
}
