// What a sender knows of its receiver: which one it is, what it reported last, and who may be there in its place. Reads
// reports, and refuses those of others, of earlier receivers, and old ones. docs/wire-protocol.md, "Report", "Sealing", "Reports, and sending again".

import { type HeaderReject, type ReportHeader, readReportHeader } from './datagram.ts';
import { idText } from './ids.ts';
import { type Report, readReport } from './report.ts';
import { plaintext, reportSealing, type Sealing, type WireKey } from './sealing.ts';
import type { SessionStart } from './totals.ts';

/**
 * Why a report is refused, beside what is wrong in its header: `other-session`; `sealed` (and no key here), `not-sealed`,
 * `unknown-key`, `forged` (does not open); `retired` (of a receiver that another one has replaced), `too-old` (its
 * sequence is not above that of an earlier one), `bad-report` (does not follow the layout), `implausible` (of datagrams
 * that were never sent).
 */
export type ReportReject =
  | HeaderReject
  | 'other-session'
  | 'sealed'
  | 'not-sealed'
  | 'unknown-key'
  | 'forged'
  | 'retired'
  | 'too-old'
  | 'bad-report'
  | 'implausible';

/** So many ids of earlier receivers are remembered; the one retired first goes. */
const MAX_RETIRED = 4096;
/** So many may be there in the present one's place; the one heard of first goes. */
const MAX_CANDIDATES = 16;

/** A receiver of which an authentic report came. */
export class KnownReceiver {
  /** 16 hexadecimal digits. */
  readonly id: string;
  readonly sealing: Sealing;
  /** Of its last report. */
  sequence = 0;
  /** What is meant for it, as the sender sets it at its first report. */
  start: SessionStart | undefined;

  constructor(id: string, sealing: Sealing) {
    this.id = id;
    this.sealing = sealing;
  }
}

/** A report, and whose it is. */
export interface ReceivedReport {
  readonly report: Report;
  readonly receiver: KnownReceiver;
}

/**
 * Owner of what is known of the receiver, of its forerunners' ids, and of the candidates: receivers that have not yet
 * shown that they are there now. A report may have been held up on its way, and be of an earlier receiver; only totals
 * that go out after it let a receiver report that it is confirmed.
 */
export class ReceiverView {
  readonly #session: string;
  readonly #key: WireKey | undefined;
  readonly #retired = new Set<string>();
  /** By id, in the order in which they were first heard of. */
  readonly #candidates = new Map<string, KnownReceiver>();
  #present: KnownReceiver | undefined;
  #last: Report | undefined;

  constructor(session: string, key: WireKey | undefined) {
    this.#session = session;
    this.#key = key;
  }

  /** The receiver that is there, as far as is known: the first one, until another one is confirmed; undefined before the first report. */
  get present(): KnownReceiver | undefined {
    return this.#present;
  }

  /** What it reported last. */
  get last(): Report | undefined {
    return this.#last;
  }

  /** Takes a report, which it may open in place; or says why not. `highestSent`: sequences up to this one have left. */
  read(datagram: Uint8Array, highestSent: number): ReceivedReport | ReportReject {
    const header = readReportHeader(datagram);
    if (typeof header === 'string') return header;
    const id = idText(header.receiverHigh, header.receiverLow);
    const known = this.#present?.id === id ? this.#present : this.#candidates.get(id);
    const refusal = this.#refusal(header, id, known);
    if (refusal !== undefined) return refusal;
    const receiver = known ?? new KnownReceiver(id, this.#sealingFor(id));
    const opened = receiver.sealing.open(datagram);
    if (opened === undefined) return 'forged';
    const report = readReport(opened);
    if (report === undefined) return 'bad-report';
    if (report.highest > highestSent) return 'implausible';
    receiver.sequence = header.sequence;
    if (this.#present === undefined || (known !== undefined && report.isConfirmed)) this.#become(receiver);
    else if (known === undefined) this.#stand(receiver);
    if (receiver === this.#present) this.#last = report;
    return { report, receiver };
  }

  /** What the header alone tells against a report. */
  #refusal(header: ReportHeader, id: string, known: KnownReceiver | undefined): ReportReject | undefined {
    if (idText(header.sessionHigh, header.sessionLow) !== this.#session) return 'other-session';
    if (this.#key === undefined && header.keyId !== 0) return 'sealed';
    if (this.#key !== undefined && header.keyId === 0) return 'not-sealed';
    if (this.#key !== undefined && header.keyId !== this.#key.id) return 'unknown-key';
    if (this.#retired.has(id)) return 'retired';
    return known !== undefined && header.sequence <= known.sequence ? 'too-old' : undefined;
  }

  #sealingFor(id: string): Sealing {
    return this.#key === undefined ? plaintext : reportSealing(this.#key, this.#session, id);
  }

  #stand(candidate: KnownReceiver): void {
    this.#candidates.set(candidate.id, candidate);
    if (this.#candidates.size <= MAX_CANDIDATES) return;
    for (const first of this.#candidates.keys()) {
      this.#candidates.delete(first);
      break;
    }
  }

  /** The one before is retired, and with it who was heard of before this one: it is newer than they are. */
  #become(receiver: KnownReceiver): void {
    if (receiver === this.#present) return;
    if (this.#present !== undefined) this.#retire(this.#present.id);
    for (const id of this.#candidates.keys()) {
      this.#candidates.delete(id);
      if (id === receiver.id) break;
      this.#retire(id);
    }
    this.#present = receiver;
  }

  #retire(id: string): void {
    this.#retired.add(id);
    if (this.#retired.size <= MAX_RETIRED) return;
    for (const first of this.#retired) {
      this.#retired.delete(first);
      break;
    }
  }
}
