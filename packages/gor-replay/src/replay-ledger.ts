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
  /** `sent = received + lost + beforeStart`; `rejected` are received records that are no request. */
  readonly sessions: readonly (SessionLedger & { readonly rejected: Readonly<Record<string, number>> })[];
  /** Datagrams that belong to no session, and what the receiver let go. */
  readonly wire: Omit<ReceiverLedger, 'sessions'>;
  /** `received = answered + Σ limited + Σ failed + Σ skipped`, and while running what waits. */
  readonly targets: ReplayerLedger['targets'];
  /** Lines of the results file that could not be written. */
  readonly resultsLost: number;
}

/** Received records that are no request, by session and reason; the session longest without one is forgotten first. */
export class RejectCounts {
  readonly #ofSession = new Map<string, Record<string, number>>();

  count(sessionId: string, reason: string): void {
    const counts = this.#ofSession.get(sessionId) ?? {};
    counts[reason] = (counts[reason] ?? 0) + 1;
    this.#ofSession.delete(sessionId);
    this.#ofSession.set(sessionId, counts);
    if (this.#ofSession.size > MAX_SESSIONS) this.#ofSession.delete(this.#ofSession.keys().next().value ?? '');
  }

  /** A copy of a session's counts. */
  of(sessionId: string): Readonly<Record<string, number>> {
    return { ...this.#ofSession.get(sessionId) };
  }
}

const MAX_SESSIONS = 4096;
