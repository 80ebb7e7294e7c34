// Turns datagrams into records, whoever sent them: counts by reason what it cannot use, delivers each record once, and
// keeps the balance of each session. No socket, no clock. docs/wire-protocol.md, "Receiver".

import { DATAGRAM_HEADER_BYTES, type DatagramHeader, type HeaderReject, readFragment, readHeader } from './datagram.ts';
import { type FragmentCounters, type FragmentLimits, FragmentTable } from './fragment-table.ts';
import { idText } from './ids.ts';
import { integerInRange, senderDefaults } from './options.ts';
import type { WireRecord } from './record.ts';
import { checkRecords, KIND_NUMBER, type RecordReject, readRecord, recordEnd, recordPayload } from './record.ts';
import { Session, type SessionReject, type SessionView } from './session.ts';
import { type EarlierSessions, ledgerOf, noSessions, type SessionLedger, sumWith } from './session-ledger.ts';
import { readTotals } from './totals.ts';

/**
 * Why a datagram, or a record joined from fragments, is not used. Beside the reasons of header, records and session:
 * `sealed` (a key is needed), `bad-fragment` (its numbers do not fit together), `too-long` (a record over `maxRecordBytes`).
 */
export type DatagramReject = HeaderReject | RecordReject | SessionReject | 'sealed' | 'bad-fragment' | 'too-long';

/** Why a session ended: the sender's final totals, nothing heard for long, no room for more sessions. */
export type SessionEndReason = 'final' | 'silence' | 'evicted';

/** What a decoder holds at most; all finite. */
export interface DecoderLimits extends FragmentLimits {
  /** Longest record, its 36-byte header included; default 32 MiB. */
  readonly maxRecordBytes: number;
  /** Sessions known at a time; default 256. The first to go are ended ones, then those silent for longest. */
  readonly maxSessions: number;
  /** After how long without a datagram a session counts as ended, in milliseconds; default 60,000. */
  readonly silenceMs: number;
  /** How long late datagrams are taken after the sender's final totals, in milliseconds; default 1,000. */
  readonly endGraceMs: number;
}

/** Where a decoder's records go. */
export interface WireDecoderOptions {
  /** Called for each record, in the order in which datagrams arrive; payload and record are valid until it returns. */
  readonly onRecord: (record: WireRecord, session: SessionView) => void;
  /** Called before the first record of a session, and again where one that was silent goes on. */
  readonly onSessionStart?: (session: SessionView) => void;
  /** Called once for each start, after the last record. */
  readonly onSessionEnd?: (session: SessionView, reason: SessionEndReason) => void;
  readonly limits?: Partial<DecoderLimits>;
}

/** All counts of a decoder. */
export interface ReceiverLedger {
  readonly sessions: readonly SessionLedger[];
  readonly earlier: EarlierSessions;
  /** Datagrams that belong to no session, by reason. */
  readonly rejectedDatagrams: Readonly<Record<string, number>>;
  readonly fragments: FragmentCounters;
}

/** Where a datagram came from. */
export interface DatagramSource {
  readonly address: string;
  readonly port: number;
}

const MIB = 1024 * 1024;

const defaultLimits: DecoderLimits = {
  maxRecordBytes: senderDefaults.maxRecordBytes,
  maxSessions: 256,
  silenceMs: 60_000,
  endGraceMs: 1000,
  maxFragmentBytes: 64 * MIB,
  maxFragmentedRecords: 1024,
  maxFragmentedRecordsOfSession: 256,
  fragmentIdleMs: 2000,
};

/** The receiving half for any number of senders. */
export class WireDecoder {
  readonly #onRecord: (record: WireRecord, session: SessionView) => void;
  readonly #onSessionStart: ((session: SessionView) => void) | undefined;
  readonly #onSessionEnd: ((session: SessionView, reason: SessionEndReason) => void) | undefined;
  readonly #limits: DecoderLimits;
  readonly #fragments: FragmentTable;
  readonly #sessions = new Map<string, Session>();
  /** The session of the datagram before: mostly also that of the next one. */
  #latest: Session | undefined;
  readonly #rejected: Record<string, number> = {};
  #earlier: EarlierSessions = noSessions;

  constructor(options: WireDecoderOptions) {
    this.#onRecord = options.onRecord;
    this.#onSessionStart = options.onSessionStart;
    this.#onSessionEnd = options.onSessionEnd;
    this.#limits = { ...defaultLimits, ...options.limits };
    for (const [name, value] of Object.entries(this.#limits)) integerInRange(name, value, 1, 2 ** 40);
    this.#fragments = new FragmentTable(this.#limits);
  }

  /**
   * Takes one datagram; nothing of it is delivered unless all of it is valid. `nowMs` never goes back. What a handler
   * throws comes out of here; the datagram's remaining records then count as lost.
   */
  push(datagram: Uint8Array, from: DatagramSource, nowMs: number): void {
    const header = readHeader(datagram);
    if (typeof header === 'string') {
      this.#reject(undefined, header);
      return;
    }
    if (header.keyId !== 0) {
      this.#reject(undefined, 'sealed');
      return;
    }
    const session = this.#find(header);
    const refusal = session?.refuse(header);
    if (session !== undefined && refusal === 'duplicate') {
      session.duplicates++;
      return;
    }
    const reason =
      refusal !== undefined && refusal !== 'duplicate'
        ? refusal
        : header.isFragment
          ? this.#takeFragment(datagram, header, session, from, nowMs)
          : this.#takeRecords(datagram, header, session, from, nowMs);
    if (reason !== undefined) this.#reject(session, reason);
  }

  /** Ends what has been waiting too long: unfinished records, closing sessions, silent ones. Call a few times a second. */
  advance(nowMs: number): void {
    this.#fragments.advance(nowMs);
    for (const session of this.#sessions.values()) {
      if (session.state === 'closing' && nowMs - session.closingSinceMs >= this.#limits.endGraceMs) {
        session.state = 'ended';
        this.#end(session, 'final');
      } else if (session.state === 'live' && nowMs - session.lastMs >= this.#limits.silenceMs) {
        session.state = 'silent';
        this.#end(session, 'silence');
      }
    }
  }

  /** All counts as they stand. */
  ledger(): ReceiverLedger {
    return {
      sessions: Array.from(this.#sessions.values(), ledgerOf),
      earlier: { ...this.#earlier },
      rejectedDatagrams: { ...this.#rejected },
      fragments: this.#fragments.counters(),
    };
  }

  #find(header: DatagramHeader): Session | undefined {
    const latest = this.#latest;
    if (latest?.sessionHigh === header.sessionHigh && latest.sessionLow === header.sessionLow) return latest;
    const session = this.#sessions.get(idText(header.sessionHigh, header.sessionLow));
    if (session !== undefined) this.#latest = session;
    return session;
  }

  #takeRecords(
    datagram: Uint8Array,
    header: DatagramHeader,
    known: Session | undefined,
    from: DatagramSource,
    nowMs: number,
  ): DatagramReject | undefined {
    const requests = checkRecords(datagram, DATAGRAM_HEADER_BYTES, header.firstNumber);
    if (typeof requests === 'string') return requests;
    const session = this.#enter(known, header, from);
    session.take(header, requests, nowMs);
    this.#deliver(session, datagram, DATAGRAM_HEADER_BYTES, nowMs);
    return undefined;
  }

  #takeFragment(
    datagram: Uint8Array,
    header: DatagramHeader,
    known: Session | undefined,
    from: DatagramSource,
    nowMs: number,
  ): DatagramReject | undefined {
    const { sequence, firstNumber } = header;
    const fragment = readFragment(datagram, sequence);
    if (fragment === undefined) return 'bad-fragment';
    if (fragment.recordBytes > this.#limits.maxRecordBytes) return 'too-long';
    if (known !== undefined && !this.#fragments.agrees(known.id, fragment, sequence, firstNumber)) {
      return 'fragment-contradiction';
    }
    const session = this.#enter(known, header, from);
    session.take(header, fragment.isRequest ? 1 : 0, nowMs);
    const record = this.#fragments.add(session.id, fragment, sequence, firstNumber, nowMs);
    if (record === undefined) return undefined;
    const requests = checkRecords(record, 0, firstNumber);
    const isAsDeclared = requests === (fragment.isRequest ? 1 : 0) && recordEnd(record, 0) === record.length;
    if (!isAsDeclared) return typeof requests === 'string' ? requests : 'bad-record';
    this.#deliver(session, record, 0, nowMs);
    return undefined;
  }

  /** Delivers records that checkRecords passed. State comes first, the handler last: it may throw or push again. */
  #deliver(session: Session, bytes: Uint8Array, at: number, nowMs: number): void {
    while (at < bytes.length) {
      const start = at;
      at = recordEnd(bytes, at);
      if (bytes[start] === KIND_NUMBER.totals) {
        const totals = readTotals(recordPayload(bytes, start));
        if (totals !== undefined) session.takeTotals(totals, nowMs);
        continue;
      }
      const record = readRecord(bytes, start);
      if (record === undefined) {
        session.unknownRecords++;
        continue;
      }
      if (record.kind === 'request') session.received++;
      else if (record.kind === 'response') session.responses++;
      else session.connectionEnds++;
      this.#onRecord(record, session);
    }
  }

  #enter(known: Session | undefined, header: DatagramHeader, from: DatagramSource): Session {
    const session = known ?? this.#open(header);
    session.address = from.address;
    session.port = from.port;
    const starts = known === undefined || session.state === 'silent';
    if (session.state === 'silent') session.state = 'live';
    if (starts) this.#onSessionStart?.(session);
    return session;
  }

  #open(header: DatagramHeader): Session {
    if (this.#sessions.size >= this.#limits.maxSessions) this.#evictSession();
    const session = new Session(idText(header.sessionHigh, header.sessionLow), header);
    this.#sessions.set(session.id, session);
    this.#latest = session;
    return session;
  }

  #evictSession(): void {
    let leastMissed: Session | undefined;
    for (const session of this.#sessions.values()) {
      if (leastMissed === undefined || isLessMissed(session, leastMissed)) leastMissed = session;
    }
    if (leastMissed === undefined) return;
    this.#sessions.delete(leastMissed.id);
    if (this.#latest === leastMissed) this.#latest = undefined;
    this.#earlier = sumWith(this.#earlier, leastMissed);
    const hasEnded = leastMissed.state === 'ended' || leastMissed.state === 'silent';
    leastMissed.state = 'ended';
    if (!hasEnded) this.#end(leastMissed, 'evicted');
  }

  #end(session: Session, reason: SessionEndReason): void {
    this.#fragments.endSession(session.id);
    this.#onSessionEnd?.(session, reason);
  }

  #reject(session: Session | undefined, reason: DatagramReject): void {
    const counts = session?.rejectedDatagrams ?? this.#rejected;
    counts[reason] = (counts[reason] ?? 0) + 1;
  }
}

function isLessMissed(session: Session, than: Session): boolean {
  const hasEnded = session.state === 'ended';
  return hasEnded === (than.state === 'ended') ? session.lastMs < than.lastMs : hasEnded;
}
