// Turns datagrams into records, whoever sent them: opens them, counts by reason what it cannot use, delivers each record
// once and in the order of its connection, asks for what is missing. No socket, no clock. docs/wire-protocol.md, "Receiver".

import { DATAGRAM_HEADER_BYTES, type DatagramHeader, readHeader } from './datagram.ts';
import {
  type DecoderLimits,
  resolveLimits,
  type SessionEndReason,
  type WireDecoderOptions,
} from './decoder-options.ts';
import { FragmentTable } from './fragment-table.ts';
import { idText } from './ids.ts';
import { type KeyReject, Keyring } from './keyring.ts';
import type { DatagramReject, ReceiverLedger } from './receiver-ledger.ts';
import { RecordIntake, startFor } from './record-intake.ts';
import { type DatagramSource, ReportState } from './reporter.ts';
import { isSameKey, plaintext, recordSealing, type WireKey } from './sealing.ts';
import type { Session } from './session.ts';
import { SessionReports } from './session-reports.ts';
import { SessionTable } from './session-table.ts';
import type { SessionStart } from './totals.ts';
import { UnconfirmedSession, UnconfirmedSessions } from './unconfirmed-sessions.ts';
import { UnopenedWatch } from './unopened-watch.ts';
import { WaitingRoom } from './waiting-room.ts';

const BUSY_MS = 10;
const IDLE_MS = 250;
/** Where nothing is sent again a record waits for its order no longer. */
const UNREPAIRED_WAIT_MS = 100;

/** The receiving half for any number of senders. */
export class WireDecoder {
  readonly #options: WireDecoderOptions;
  readonly #limits: DecoderLimits;
  readonly #keyring: Keyring;
  readonly #reports: SessionReports;
  readonly #unopened: UnopenedWatch;
  readonly #fragments: FragmentTable;
  readonly #unconfirmed: UnconfirmedSessions;
  readonly #sessions: SessionTable;
  readonly #intake: RecordIntake;
  readonly #rejected: Record<string, number> = {};
  #isBusy = false;

  /** Throws a TypeError or RangeError that names the option which is none. */
  constructor(options: WireDecoderOptions) {
    this.#options = options;
    this.#limits = resolveLimits(options.limits);
    this.#keyring = new Keyring(options.keys ?? []);
    this.#reports = new SessionReports(options);
    this.#unopened = new UnopenedWatch(options.onUnopened);
    this.#unconfirmed = new UnconfirmedSessions(this.#limits, this.#unopened.noteOverdue);
    this.#fragments = new FragmentTable(this.#limits, (id, last) => this.#sessions.byId(id)?.order.resolve(last));
    const room = new WaitingRoom<Session>(this.#limits, () => this.#sessions.values());
    const surroundings = { receiver: options.receiver, fragments: this.#fragments, room };
    this.#intake = new RecordIntake(options.onRecord, this.#limits, surroundings);
    this.#sessions = new SessionTable(this.#limits.maxSessions, surroundings, (session) => this.#evicted(session));
  }

  /**
   * Takes one datagram, and may write into its bytes; nothing of it is delivered unless all of it is valid. `nowMs` never goes back.
   * What a handler throws comes out of here; the datagram's remaining records then count as lost. A handler that pushes has those
   * records before what is left of this datagram.
   */
  push(datagram: Uint8Array, from: DatagramSource, nowMs: number): void {
    if (from.port === 0) return this.#reject(undefined, 'bad-source');
    const header = readHeader(datagram);
    if (typeof header === 'string') return this.#reject(undefined, header);
    const key = this.#keyring.find(header.keyId);
    if (typeof key === 'string') return this.#unopenable(undefined, key, from, nowMs);
    const session = this.#sessions.find(header);
    if (session !== undefined) this.#pushKnown(session, key, datagram, header, from, nowMs);
    else if (key !== undefined) this.#pushUnconfirmed(datagram, header, key, from, nowMs);
    else if (this.#sessions.isForgotten(header)) this.#reject(undefined, 'before-start');
    else this.#accept(undefined, datagram, header, from, nowMs);
  }

  /** Does what is due by time: gives up, asks again, reports, ends sessions. Call after `dueMs` at the latest. */
  advance(nowMs: number): void {
    this.#isBusy = false;
    this.#fragments.advance(nowMs);
    this.#unconfirmed.advance(nowMs);
    for (const session of this.#unconfirmed.due(nowMs)) this.#reports.reportUnconfirmed(session, nowMs);
    for (const session of this.#sessions.values()) this.#advanceSession(session, nowMs);
  }

  /** In how many milliseconds `advance` is to be called: soon while something is missing, held, or to be reported. */
  dueMs(): number {
    return this.#isBusy || this.#unconfirmed.isBusy ? BUSY_MS : IDLE_MS;
  }

  /** Replaces the keys; sessions under a key that is gone end, and go on if it comes back. Throws a TypeError where two have one id. */
  setKeys(keys: readonly WireKey[]): void {
    this.#keyring.set(keys);
    this.#unconfirmed.forget(({ key }) => !this.#keyring.has(key));
    for (const session of this.#sessions.values()) {
      if (this.#keyring.has(session.key) || session.state === 'ended' || session.state === 'silent') continue;
      session.state = session.state === 'closing' ? 'ended' : 'silent';
      this.#end(session, 'key-removed');
    }
  }

  /** Nothing comes any more: delivers what waits for its order, lets go what is held. Sessions stay what they are. */
  close(): void {
    this.#unconfirmed.forget(() => true);
    for (const session of this.#sessions.values()) {
      session.giveUpAll();
      this.#intake.drain(session);
    }
  }

  /** All counts as they stand. */
  ledger(): ReceiverLedger {
    const { count, waitingBytes, letGo } = this.#unconfirmed;
    return {
      receiver: this.#options.receiver,
      ...this.#sessions.ledgers(),
      rejectedDatagrams: letGo === 0 ? { ...this.#rejected } : { ...this.#rejected, unconfirmed: letGo },
      fragments: this.#fragments.counters(),
      unconfirmed: { sessions: count, waitingBytes },
    };
  }

  #pushKnown(
    session: Session,
    key: WireKey | undefined,
    datagram: Uint8Array,
    header: DatagramHeader,
    from: DatagramSource,
    nowMs: number,
  ): void {
    if (this.#isRefused(session, header.sequence)) return;
    const opened = isSameKey(session.key, key) ? session.sealing.open(datagram) : undefined;
    if (opened === undefined) this.#unopenable(session, 'forged', from, nowMs);
    else this.#accept(session, opened, header, from, nowMs);
  }

  /** A sealed datagram of a session that has not named this receiver. */
  #pushUnconfirmed(
    datagram: Uint8Array,
    header: DatagramHeader,
    key: WireKey,
    from: DatagramSource,
    nowMs: number,
  ): void {
    const id = idText(header.sessionHigh, header.sessionLow);
    const known = this.#unconfirmed.find(id);
    if (known !== undefined && this.#unconfirmed.isRefused(known, header.sequence)) return;
    const sealing = known?.sealing ?? recordSealing(key, id);
    const opened = sealing.open(datagram);
    if (opened === undefined) return this.#unopenable(undefined, 'forged', from, nowMs);
    const body = this.#intake.readBody(opened, header);
    if (typeof body === 'string') return this.#reject(undefined, body);
    const session = known ?? new UnconfirmedSession(header, key, sealing);
    const start = typeof body === 'number' ? startFor(this.#options.receiver, opened) : undefined;
    if (start !== undefined) return this.#confirm(session, start, opened, header, from, nowMs);
    this.#unconfirmed.hold(session, header, opened, from, nowMs);
    if (session.reports.isDue(nowMs)) this.#reports.reportUnconfirmed(session, nowMs);
  }

  /** Totals named this receiver: what was held goes through all the steps, and then the datagram with these totals. */
  #confirm(
    unconfirmed: UnconfirmedSession,
    start: SessionStart,
    opened: Uint8Array,
    header: DatagramHeader,
    from: DatagramSource,
    nowMs: number,
  ): void {
    const held = this.#unconfirmed.release(unconfirmed);
    const session = this.#sessions.open(header, unconfirmed, start, nowMs);
    session.reports.confirm();
    session.reports.want();
    for (const each of held) {
      if (this.#isRefused(session, each.header.sequence)) continue;
      const reason = this.#take(session, each.bytes, each.header, each, 0, nowMs);
      if (reason !== undefined) this.#reject(session, reason);
    }
    if (!this.#isRefused(session, header.sequence)) this.#accept(session, opened, header, from, nowMs);
  }

  #isRefused(session: Session, sequence: number): boolean {
    const refusal = session.refuse(sequence);
    if (refusal === 'duplicate') session.duplicates++;
    else if (refusal !== undefined) this.#reject(session, refusal);
    return refusal !== undefined;
  }

  /** Takes an opened datagram from the network, and reports if it is time. */
  #accept(
    known: Session | undefined,
    opened: Uint8Array,
    header: DatagramHeader,
    from: DatagramSource,
    nowMs: number,
  ): void {
    const newBytes = opened.length + (known?.sealing.overheadBytes ?? 0);
    const reason = this.#take(known, opened, header, from, newBytes, nowMs);
    if (reason !== undefined) return this.#reject(known, reason);
    const session = known ?? this.#sessions.find(header);
    if (session === undefined) return;
    if (session.reports.isDue(nowMs)) this.#reports.report(session, nowMs);
    this.#isBusy ||= session.isBusy;
  }

  /** Steps 5 to 7. `newBytes`: what the session is to be credited for its reports. */
  #take(
    known: Session | undefined,
    datagram: Uint8Array,
    header: DatagramHeader,
    from: DatagramSource,
    newBytes: number,
    nowMs: number,
  ): DatagramReject | undefined {
    if (known?.isPlausible(header) === false) return 'implausible';
    const body = this.#intake.readBody(datagram, header);
    if (typeof body === 'string') return body;
    const { sequence, firstNumber } = header;
    if (typeof body === 'number') {
      const session = this.#enter(known, header, from, newBytes, nowMs);
      const wasAsked = session.take(header, body, nowMs);
      this.#intake.deliver(session, datagram, DATAGRAM_HEADER_BYTES, sequence, wasAsked, nowMs);
      return undefined;
    }
    if (known !== undefined && !this.#fragments.agrees(known.id, body, sequence, firstNumber)) {
      return 'fragment-contradiction';
    }
    const session = this.#enter(known, header, from, newBytes, nowMs);
    const wasAsked = session.take(header, body.isRequest ? 1 : 0, nowMs);
    const reason = this.#intake.takeFragment(session, body, header, wasAsked, nowMs);
    if (session.order.isTracking) this.#intake.drain(session);
    return reason;
  }

  #enter(
    known: Session | undefined,
    header: DatagramHeader,
    from: DatagramSource,
    newBytes: number,
    nowMs: number,
  ): Session {
    const session = known ?? this.#openPlaintext(header, nowMs);
    session.cameFrom(from, header.sequence);
    session.reports.accept(newBytes);
    const starts = session.datagrams === 0 || session.state === 'silent';
    if (session.state === 'silent') session.state = 'live';
    if (starts) this.#options.onSessionStart?.(session);
    return session;
  }

  #openPlaintext(header: DatagramHeader, nowMs: number): Session {
    const key = { key: undefined, sealing: plaintext, reports: new ReportState(true) };
    const session = this.#sessions.open(header, key, undefined, nowMs);
    session.reports.want();
    return session;
  }

  #advanceSession(session: Session, nowMs: number): void {
    const { order, missing, state } = session;
    missing.advance(nowMs);
    if (order.isTracking) {
      if (!session.mayBeRepaired(nowMs)) order.freeSince(nowMs - UNREPAIRED_WAIT_MS);
      this.#intake.drain(session);
    }
    if (state === 'ended' || state === 'silent') return;
    if (state === 'closing' && session.isOver(nowMs, this.#limits.endGraceMs)) {
      session.state = 'ended';
      this.#end(session, 'final');
    } else if (state === 'live' && nowMs - session.lastMs >= this.#limits.silenceMs) {
      session.state = 'silent';
      this.#end(session, 'silence');
    } else {
      this.#reports.advance(session, nowMs);
      this.#isBusy ||= session.isBusy;
    }
  }

  #evicted(session: Session): void {
    const hasEnded = session.state === 'ended' || session.state === 'silent';
    session.state = 'ended';
    if (hasEnded) session.giveUpAll();
    else this.#end(session, 'evicted');
  }

  #end(session: Session, reason: SessionEndReason): void {
    session.giveUpAll();
    this.#intake.drain(session);
    if (session.datagrams > 0) this.#options.onSessionEnd?.(session, reason);
  }

  #unopenable(session: Session | undefined, reason: KeyReject, from: DatagramSource, nowMs: number): void {
    this.#reject(session, reason);
    this.#unopened.note(reason, from, nowMs);
  }

  #reject(session: Session | undefined, reason: DatagramReject): void {
    const counts = session?.rejectedDatagrams ?? this.#rejected;
    counts[reason] = (counts[reason] ?? 0) + 1;
  }
}
