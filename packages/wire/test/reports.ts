// Reports as a receiver would send them, for the tests of the sending side.

import { writeReportHeader } from '../src/datagram.ts';
import { idHalves } from '../src/ids.ts';
import { RANGE_BYTES, REPORT_BYTES, type Report, writeReport } from '../src/report.ts';
import { plaintext, reportSealing, type WireKey } from '../src/sealing.ts';
import { SESSION } from './exchange.ts';

export const RECEIVER = 'ffeeddccbbaa9988';

/** What stands in a report, with defaults where the case does not care. */
export interface ReportCase extends Partial<Report> {
  readonly session?: string;
  readonly receiver?: string;
  /** Of the report; default 1. */
  readonly sequence?: number;
  readonly key?: WireKey | undefined;
  /** In the header, instead of the key's. */
  readonly keyId?: number;
}

/** A report as a datagram. */
export function reportOf(over: ReportCase): Uint8Array {
  const { session = SESSION, receiver = RECEIVER, sequence = 1, key, keyId } = over;
  const report: Report = {
    ...{ isConfirmed: true, highest: 0, received: 0, lost: 0, backlog: 0, missing: [] },
    ...over,
  };
  const sealing = key === undefined ? plaintext : reportSealing(key, session, receiver);
  const bytes = new Uint8Array(REPORT_BYTES + report.missing.length * RANGE_BYTES + sealing.overheadBytes);
  const { high: sessionHigh, low: sessionLow } = idHalves('session', session);
  const { high: receiverHigh, low: receiverLow } = idHalves('receiver', receiver);
  writeReportHeader(bytes, {
    ...{ keyId: keyId ?? sealing.keyId, sessionHigh, sessionLow, sequence, receiverHigh, receiverLow },
  });
  writeReport(bytes, report);
  sealing.seal(bytes);
  return bytes;
}

/** Ranges of missing sequences, one for each. */
export function missing(...sequences: number[]): { first: number; count: number }[] {
  return sequences.map((first) => ({ first, count: 1 }));
}
