// Says when a session is due for a report, bounds its bytes by what the session sent, and writes it. One count of reports
// for all sessions of a receiver: no key and nonce seal two reports. docs/wire-protocol.md, "Report" and "Reports".

import { writeReportHeader } from './datagram.ts';
import { idHalves } from './ids.ts';
import { MAX_RANGES, RANGE_BYTES, REPORT_BYTES, type Report, writeReport } from './report.ts';
import { plaintext, reportSealing, type Sealing, type WireKey } from './sealing.ts';

/** Where a datagram came from, and where its session's reports go. */
export interface DatagramSource {
  readonly address: string;
  readonly port: number;
}

/** A session as its reports need it. */
export interface ReportedSession extends DatagramSource {
  readonly id: string;
  readonly sessionHigh: number;
  readonly sessionLow: number;
  readonly key: WireKey | undefined;
  readonly reports: ReportState;
}

/** No report within this time of the one before. */
const SPACING_MS = 10;
const INTERVAL_MS = 500;
/** After so many datagrams, or bytes: the sender waits for it when it is far ahead. */
const INTERVAL_DATAGRAMS = 32;
const INTERVAL_BYTES = 32 * 1200;
const UNCONFIRMED_INTERVAL_MS = 100;

/** What is known of one session's reports. */
export class ReportState {
  /** How long a datagram waits for its report at most. */
  #intervalMs: number;
  #acceptedBytes = 0;
  /** Since the last report. */
  #datagrams = 0;
  #bytes = 0;
  #sentBytes = 0;
  #sent = 0;
  #lastMs = Number.NEGATIVE_INFINITY;
  #isWanted = false;
  #sealing: Sealing | undefined;

  /** For a session that is confirmed, or need not be, unless said otherwise. */
  constructor(isUnconfirmed = false) {
    this.#intervalMs = isUnconfirmed ? UNCONFIRMED_INTERVAL_MS : INTERVAL_MS;
  }

  /** The session is confirmed. */
  confirm(): void {
    this.#intervalMs = INTERVAL_MS;
  }

  /** Reports sent. */
  get sent(): number {
    return this.#sent;
  }

  /** Whether a report only waits for the spacing of reports. */
  get isWanted(): boolean {
    return this.#isWanted;
  }

  /** A datagram of so many bytes was accepted. */
  accept(bytes: number): void {
    this.#acceptedBytes += bytes;
    this.#datagrams++;
    this.#bytes += bytes;
  }

  /** A report is to follow as soon as may be. */
  want(): void {
    this.#isWanted = true;
  }

  /** Whether a report is to be sent now, also without anything to ask for. */
  isDue(nowMs: number): boolean {
    const isMuch = this.#datagrams >= INTERVAL_DATAGRAMS || this.#bytes >= INTERVAL_BYTES;
    if (isMuch && this.#intervalMs === INTERVAL_MS) return true;
    const passedMs = nowMs - this.#lastMs;
    return (this.#isWanted && passedMs >= SPACING_MS) || (this.#datagrams > 0 && passedMs >= this.#intervalMs);
  }

  /** Whether the spacing of reports allows one. */
  isAllowed(nowMs: number): boolean {
    return nowMs - this.#lastMs >= SPACING_MS;
  }

  /** How many ranges the next report may have; below 0: not even a report without. */
  roomForRanges(overheadBytes: number): number {
    const room = this.#acceptedBytes - this.#sentBytes - REPORT_BYTES - overheadBytes;
    return Math.min(MAX_RANGES, Math.floor(room / RANGE_BYTES));
  }

  /** A report was sent. */
  note(bytes: number, nowMs: number): void {
    this.#sentBytes += bytes;
    this.#sent++;
    this.#lastMs = nowMs;
    this.#datagrams = 0;
    this.#bytes = 0;
    this.#isWanted = false;
  }

  /** Derived once, and only for a session of which a datagram was authentic. */
  sealing(session: ReportedSession, receiver: string): Sealing {
    if (session.key === undefined) return plaintext;
    this.#sealing ??= reportSealing(session.key, session.id, receiver);
    return this.#sealing;
  }
}

/** Writes a receiver's reports. */
export class Reporter {
  /** The receiver's id. */
  readonly receiver: string;
  readonly #receiverHigh: number;
  readonly #receiverLow: number;
  readonly #onReport: (datagram: Uint8Array, to: DatagramSource) => void;
  #sequence = 0;

  /** Throws a TypeError where `receiver` is no id, or all zeros. */
  constructor(receiver: string, onReport: (datagram: Uint8Array, to: DatagramSource) => void) {
    const { high, low } = idHalves('receiver', receiver);
    if (high === 0 && low === 0) throw new TypeError('receiver must not be all zeros');
    this.receiver = receiver;
    this.#receiverHigh = high;
    this.#receiverLow = low;
    this.#onReport = onReport;
  }

  /** How many ranges a report to the session may have now; below 0: no report. */
  room(session: ReportedSession): number {
    return session.reports.roomForRanges(session.reports.sealing(session, this.receiver).overheadBytes);
  }

  /** Sends a report with no more ranges than there is room for. */
  send(session: ReportedSession, report: Report, nowMs: number): void {
    const sealing = session.reports.sealing(session, this.receiver);
    const bytes = new Uint8Array(REPORT_BYTES + RANGE_BYTES * report.missing.length + sealing.overheadBytes);
    writeReportHeader(bytes, {
      keyId: sealing.keyId,
      sessionHigh: session.sessionHigh,
      sessionLow: session.sessionLow,
      sequence: ++this.#sequence,
      receiverHigh: this.#receiverHigh,
      receiverLow: this.#receiverLow,
    });
    writeReport(bytes.subarray(0, bytes.length - sealing.overheadBytes), report);
    sealing.seal(bytes);
    session.reports.note(bytes.length, nowMs);
    this.#onReport(bytes, { address: session.address, port: session.port });
  }
}
