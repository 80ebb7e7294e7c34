// Sealed sessions that have not named this receiver yet: they may be recordings. Their authentic datagrams are held for
// at most a second, bounded in bytes, the oldest goes first. docs/wire-protocol.md, "Freshness".

import type { DatagramHeader } from './datagram.ts';
import { idText } from './ids.ts';
import { type DatagramSource, type ReportedSession, ReportState } from './reporter.ts';
import type { Sealing, WireKey } from './sealing.ts';
import { SequenceWindow } from './sequence-window.ts';

/** What unconfirmed sessions may take. */
export interface UnconfirmedLimits {
  /** Unconfirmed sessions at a time; default 64. The one heard of the longest ago is forgotten. */
  readonly maxUnconfirmedSessions: number;
  /** Bytes of their datagrams, with 256 for the bookkeeping of each; default 8 MiB. */
  readonly maxUnconfirmedBytes: number;
}

const HELD_MS = 1000;
const SILENCE_MS = 60_000;
/** The bookkeeping of a datagram in memory, about. */
const HELD_OVERHEAD_BYTES = 256;

/** An opened datagram that waits for its session to be confirmed. */
export interface HeldDatagram extends DatagramSource {
  readonly header: DatagramHeader;
  /** Header and body, without what sealing added. */
  readonly bytes: Uint8Array;
  readonly heldSinceMs: number;
  readonly session: UnconfirmedSession;
}

/** A session that may be a recording. */
export class UnconfirmedSession implements ReportedSession {
  readonly id: string;
  readonly sessionHigh: number;
  readonly sessionLow: number;
  readonly key: WireKey;
  readonly sealing: Sealing;
  readonly reports = new ReportState(true);
  readonly held = new Set<HeldDatagram>();
  readonly window = new SequenceWindow();
  address = '';
  port = 0;
  lastMs = 0;

  constructor(header: DatagramHeader, key: WireKey, sealing: Sealing) {
    this.id = idText(header.sessionHigh, header.sessionLow);
    this.sessionHigh = header.sessionHigh;
    this.sessionLow = header.sessionLow;
    this.key = key;
    this.sealing = sealing;
    this.reports.want();
  }
}

/** Owner of all that waits for confirmation. */
export class UnconfirmedSessions {
  readonly #limits: UnconfirmedLimits;
  readonly #onOverdue: (session: UnconfirmedSession, nowMs: number) => void;
  /** The one heard of the longest ago comes first. */
  readonly #sessions = new Map<string, UnconfirmedSession>();
  /** All that is held, the oldest first. */
  readonly #held = new Set<HeldDatagram>();
  #heldBytes = 0;
  #letGo = 0;

  /** `onOverdue`: a datagram of this session was held too long. */
  constructor(limits: UnconfirmedLimits, onOverdue: (session: UnconfirmedSession, nowMs: number) => void) {
    this.#limits = limits;
    this.#onOverdue = onOverdue;
  }

  get count(): number {
    return this.#sessions.size;
  }

  get waitingBytes(): number {
    return this.#heldBytes;
  }

  /** Datagrams that were held too long, or had no room, or came twice. */
  get letGo(): number {
    return this.#letGo;
  }

  find(id: string): UnconfirmedSession | undefined {
    return this.#sessions.get(id);
  }

  /** Whether the datagram is left out: its sequence came before, held or not any more. */
  isRefused(session: UnconfirmedSession, sequence: number): boolean {
    if (session.window.check(sequence) === 'new') return false;
    this.#letGo++;
    return true;
  }

  /** Notes an authentic datagram that is not refused, and keeps a copy of what it holds. */
  hold(
    session: UnconfirmedSession,
    header: DatagramHeader,
    opened: Uint8Array,
    from: DatagramSource,
    nowMs: number,
  ): void {
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
    if (this.#sessions.size > this.#limits.maxUnconfirmedSessions) this.#forgetOldest();
    session.lastMs = nowMs;
    if (header.sequence > session.window.highest) {
      session.address = from.address;
      session.port = from.port;
    }
    session.window.mark(header.sequence);
    session.reports.accept(opened.length + session.sealing.overheadBytes);
    const { address, port } = from;
    const held = { header, bytes: opened.slice(), address, port, heldSinceMs: nowMs, session };
    session.held.add(held);
    this.#held.add(held);
    this.#heldBytes += opened.length + HELD_OVERHEAD_BYTES;
    while (this.#heldBytes > this.#limits.maxUnconfirmedBytes) this.#letGoOldest();
  }

  /** The session is not unconfirmed any more; what was held of it, in the order in which it came. */
  release(session: UnconfirmedSession): readonly HeldDatagram[] {
    const held = [...session.held];
    for (const each of held) this.#remove(each);
    this.#sessions.delete(session.id);
    return held;
  }

  /** Forgets sessions; what was held of them is let go. */
  forget(isGone: (session: UnconfirmedSession) => boolean): void {
    for (const session of this.#sessions.values()) if (isGone(session)) this.#forget(session);
  }

  /** Lets go what was held too long, and forgets sessions that are silent. */
  advance(nowMs: number): void {
    for (const held of this.#held) {
      if (nowMs - held.heldSinceMs < HELD_MS) break;
      this.#letGoOldest();
      this.#onOverdue(held.session, nowMs);
    }
    this.forget(({ lastMs }) => nowMs - lastMs >= SILENCE_MS);
  }

  /** The sessions whose report is due. */
  due(nowMs: number): UnconfirmedSession[] {
    const due: UnconfirmedSession[] = [];
    for (const session of this.#sessions.values()) if (session.reports.isDue(nowMs)) due.push(session);
    return due;
  }

  /** Whether time has to be looked at closely. */
  get isBusy(): boolean {
    return this.#held.size > 0;
  }

  #forgetOldest(): void {
    for (const session of this.#sessions.values()) return this.#forget(session);
  }

  #forget(session: UnconfirmedSession): void {
    this.#letGo += this.release(session).length;
  }

  #letGoOldest(): void {
    for (const held of this.#held) {
      this.#letGo++;
      return this.#remove(held);
    }
  }

  #remove(held: HeldDatagram): void {
    this.#held.delete(held);
    held.session.held.delete(held);
    this.#heldBytes -= held.bytes.length + HELD_OVERHEAD_BYTES;
  }
}
