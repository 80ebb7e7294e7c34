// A second decoder of the wire, written from docs/wire-protocol.md alone: plain and slow, by DataView and BigInt, and it
// shares nothing with packages/wire but the page. What does not follow the page throws an Error that names the rule.
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';

export interface OracleHeader {
  readonly flags: number;
  readonly keyId: number;
  readonly session: string;
  readonly sequence: number;
  /** The first number; in a report the receiver's id stands in its place, see `receiver`. */
  readonly firstNumber: number;
  readonly receiver: string;
}

export interface OracleRecord {
  /** 1 request, 2 response, 3 connection end. */
  readonly kind: number;
  readonly timestampUs: number;
  readonly connection: number;
  readonly previousSequence: number;
  readonly index: number;
  readonly payload: Uint8Array;
  /** Of a request. */
  readonly number: number | undefined;
  /** Of the datagram with its last byte. */
  readonly sequence: number;
}

const HEADER_BYTES = 32;
const RECORD_BYTES = 36;
const TAG_BYTES = 16;

function demand(holds: boolean, rule: string): asserts holds {
  if (!holds) throw new Error(`not as the page says: ${rule}`);
}

/** Reads numbers in their order. */
class Cursor {
  readonly bytes: Uint8Array;
  at: number;
  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }
  take(length: number): Uint8Array {
    demand(this.at + length <= this.bytes.length, `${length} bytes at ${this.at}`);
    this.at += length;
    return this.bytes.slice(this.at - length, this.at);
  }
  number(length: number): number {
    const value = BigInt(`0x${this.hex(length)}`);
    demand(value <= 2n ** 53n - 1n, 'a u64 is at most 2^53 - 1');
    return Number(value);
  }
  hex(length: number): string {
    return Buffer.from(this.take(length)).toString('hex');
  }
  zero(length: number): void {
    demand(this.number(length) === 0, `reserved at ${this.at}`);
  }
}

const derived = (key: Uint8Array, salt: Uint8Array, info: string, length: number): Buffer =>
  Buffer.from(hkdfSync('sha256', key, salt, `gor wire 1 ${info}`, length));

export function oracleKeyId(key: Uint8Array): number {
  return derived(key, new Uint8Array(0), 'key id', 2).readUInt16BE() || 1;
}

/** The key that seals a session's records; with a receiver's id, that of its reports. */
export function oracleSealingKey(key: Uint8Array, session: string, receiver?: string): Buffer {
  return derived(
    key,
    Buffer.from(session + (receiver ?? ''), 'hex'),
    receiver === undefined ? 'records' : 'reports',
    32,
  );
}

function cipherInput(datagram: Uint8Array, key: Uint8Array): [key: Buffer, nonce: Uint8Array, header: Uint8Array] {
  const { flags, session, receiver } = oracleHeader(datagram);
  const nonce = new Uint8Array(12);
  nonce.set(datagram.subarray(16, 24), 4);
  return [oracleSealingKey(key, session, flags === 2 ? receiver : undefined), nonce, datagram.slice(0, HEADER_BYTES)];
}

/** A plaintext datagram, or what claims to be one, sealed: its key id set, its body encrypted, the tag behind it. */
export function oracleSeal(plain: Uint8Array, key: Uint8Array): Uint8Array {
  const datagram = plain.slice();
  new DataView(datagram.buffer).setUint16(6, oracleKeyId(key));
  const [sealingKey, nonce, header] = cipherInput(datagram, key);
  const cipher = createCipheriv('aes-256-gcm', sealingKey, nonce).setAAD(header);
  const body = [cipher.update(datagram.subarray(HEADER_BYTES)), cipher.final()];
  return new Uint8Array(Buffer.concat([header, ...body, cipher.getAuthTag()]));
}

export function oracleHeader(datagram: Uint8Array): OracleHeader {
  const cursor = new Cursor(datagram);
  demand(cursor.hex(4) === '476f7201', 'magic and version');
  const flags = cursor.number(1);
  demand(flags <= 2, 'flags are fragment or report, not both');
  cursor.zero(1);
  const [keyId, session, sequence] = [cursor.number(2), cursor.hex(8), cursor.number(8)];
  const receiver = Buffer.from(datagram.subarray(24, HEADER_BYTES)).toString('hex');
  demand(sequence >= 1 && (flags !== 2 || /[^0]/.test(receiver)), 'sequences count from 1, a receiver is not 0');
  return { flags, keyId, session, sequence, firstNumber: flags === 2 ? 0 : cursor.number(8), receiver };
}

/** Header and body in the clear; a cursor on the latter. Opened with the key, or plaintext where there is none. */
function opened(datagram: Uint8Array, key: Uint8Array | undefined): OracleHeader & { readonly cursor: Cursor } {
  const header = oracleHeader(datagram);
  demand(header.keyId === (key === undefined ? 0 : oracleKeyId(key)), 'key id');
  if (key === undefined) return { ...header, cursor: new Cursor(datagram.slice(HEADER_BYTES)) };
  const [sealingKey, nonce, aad] = cipherInput(datagram, key);
  const decipher = createDecipheriv('aes-256-gcm', sealingKey, nonce).setAAD(aad);
  decipher.setAuthTag(datagram.subarray(-TAG_BYTES));
  const body = decipher.update(datagram.subarray(HEADER_BYTES, -TAG_BYTES));
  decipher.final();
  return { ...header, cursor: new Cursor(new Uint8Array(body)) };
}

/** What a sender sent, its datagrams in any order but each once; sequences without holes. */
export function oracleReading(datagrams: Iterable<Uint8Array>, key?: Uint8Array): OracleReading {
  const reading = new OracleReading();
  const all = [...datagrams].map((each) => opened(each, key)).sort((a, b) => a.sequence - b.sequence);
  for (const [place, each] of all.entries()) {
    demand(
      each.session === all[0]!.session && each.sequence === all[0]!.sequence + place,
      'one session, each sequence',
    );
    reading.read(each, each.cursor);
  }
  return reading;
}

interface Fragment {
  readonly first: number;
  readonly recordBytes: number;
  readonly pieceBytes: number;
  readonly kind: number;
  readonly firstNumber: number;
  readonly pieces: Uint8Array[];
}

/** Everything that the datagrams of a session held, in their order. */
export class OracleReading {
  readonly records: OracleRecord[] = [];
  readonly totals: OracleTotals[] = [];
  /** The number that the next request must have; undefined before the first datagram. */
  nextNumber: number | undefined;
  #fragments: Fragment | undefined;

  read({ flags, sequence, firstNumber }: OracleHeader, cursor: Cursor): void {
    this.nextNumber ??= firstNumber;
    demand(flags !== 2, 'a report goes the other way');
    demand(cursor.at < cursor.bytes.length, 'a datagram holds something');
    if (flags === 1) return this.#readFragment(sequence, firstNumber, cursor);
    demand(firstNumber === this.nextNumber, 'requests are numbered without holes');
    demand(this.#fragments === undefined, 'the datagrams of a fragmented record are consecutive');
    while (cursor.at < cursor.bytes.length) this.#readRecord(cursor, sequence);
  }

  #readRecord(cursor: Cursor, sequence: number, firstSequence = sequence): number {
    const kind = cursor.number(1);
    cursor.zero(3);
    const length = cursor.number(4);
    const [timestampUs, connection] = [cursor.number(8), cursor.number(8)];
    const [previousSequence, index, payload] = [cursor.number(8), cursor.number(4), cursor.take(length)];
    demand(kind >= 1 && kind <= 4, 'a known kind');
    demand(previousSequence <= firstSequence, 'a previous sequence is never a later one');
    demand(kind !== 3 || length === 0, 'the end of a connection is empty');
    demand(kind !== 4 || (connection === 0 && index === 0), 'totals have no connection and no index');
    if (kind === 4) {
      this.totals.push(oracleTotals(payload));
      demand(this.totals.at(-1)!.sent === this.nextNumber! - 1, 'sent is the number of the next request less one');
      return kind;
    }
    const number = kind === 1 ? this.nextNumber!++ : undefined;
    this.records.push({ kind, timestampUs, connection, previousSequence, index, payload, number, sequence });
    return kind;
  }

  #readFragment(sequence: number, firstNumber: number, cursor: Cursor): void {
    const [recordBytes, offset, index, kind] = [cursor.number(4), cursor.number(4), cursor.number(4), cursor.number(1)];
    cursor.zero(3);
    const piece = cursor.take(cursor.bytes.length - cursor.at);
    if (index === 0) this.#begin(sequence, firstNumber, recordBytes, piece.length, kind);
    const fragments = this.#fragments;
    demand(fragments !== undefined && fragments.first === sequence - index, 'pieces follow each other');
    demand(fragments.recordBytes === recordBytes && fragments.kind === kind, 'all pieces say the same of the record');
    demand(fragments.firstNumber === firstNumber, 'all pieces say the same of the number');
    demand(offset === index * fragments.pieceBytes && offset + piece.length <= recordBytes, 'pieces fit together');
    demand(piece.length > 0 && piece.length < recordBytes, 'a piece is not empty, and not all');
    const isLast = offset + piece.length === recordBytes;
    demand(isLast || piece.length === fragments.pieceBytes, 'all pieces but the last have one length');
    fragments.pieces.push(piece);
    if (!isLast) return;
    this.#fragments = undefined;
    const whole = new Cursor(new Uint8Array(Buffer.concat(fragments.pieces)));
    const isRequest = this.#readRecord(whole, sequence, fragments.first) === 1;
    demand(whole.at === recordBytes && isRequest === (kind === 1), 'a fragmented record is one, of the kind it says');
    demand(this.records.at(-1)?.sequence === sequence, 'totals never travel in fragments');
  }

  #begin(first: number, firstNumber: number, recordBytes: number, pieceBytes: number, kind: number): void {
    demand(this.#fragments === undefined, 'a record is complete before the next one');
    demand(kind <= 1, 'the kind of a fragment is 0 or 1');
    demand(firstNumber === this.nextNumber, 'requests are numbered without holes');
    demand(pieceBytes >= RECORD_BYTES, "the first piece holds the record's header");
    this.#fragments = { first, recordBytes, pieceBytes, kind, firstNumber, pieces: [] };
  }
}

export type OracleTotals = ReturnType<typeof oracleTotals>;

/** The payload of a record of the sender's totals. */
export function oracleTotals(payload: Uint8Array) {
  const cursor = new Cursor(payload);
  const [flags, reasons] = [cursor.number(1), cursor.number(1)];
  cursor.zero(2);
  demand(flags <= 3 && reasons <= 20, 'two flags, twenty reasons');
  const [captured, sent, bytes, kernelDrops] = [cursor.number(8), cursor.number(8), cursor.number(8), cursor.number(8)];
  const [receiver, startSequence, startNumber] = [cursor.hex(8), cursor.number(8), cursor.number(8)];
  const resendFrom = cursor.number(8);
  const isKnown = [/[^0]/.test(receiver), startSequence > 0, startNumber > 0];
  demand(new Set(isKnown).size === 1, 'receiver and start are known together');
  demand((flags & 2) === 2 || kernelDrops === 0, 'kernel drops that are not known are 0');
  const dropped: Record<string, number> = {};
  for (let count = 0; count < reasons; count++) {
    const name = Buffer.from(cursor.take(cursor.number(1))).toString('latin1');
    demand(/^[a-z0-9.-]{1,40}$/.test(name) && !Object.hasOwn(dropped, name), `the name ${JSON.stringify(name)}`);
    dropped[name] = cursor.number(8);
  }
  demand(cursor.at === payload.length, 'totals end with their last reason');
  const start = isKnown[0] ? { receiver, sequence: startSequence, number: startNumber } : undefined;
  const counts = { captured, sent, bytes, kernelDrops: (flags & 2) === 2 ? kernelDrops : undefined };
  return { ...counts, final: (flags & 1) === 1, start, resendFrom, dropped };
}

/** A report, opened with the key, or plaintext where there is none. */
export function oracleReport(datagram: Uint8Array, key?: Uint8Array) {
  const { flags, session, sequence, receiver, cursor } = opened(datagram, key);
  demand(flags === 2, 'a report has the flag of one');
  const reportFlags = cursor.number(1);
  cursor.zero(1);
  const rangeCount = cursor.number(2);
  demand(reportFlags <= 1 && rangeCount <= 90, 'one flag, ninety ranges');
  const [highestSequence, received, lost, backlog] = [
    cursor.number(8),
    cursor.number(8),
    cursor.number(8),
    cursor.number(4),
  ];
  const ranges: { first: number; count: number }[] = [];
  for (let next = 0; ranges.length < rangeCount; next = ranges.at(-1)!.first + ranges.at(-1)!.count) {
    const [first, count] = [cursor.number(8), cursor.number(4)];
    demand(
      first >= Math.max(next, 1) && count >= 1 && first + count <= highestSequence,
      'ranges rise, below the highest',
    );
    ranges.push({ first, count });
  }
  demand(cursor.at === cursor.bytes.length, 'a report ends with its last range');
  const isConfirmed = reportFlags === 1;
  return { session, sequence, receiver, isConfirmed, highestSequence, received, lost, backlog, ranges };
}
