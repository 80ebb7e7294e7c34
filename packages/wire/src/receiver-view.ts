// What a sender knows of its receiver: which one it is, and what it reported last. Reads reports, and refuses those of
// others, of earlier receivers, and old ones. docs/wire-protocol.md, "Report", "Sealing", "Reports, and sending again".

import { type HeaderReject, type ReportHeader, readReportHeader } from './datagram.ts';
import { idText } from './ids.ts';
import { type Report, readReport } from './report.ts';
import { plaintext, reportSealing, type Sealing, type WireKey } from './sealing.ts';

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

/** Owner of the receiver's id and of those of its forerunners. */
export class ReceiverView {
  readonly #session: string;
  readonly #key: WireKey | undefined;
  readonly #retired = new Set<string>();
  #id: string | undefined;
  #sealing: Sealing = plaintext;
  #sequence = 0;
  #last: Report | undefined;

  constructor(session: string, key: WireKey | undefined) {
    this.#session = session;
    this.#key = key;
  }

  /** The receiver's id, 16 hexadecimal digits; undefined before the first report. */
  get id(): string | undefined {
    return this.#id;
  }

  /** What this receiver reported last. */
  get last(): Report | undefined {
    return this.#last;
  }

  /** Takes a report, which it may open in place; or says why not. `highestSent`: sequences up to this one have left. */
  read(datagram: Uint8Array, highestSent: number): Report | ReportReject {
    const header = readReportHeader(datagram);
    if (typeof header === 'string') return header;
    const receiver = idText(header.receiverHigh, header.receiverLow);
    const refusal = this.#refusal(header, receiver);
    if (refusal !== undefined) return refusal;
    const sealing = this.#sealingFor(receiver);
    const opened = sealing.open(datagram);
    if (opened === undefined) return 'forged';
    const report = readReport(opened);
    if (report === undefined) return 'bad-report';
    if (report.highest > highestSent) return 'implausible';
    this.#sealing = sealing;
    this.#become(receiver);
    this.#sequence = header.sequence;
    this.#last = report;
    return report;
  }

  /** What the header alone tells against a report. */
  #refusal(header: ReportHeader, receiver: string): ReportReject | undefined {
    if (idText(header.sessionHigh, header.sessionLow) !== this.#session) return 'other-session';
    if (this.#key === undefined && header.keyId !== 0) return 'sealed';
    if (this.#key !== undefined && header.keyId === 0) return 'not-sealed';
    if (this.#key !== undefined && header.keyId !== this.#key.id) return 'unknown-key';
    if (this.#retired.has(receiver)) return 'retired';
    return receiver === this.#id && header.sequence <= this.#sequence ? 'too-old' : undefined;
  }

  #sealingFor(receiver: string): Sealing {
    if (this.#key === undefined || receiver === this.#id) return this.#sealing;
    return reportSealing(this.#key, this.#session, receiver);
  }

  #become(receiver: string): void {
    if (receiver === this.#id) return;
    if (this.#id !== undefined) this.#retired.add(this.#id);
    if (this.#retired.size > MAX_RETIRED) {
      for (const first of this.#retired) {
        this.#retired.delete(first);
        break;
      }
    }
    this.#id = receiver;
  }
}
