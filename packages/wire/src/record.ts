// A record: one thing that was captured, as bytes. Encoding a record knows no datagram, so that record bytes can also
// stand in a file. Layout: docs/wire-protocol.md, "Record".

import { readU16, readU32, readU64, writeU16, writeU32, writeU64 } from './big-endian.ts';
import { readTotals } from './totals.ts';

/** What a record holds: a request, a response, or (with no payload of meaning) the end of a connection. */
export type RecordKind = 'request' | 'response' | 'connection-end';

/** One captured thing on its way from a sender to a receiver. */
export interface WireRecord {
  readonly kind: RecordKind;
  /** Time of capture in microseconds since the epoch, an integer up to 2^53 - 1. */
  readonly timestampUs: number;
  /** The connection's number, chosen by the sender and never used again in its session; up to 2^53 - 1. */
  readonly connection: number;
  /** The record's place on its connection, from 0, below 2^32. */
  readonly index: number;
  /** The bytes, opaque to the wire. As an argument they are copied; in a callback valid only until it returns. */
  readonly payload: Uint8Array;
}

/**
 * Why a datagram's records are refused: `empty` (none), `cut-record` (a record runs past the end of the datagram),
 * `bad-record` (a reserved bit set, a number above 2^53 - 1, or a previous record in a later datagram), `bad-totals` (the sender's totals make no sense).
 */
export type RecordReject = 'empty' | 'cut-record' | 'bad-record' | 'bad-totals';

/** Bytes of a record before its payload. */
export const RECORD_HEADER_BYTES = 36;

/** The numbers of the kinds on the wire; others are skipped by a receiver. */
export const KIND_NUMBER = { request: 1, response: 2, 'connection-end': 3, totals: 4 } as const;

const KIND_OF_NUMBER: readonly (RecordKind | undefined)[] = [undefined, 'request', 'response', 'connection-end'];

const FLAGS = 1;
const RESERVED = 2;
const PAYLOAD_LENGTH = 4;
const TIMESTAMP = 8;
const CONNECTION = 16;
const PREVIOUS_SEQUENCE = 24;
const INDEX = 32;

/** A record as bytes; `previousSequence` is 0 where no datagram is known. */
export function encodeRecord(record: WireRecord, previousSequence = 0): Uint8Array {
  const bytes = new Uint8Array(RECORD_HEADER_BYTES + record.payload.length);
  writeRecordHeader(bytes, 0, record, previousSequence);
  bytes.set(record.payload, RECORD_HEADER_BYTES);
  return bytes;
}

/** What writeRecordHeader takes: a record, or the sender's totals as one. */
export interface EncodableRecord extends Omit<WireRecord, 'kind'> {
  readonly kind: RecordKind | 'totals';
}

/** Writes what stands before a record's payload; `previous` is the sequence of the connection's previous record. */
export function writeRecordHeader(bytes: Uint8Array, at: number, record: EncodableRecord, previous: number): void {
  bytes[at] = KIND_NUMBER[record.kind];
  bytes[at + FLAGS] = 0;
  writeU16(bytes, at + RESERVED, 0);
  writeU32(bytes, at + PAYLOAD_LENGTH, record.payload.length);
  writeU64(bytes, at + TIMESTAMP, record.timestampUs);
  writeU64(bytes, at + CONNECTION, record.connection);
  writeU64(bytes, at + PREVIOUS_SEQUENCE, previous);
  writeU32(bytes, at + INDEX, record.index);
}

/**
 * Goes through all records from `at` to the end of the bytes: the number of requests among them, or the reason against.
 * `firstNumber` is the datagram's: totals that follow n requests in it must say that firstNumber - 1 + n were sent. `sequence` is
 * that of the datagram with the last byte: no previous sequence is above it.
 */
export function checkRecords(
  bytes: Uint8Array,
  at: number,
  firstNumber: number,
  sequence: number,
): number | RecordReject {
  if (at === bytes.length) return 'empty';
  let requests = 0;
  while (at < bytes.length) {
    if (bytes.length - at < RECORD_HEADER_BYTES) return 'cut-record';
    const end = recordEnd(bytes, at);
    if (end > bytes.length) return 'cut-record';
    if (bytes[at + FLAGS] !== 0 || readU16(bytes, at + RESERVED) !== 0 || !numbersFit(bytes, at, sequence))
      return 'bad-record';
    const kind = bytes[at]!;
    if (kind === KIND_NUMBER.request) requests++;
    if (kind === KIND_NUMBER.totals) {
      const totals = readTotals(recordPayload(bytes, at));
      if (totals === undefined || totals.sent !== firstNumber - 1 + requests) return 'bad-totals';
    }
    at = end;
  }
  return requests;
}

function numbersFit(bytes: Uint8Array, at: number, sequence: number): boolean {
  const previous = previousSequenceOf(bytes, at);
  return (
    readU64(bytes, at + TIMESTAMP) >= 0 && readU64(bytes, at + CONNECTION) >= 0 && previous >= 0 && previous <= sequence
  );
}

/** The place of the connection's previous record, of a record whose head is there; -1 where it is above 2^53 - 1. */
export function previousSequenceOf(bytes: Uint8Array, at: number): number {
  return readU64(bytes, at + PREVIOUS_SEQUENCE);
}

/** Where the record that starts at `at` ends. */
export function recordEnd(bytes: Uint8Array, at: number): number {
  return at + RECORD_HEADER_BYTES + readU32(bytes, at + PAYLOAD_LENGTH);
}

/** The payload of a record that checkRecords passed, as a view. */
export function recordPayload(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.subarray(at + RECORD_HEADER_BYTES, recordEnd(bytes, at));
}

/** Reads a record that checkRecords passed, its payload a view; undefined where its kind is not one to deliver. */
export function readRecord(bytes: Uint8Array, at: number): WireRecord | undefined {
  const kind = KIND_OF_NUMBER[bytes[at]!];
  if (kind === undefined) return undefined;
  return {
    kind,
    timestampUs: readU64(bytes, at + TIMESTAMP),
    connection: readU64(bytes, at + CONNECTION),
    index: readU32(bytes, at + INDEX),
    payload: recordPayload(bytes, at),
  };
}
