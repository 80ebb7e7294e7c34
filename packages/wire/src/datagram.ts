// A datagram's header, and the head of a fragment. Layouts: docs/wire-protocol.md, "Datagram" and "Fragment".

import { readU16, readU32, readU64, writeU16, writeU32, writeU64 } from './big-endian.ts';
import { KIND_NUMBER, RECORD_HEADER_BYTES } from './record.ts';

/**
 * Why a datagram is refused by its header: `too-short`, `wrong-magic` (not ours), `unknown-version`, `unknown-flag`
 * (a flag or reserved bit that version 1 does not know), `wrong-way` (a report where records are expected, or the other
 * way round), `bad-number` (0, or above 2^53 - 1).
 */
export type HeaderReject =
  | 'too-short'
  | 'wrong-magic'
  | 'unknown-version'
  | 'unknown-flag'
  | 'wrong-way'
  | 'bad-number';

/** Bytes of a datagram before its records or its fragment. */
export const DATAGRAM_HEADER_BYTES = 32;
/** Bytes of a fragment before its piece of the record. */
export const FRAGMENT_HEADER_BYTES = 16;
/** More records than this do not fit into the largest datagram. */
export const MAX_RECORDS_IN_DATAGRAM = 2048;

const VERSION = 1;
const FLAG_FRAGMENT = 1;
const FLAG_REPORT = 2;

const VERSION_AT = 3;
const FLAGS_AT = 4;
const RESERVED_AT = 5;
const KEY_ID_AT = 6;
const SESSION_AT = 8;
/** Where the sequence stands, 8 bytes. */
export const SEQUENCE_AT = 16;
const NUMBER_AT = 24;
const RECEIVER_AT = 24;

/** What stands in the header of both directions, besides magic, version and flags. */
interface CommonHeader {
  /** 0: plaintext. */
  readonly keyId: number;
  readonly sessionHigh: number;
  readonly sessionLow: number;
  /** Of the sender's datagrams in the session, or of the receiver's reports to all sessions. */
  readonly sequence: number;
}

/** The header of what a sender sends. */
export interface DatagramHeader extends CommonHeader {
  readonly isFragment: boolean;
  readonly firstNumber: number;
}

/** The header of what a receiver reports. */
export interface ReportHeader extends CommonHeader {
  /** The receiver's id. */
  readonly receiverHigh: number;
  readonly receiverLow: number;
}

/** Writes a sender's header, its magic and version too. */
export function writeHeader(bytes: Uint8Array, header: DatagramHeader): void {
  writeCommon(bytes, header, header.isFragment ? FLAG_FRAGMENT : 0);
  writeU64(bytes, NUMBER_AT, header.firstNumber);
}

/** Writes a report's header, its magic and version too. */
export function writeReportHeader(bytes: Uint8Array, header: ReportHeader): void {
  writeCommon(bytes, header, FLAG_REPORT);
  writeU32(bytes, RECEIVER_AT, header.receiverHigh);
  writeU32(bytes, RECEIVER_AT + 4, header.receiverLow);
}

function writeCommon(bytes: Uint8Array, header: CommonHeader, flags: number): void {
  bytes[0] = 0x47; // G
  bytes[1] = 0x6f; // o
  bytes[2] = 0x72; // r
  bytes[VERSION_AT] = VERSION;
  bytes[FLAGS_AT] = flags;
  bytes[RESERVED_AT] = 0;
  writeU16(bytes, KEY_ID_AT, header.keyId);
  writeU32(bytes, SESSION_AT, header.sessionHigh);
  writeU32(bytes, SESSION_AT + 4, header.sessionLow);
  writeU64(bytes, SEQUENCE_AT, header.sequence);
}

/** Reads and checks the header of what a sender sends. */
export function readHeader(bytes: Uint8Array): DatagramHeader | HeaderReject {
  const reason = checkCommon(bytes);
  if (reason !== undefined) return reason;
  const flags = bytes[FLAGS_AT]!;
  if (flags === FLAG_REPORT) return 'wrong-way';
  const firstNumber = readU64(bytes, NUMBER_AT);
  if (firstNumber < 1) return 'bad-number';
  // In one literal: spreading what both directions have in common took three times as long as all the rest.
  return {
    keyId: readU16(bytes, KEY_ID_AT),
    sessionHigh: readU32(bytes, SESSION_AT),
    sessionLow: readU32(bytes, SESSION_AT + 4),
    sequence: readU64(bytes, SEQUENCE_AT),
    isFragment: flags === FLAG_FRAGMENT,
    firstNumber,
  };
}

/** Reads and checks the header of a report. */
export function readReportHeader(bytes: Uint8Array): ReportHeader | HeaderReject {
  const reason = checkCommon(bytes);
  if (reason !== undefined) return reason;
  if (bytes[FLAGS_AT] !== FLAG_REPORT) return 'wrong-way';
  const [receiverHigh, receiverLow] = [readU32(bytes, RECEIVER_AT), readU32(bytes, RECEIVER_AT + 4)];
  if (receiverHigh === 0 && receiverLow === 0) return 'bad-number';
  return {
    keyId: readU16(bytes, KEY_ID_AT),
    sessionHigh: readU32(bytes, SESSION_AT),
    sessionLow: readU32(bytes, SESSION_AT + 4),
    sequence: readU64(bytes, SEQUENCE_AT),
    receiverHigh,
    receiverLow,
  };
}

function checkCommon(bytes: Uint8Array): HeaderReject | undefined {
  if (bytes.length < DATAGRAM_HEADER_BYTES) return 'too-short';
  if (bytes[0] !== 0x47 || bytes[1] !== 0x6f || bytes[2] !== 0x72) return 'wrong-magic';
  if (bytes[VERSION_AT] !== VERSION) return 'unknown-version';
  if (bytes[FLAGS_AT]! > FLAG_REPORT || bytes[RESERVED_AT] !== 0) return 'unknown-flag';
  return readU64(bytes, SEQUENCE_AT) < 1 ? 'bad-number' : undefined;
}

/** Whether a datagram of ours holds a fragment. */
export function isFragment(datagram: Uint8Array): boolean {
  return datagram[FLAGS_AT] === FLAG_FRAGMENT;
}

/** The sequence of a datagram of ours. */
export function sequenceOf(datagram: Uint8Array): number {
  return readU64(datagram, SEQUENCE_AT);
}

/** The first number of a datagram of ours. */
export function firstNumberOf(datagram: Uint8Array): number {
  return readU64(datagram, NUMBER_AT);
}

/** One piece of an encoded record. All pieces of a record but its last are of one length, `pieceBytes`. */
export interface Fragment {
  readonly recordBytes: number;
  readonly offset: number;
  /** Place among the record's fragments, from 0; they stand in datagrams of consecutive sequences. */
  readonly index: number;
  readonly isRequest: boolean;
  readonly pieceBytes: number;
  /** A view of the datagram. */
  readonly piece: Uint8Array;
}

/** Writes what stands between a datagram's header and a piece. */
export function writeFragmentHeader(
  bytes: Uint8Array,
  recordBytes: number,
  offset: number,
  index: number,
  isRequest: boolean,
): void {
  const at = DATAGRAM_HEADER_BYTES;
  writeU32(bytes, at, recordBytes);
  writeU32(bytes, at + 4, offset);
  writeU32(bytes, at + 8, index);
  bytes[at + 12] = isRequest ? KIND_NUMBER.request : 0;
  bytes[at + 13] = 0;
  writeU16(bytes, at + 14, 0);
}

/** Reads and checks a fragment by itself; undefined where its numbers do not fit together. */
export function readFragment(bytes: Uint8Array, sequence: number): Fragment | undefined {
  const at = DATAGRAM_HEADER_BYTES;
  const piece = bytes.subarray(at + FRAGMENT_HEADER_BYTES);
  if (piece.length === 0) return undefined;
  const recordBytes = readU32(bytes, at);
  const offset = readU32(bytes, at + 4);
  const index = readU32(bytes, at + 8);
  const kind = bytes[at + 12]!;
  if (kind > KIND_NUMBER.request || bytes[at + 13] !== 0 || readU16(bytes, at + 14) !== 0) return undefined;
  const pieceBytes = index === 0 ? piece.length : offset / index;
  const isLast = offset + piece.length === recordBytes;
  const fits =
    recordBytes > RECORD_HEADER_BYTES &&
    index < sequence &&
    index * pieceBytes === offset &&
    Number.isInteger(pieceBytes) &&
    (isLast
      ? index > 0 && piece.length <= pieceBytes
      : piece.length === pieceBytes && offset + piece.length < recordBytes);
  return fits ? { recordBytes, offset, index, isRequest: kind === KIND_NUMBER.request, pieceBytes, piece } : undefined;
}
