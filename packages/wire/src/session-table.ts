// The sessions that a receiver knows: found by their ids, bounded in number, those that made room added up.
// docs/wire-protocol.md, "Limits".

import type { DatagramHeader } from './datagram.ts';
import { ForgottenSessions } from './forgotten-sessions.ts';
import { idText } from './ids.ts';
import { Session, type SessionKey, type SessionSurroundings } from './session.ts';
import { type EarlierSessions, ledgerOf, noSessions, type SessionLedger, sumWith } from './session-ledger.ts';
import type { SessionStart } from './totals.ts';

/** Owner of a receiver's sessions. */
export class SessionTable {
  readonly #maxSessions: number;
  readonly #surroundings: SessionSurroundings;
  readonly #onEvicted: (session: Session) => void;
  readonly #sessions = new Map<string, Session>();
  readonly #forgotten = new ForgottenSessions();
  /** Those that are made to go, while their handlers are called: still in the ledger, and found no more. */
  readonly #leaving = new Set<Session>();
  /** The session of the datagram before: mostly also that of the next one. */
  #latest: Session | undefined;
  #earlier: EarlierSessions = noSessions;

  /** `onEvicted` is called before a session that makes room is added up; it may still deliver. */
  constructor(maxSessions: number, surroundings: SessionSurroundings, onEvicted: (session: Session) => void) {
    this.#maxSessions = maxSessions;
    this.#surroundings = surroundings;
    this.#onEvicted = onEvicted;
  }

  find(header: DatagramHeader): Session | undefined {
    const latest = this.#latest;
    if (latest?.sessionHigh === header.sessionHigh && latest.sessionLow === header.sessionLow) return latest;
    const session = this.#sessions.get(idText(header.sessionHigh, header.sessionLow));
    if (session !== undefined) this.#latest = session;
    return session;
  }

  byId(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  values(): Iterable<Session> {
    return this.#sessions.values();
  }

  /** Whether the datagram is of a session that was forgotten, and was behind it by then. */
  isForgotten({ sessionHigh, sessionLow, sequence }: DatagramHeader): boolean {
    return sequence < (this.#forgotten.of(idText(sessionHigh, sessionLow))?.sequence ?? 0);
  }

  /** Opens a session; a sealed one from its start on; each from where it was when it was forgotten. */
  open(header: DatagramHeader, key: SessionKey, start: SessionStart | undefined, nowMs: number): Session {
    if (this.#sessions.size >= this.#maxSessions) this.#evict();
    const session = new Session(header, key, this.#surroundings);
    session.lastMs = nowMs;
    const from = this.#forgotten.of(session.id);
    if (from !== undefined) session.takeUp(from);
    if (start !== undefined) session.confirm(start);
    this.#sessions.set(session.id, session);
    this.#latest = session;
    return session;
  }

  ledgers(): { sessions: SessionLedger[]; earlier: EarlierSessions } {
    const sessions = [...this.#sessions.values(), ...this.#leaving];
    return { sessions: sessions.map(ledgerOf), earlier: { ...this.#earlier } };
  }

  #evict(): void {
    let leastMissed: Session | undefined;
    for (const session of this.#sessions.values()) {
      if (leastMissed === undefined || isLessMissed(session, leastMissed)) leastMissed = session;
    }
    if (leastMissed === undefined) return;
    this.#sessions.delete(leastMissed.id);
    if (this.#latest === leastMissed) this.#latest = undefined;
    this.#forgotten.remember(leastMissed.id, leastMissed.end);
    this.#leaving.add(leastMissed);
    try {
      this.#onEvicted(leastMissed);
    } finally {
      this.#leaving.delete(leastMissed);
      this.#earlier = sumWith(this.#earlier, leastMissed);
    }
  }
}

function isLessMissed(session: Session, than: Session): boolean {
  const hasEnded = session.state === 'ended';
  return hasEnded === (than.state === 'ended') ? session.lastMs < than.lastMs : hasEnded;
}
