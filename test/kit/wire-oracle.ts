// A second decoder of the wire, written from docs/wire-protocol.md alone: plain, slow and strict, it shares nothing with
// packages/wire but the page. What does not follow the page throws an Error that names the rule.
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';

const HEADER_BYTES = 32;
const RECORD_BYTES = 36;
const TAG_BYTES = 16;

function demand(holds: boolean, rule: string): asserts holds {
  if (!holds) throw new Error(`not as the page says: ${rule}`);
}

/** Reads one number after the other. */
class Cursor {
  at = 0;
  readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
  get left(): number {
    return this.bytes.length - this.at;
  }
  take(length: number): Uint8Array {
    demand(length <= this.left, `${length} bytes at ${this.at}`);
    this.at += length;
    return this.bytes.slice(this.at - length, this.at);
  }
  hex(length: number): string {
    return Buffer.from(this.take(length)).toString('hex');
  }
  u(bits: number): number {
    const value = BigInt(`0x${this.hex(bits / 8)}`);
    demand(value < 2n ** 53n, 'a u64 is at most 2^53 - 1');
    return Number(value);
  }
  zero(bits: number): void {
    demand(this.u(bits) === 0, `reserved bytes before ${this.at} are 0`);
  }
}

const derived = (key: Uint8Array, hexSalt: string, info: string, length: number): Buffer =>
  Buffer.from(hkdfSync('sha256', key, Buffer.from(hexSalt, 'hex'), `gor wire 1 ${info}`, length));

export const oracleKeyId = (key: Uint8Array): number => derived(key, '', 'key id', 2).readUInt16BE() || 1;

/** The key that seals a session's records; with a receiver's id, that of its reports. */
export const oracleSealingKey = (key: Uint8Array, session: string, receiver = ''): Buffer =>
  derived(key, session + receiver, receiver === '' ? 'records' : 'reports', 32);

/** A datagram's header. `firstNumber` is that of records, `receiver` that of a report. */
export function oracleHeader(datagram: Uint8Array) {
  const cursor = new Cursor(datagram);
  demand(cursor.hex(4) === '476f7201', 'magic and version');
  const flags = cursor.u(8);
  demand(flags <= 2, 'flags are fragment or report, not both');
  cursor.zero(8);
  const [keyId, session, sequence] = [cursor.u(16), cursor.hex(8), cursor.u(64)];
  const isReport = flags === 2;
  const [firstNumber, receiver] = isReport ? [0, cursor.hex(8)] : [cursor.u(64), ''];
  demand(sequence > 0 && (isReport ? /[^0]/.test(receiver) : firstNumber > 0), 'all count from 1, no receiver is 0');
  return { isFragment: flags === 1, isReport, keyId, session, sequence, firstNumber, receiver };
}

function sealingInput(datagram: Uint8Array, key: Uint8Array): [key: Buffer, nonce: Uint8Array, header: Uint8Array] {
  const { session, receiver } = oracleHeader(datagram);
  const nonce = Uint8Array.of(0, 0, 0, 0, ...datagram.subarray(16, 24));
  return [oracleSealingKey(key, session, receiver), nonce, datagram.subarray(0, HEADER_BYTES)];
}

/** A plaintext datagram, sealed: its key id set, what follows the header encrypted, the tag behind it. */
export function oracleSeal(plain: Uint8Array, key: Uint8Array): Uint8Array {
  const datagram = plain.slice();
  new DataView(datagram.buffer).setUint16(6, oracleKeyId(key));
  const [sealingKey, nonce, header] = sealingInput(datagram, key);
  const cipher = createCipheriv('aes-256-gcm', sealingKey, nonce).setAAD(header);
  const body = [cipher.update(datagram.subarray(HEADER_BYTES)), cipher.final()];
  return new Uint8Array(Buffer.concat([header, ...body, cipher.getAuthTag()]));
}

/** Header and, as a cursor, what follows it in plaintext; opened where there is a key. */
function opened(datagram: Uint8Array, key: Uint8Array | undefined) {
  const header = oracleHeader(datagram);
  demand(header.keyId === (key === undefined ? 0 : oracleKeyId(key)), 'key id');
  if (key === undefined) return { ...header, body: new Cursor(datagram.slice(HEADER_BYTES)) };
  const [sealingKey, nonce, aad] = sealingInput(datagram, key);
  const decipher = createDecipheriv('aes-256-gcm', sealingKey, nonce).setAAD(aad);
  decipher.setAuthTag(datagram.subarray(-TAG_BYTES));
  const body = decipher.update(datagram.subarray(HEADER_BYTES, -TAG_BYTES));
  decipher.final();
  return { ...header, body: new Cursor(new Uint8Array(body)) };
}

/** One record; that of totals is read by `oracleTotals`. */
function readRecord(cursor: Cursor) {
  const kind = cursor.u(8);
  cursor.zero(24);
  const length = cursor.u(32);
  const [timestampUs, connection, previousSequence] = [cursor.u(64), cursor.u(64), cursor.u(64)];
  const index = cursor.u(32);
  demand(kind >= 1 && kind <= 4, 'a known kind');
  demand(kind !== 3 || length === 0, 'the end of a connection is empty');
  demand(kind !== 4 || (connection === 0 && index === 0), 'totals have no connection and no index');
  return { kind, timestampUs, connection, previousSequence, index, payload: cursor.take(length) };
}

/** A fragment's numbers, and its piece. */
function readFragment(cursor: Cursor) {
  const [recordBytes, offset, index, kind] = [cursor.u(32), cursor.u(32), cursor.u(32), cursor.u(8)];
  cursor.zero(24);
  return { recordBytes, offset, index, kind, piece: cursor.take(cursor.left) };
}

/** All datagrams of a session, in any order but each once: records and totals in the order in which they were sent. */
export function oracleReading(datagrams: Iterable<Uint8Array>, key?: Uint8Array) {
  const all = [...datagrams].map((each) => opened(each, key)).sort((a, b) => a.sequence - b.sequence);
  const records: (ReturnType<typeof readRecord> & { number: number | undefined; sequence: number })[] = [];
  const totals: ReturnType<typeof oracleTotals>[] = [];
  let number = all[0]?.firstNumber ?? 1;
  const add = (cursor: Cursor, sequence: number, firstSequence: number): number => {
    const record = readRecord(cursor);
    demand(record.previousSequence <= firstSequence, 'a previous sequence is never a later one');
    if (record.kind === 4) {
      totals.push(oracleTotals(record.payload));
      demand(totals.at(-1)!.sent === number - 1, 'sent is the number of the next request less one');
    } else {
      records.push({ ...record, number: record.kind === 1 ? number++ : undefined, sequence });
    }
    return record.kind;
  };
  let fragments: ReturnType<typeof readFragment>[] = [];
  for (const [place, { isFragment, isReport, session, sequence, firstNumber, body }] of all.entries()) {
    demand(session === all[0]!.session && sequence === all[0]!.sequence + place, 'one session, each sequence once');
    demand(!isReport && body.left > 0, 'no report, not empty');
    demand(firstNumber === number, 'requests are numbered without holes');
    demand(isFragment || fragments.length === 0, 'the datagrams of a fragmented record are consecutive');
    while (!isFragment && body.left > 0) add(body, sequence, sequence);
    if (!isFragment) continue;
    fragments.push(readFragment(body));
    const whole = joined(fragments);
    if (whole === undefined) continue;
    const kind = add(whole, sequence, sequence - fragments.length + 1);
    demand(whole.left === 0 && kind !== 4, 'fragments hold one record, and no totals');
    demand(fragments[0]!.kind === (kind === 1 ? 1 : 0), 'the kind of a fragment is 1 for a request, else 0');
    fragments = [];
  }
  demand(fragments.length === 0, 'the last record is complete');
  return { records, totals };
}

/** The record of fragments that came in a row, undefined before the last of them. */
function joined(fragments: readonly ReturnType<typeof readFragment>[]): Cursor | undefined {
  const [first, last] = [fragments[0]!, fragments.at(-1)!];
  const end = last.offset + last.piece.length;
  demand(last.index === fragments.length - 1, 'pieces are counted from 0');
  demand(last.offset === last.index * first.piece.length, 'offset is index times the length of a piece');
  demand(last.recordBytes === first.recordBytes && last.kind === first.kind, 'all pieces say the same of the record');
  demand(first.piece.length >= RECORD_BYTES, "the first piece holds the record's header");
  demand(last.piece.length > 0 && last.piece.length < last.recordBytes, 'a piece is not empty, and not all');
  if (end < last.recordBytes) {
    demand(last.piece.length === first.piece.length, 'all pieces but the last have one length');
    return undefined;
  }
  demand(end === last.recordBytes && last.piece.length <= first.piece.length, 'the last piece ends the record');
  return new Cursor(new Uint8Array(Buffer.concat(fragments.map(({ piece }) => piece))));
}

/** The payload of a record of the sender's totals. */
export function oracleTotals(payload: Uint8Array) {
  const cursor = new Cursor(payload);
  const [flags, reasons] = [cursor.u(8), cursor.u(8)];
  cursor.zero(16);
  demand(flags <= 3 && reasons <= 20, 'two flags, twenty reasons');
  const [captured, sent, bytes, drops] = [cursor.u(64), cursor.u(64), cursor.u(64), cursor.u(64)];
  const [receiver, sequence, number, resendFrom] = [cursor.hex(8), cursor.u(64), cursor.u(64), cursor.u(64)];
  const isKnown = /[^0]/.test(receiver);
  demand(isKnown === sequence > 0 && isKnown === number > 0, 'receiver and start are known together');
  demand((flags & 2) === 2 || drops === 0, 'kernel drops that are not known are 0');
  const dropped: Record<string, number> = {};
  for (let count = 0; count < reasons; count++) {
    const name = Buffer.from(cursor.take(cursor.u(8))).toString('latin1');
    demand(/^[a-z0-9.-]{1,40}$/.test(name) && !Object.hasOwn(dropped, name), `the reason ${JSON.stringify(name)}`);
    dropped[name] = cursor.u(64);
  }
  demand(cursor.left === 0, 'totals end with their last reason');
  const start = isKnown ? { receiver, sequence, number } : undefined;
  const kernelDrops = (flags & 2) === 2 ? drops : undefined;
  return { captured, sent, bytes, kernelDrops, final: (flags & 1) === 1, start, resendFrom, dropped };
}

/** A report, opened where there is a key. */
export function oracleReport(datagram: Uint8Array, key?: Uint8Array) {
  const { isReport, session, sequence, receiver, body } = opened(datagram, key);
  const flags = body.u(8);
  body.zero(8);
  const rangeCount = body.u(16);
  demand(isReport && flags <= 1 && rangeCount <= 90, 'a report has one flag, and ninety ranges at most');
  const [highestSequence, received, lost, backlog] = [body.u(64), body.u(64), body.u(64), body.u(32)];
  const ranges: { first: number; count: number }[] = [];
  for (let next = 1; ranges.length < rangeCount; ) {
    const [first, count] = [body.u(64), body.u(32)];
    demand(first >= next && count >= 1 && first + count <= highestSequence, 'ranges rise, all below the highest');
    ranges.push({ first, count });
    next = first + count;
  }
  demand(body.left === 0, 'a report ends with its last range');
  return { session, sequence, receiver, isConfirmed: flags === 1, highestSequence, received, lost, backlog, ranges };
}
