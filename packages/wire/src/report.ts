// What a receiver reports to a session's sender: how far it is, what is missing, what it has lost, how much waits.
// Layout and bounds: docs/wire-protocol.md, "Report".

import { readU16, readU32, readU64, writeU16, writeU32, writeU64 } from './big-endian.ts';
import { DATAGRAM_HEADER_BYTES } from './datagram.ts';

/** Sequences that did not come, in a row. */
export interface MissingRange {
  /** The first of them. */
  readonly first: number;
  /** How many, at least one. */
  readonly count: number;
}

/** A report's body. */
export interface Report {
  /** Whether the receiver has heard totals of this session that name it, see `SessionStart`. */
  readonly isConfirmed: boolean;
  /** The highest sequence that came; 0 for none. */
  readonly highest: number;
  /** Request records delivered. */
  readonly received: number;
  /** Request records neither delivered nor expected any more; an estimate while datagrams are missing. */
  readonly lost: number;
  /** Requests that whoever runs the receiver has not finished with: its backlog. At most 2^32 - 1. */
  readonly backlog: number;
  /** What is to be sent again, rising, without overlaps. */
  readonly missing: readonly MissingRange[];
}

/** Bytes of a report's datagram before its ranges, without what sealing adds. */
export const REPORT_BYTES = DATAGRAM_HEADER_BYTES + 32;
/** Bytes of one range. */
export const RANGE_BYTES = 12;
/** So many ranges fit into a report of 1,200 bytes, sealed or not. */
export const MAX_RANGES = 90;

const FLAG_CONFIRMED = 1;

const RANGE_COUNT = DATAGRAM_HEADER_BYTES + 2;
const HIGHEST = DATAGRAM_HEADER_BYTES + 4;
const RECEIVED = DATAGRAM_HEADER_BYTES + 12;
const LOST = DATAGRAM_HEADER_BYTES + 20;
const BACKLOG = DATAGRAM_HEADER_BYTES + 28;

/** Writes a report's body behind its header; the bytes are REPORT_BYTES, RANGE_BYTES for each range, and what sealing adds. */
export function writeReport(bytes: Uint8Array, report: Report): void {
  bytes[DATAGRAM_HEADER_BYTES] = report.isConfirmed ? FLAG_CONFIRMED : 0;
  bytes[DATAGRAM_HEADER_BYTES + 1] = 0;
  writeU16(bytes, RANGE_COUNT, report.missing.length);
  writeU64(bytes, HIGHEST, report.highest);
  writeU64(bytes, RECEIVED, report.received);
  writeU64(bytes, LOST, report.lost);
  writeU32(bytes, BACKLOG, report.backlog);
  let at = REPORT_BYTES;
  for (const { first, count } of report.missing) {
    writeU64(bytes, at, first);
    writeU32(bytes, at + 8, count);
    at += RANGE_BYTES;
  }
}

/** Reads a datagram whose header readReportHeader passed; undefined where it does not follow the layout to its last byte. */
export function readReport(bytes: Uint8Array): Report | undefined {
  if (bytes.length < REPORT_BYTES) return undefined;
  const flags = bytes[DATAGRAM_HEADER_BYTES]!;
  const rangeCount = readU16(bytes, RANGE_COUNT);
  if (flags > FLAG_CONFIRMED || bytes[DATAGRAM_HEADER_BYTES + 1] !== 0) return undefined;
  if (rangeCount > MAX_RANGES || bytes.length !== REPORT_BYTES + rangeCount * RANGE_BYTES) return undefined;
  const highest = readU64(bytes, HIGHEST);
  const received = readU64(bytes, RECEIVED);
  const lost = readU64(bytes, LOST);
  const missing = readRanges(bytes, highest);
  if (highest < 0 || received < 0 || lost < 0 || missing === undefined) return undefined;
  return { isConfirmed: flags === FLAG_CONFIRMED, highest, received, lost, backlog: readU32(bytes, BACKLOG), missing };
}

/** Rising ranges below the highest sequence, or undefined. */
function readRanges(bytes: Uint8Array, highest: number): MissingRange[] | undefined {
  const missing: MissingRange[] = [];
  let after = 1;
  for (let at = REPORT_BYTES; at < bytes.length; at += RANGE_BYTES) {
    const first = readU64(bytes, at);
    const count = readU32(bytes, at + 8);
    if (first < after || count === 0 || first + count > highest) return undefined;
    missing.push({ first, count });
    after = first + count;
  }
  return missing;
}
