// Packs records into datagrams: numbers them, shares a datagram between small ones, cuts large ones into fragments.
// No socket, no clock: time is an argument, datagrams leave by callback. docs/wire-protocol.md, "Sender".

import { DATAGRAM_HEADER_BYTES, FRAGMENT_HEADER_BYTES, writeFragmentHeader, writeHeader } from './datagram.ts';
import { idHalves } from './ids.ts';
import { LastSequences } from './last-sequences.ts';
import { datagramBytesRange, integerInRange, senderDefaults } from './options.ts';
import { type EncodableRecord, RECORD_HEADER_BYTES, type WireRecord, writeRecordHeader } from './record.ts';
import { plaintext, type Sealing } from './sealing.ts';
import { encodeTotals, type ReportedTotals } from './totals.ts';

/** What an encoder is told; sizes in bytes, times in milliseconds. */
export interface WireEncoderOptions {
  /** The session's id, 16 lower-case hexadecimal digits, random for each start of a sender. */
  readonly session: string;
  /** Called with each datagram, in order; the bytes are the callee's to keep, a view of a buffer of 64 KiB. */
  readonly onDatagram: (datagram: Uint8Array) => void;
  /** Longest datagram (UDP payload), 256 to 65,507 bytes; default 1,200. */
  readonly maxDatagramBytes?: number;
  /** Longest record, its 36-byte header included; default 32 MiB, at most 1 GiB. */
  readonly maxRecordBytes?: number;
  /** How long a small record may wait for others to share its datagram, in milliseconds; default 2. */
  readonly flushAfterMs?: number;
  /** For how many connections the last datagram is remembered; default 65,536, the least recently used goes first. */
  readonly maxConnections?: number;
  /** Default: plaintext. */
  readonly sealing?: Sealing;
}

const SLAB_BYTES = 64 * 1024;

/** What an encoder counts. */
export interface EncoderCounters {
  /** Request records numbered, each put into a datagram. */
  readonly sent: number;
  /** Payload bytes of these. */
  readonly bytes: number;
  /** Records of other kinds, the totals included. */
  readonly otherRecords: number;
  readonly datagrams: number;
  /** Records that took fragments. */
  readonly fragmentedRecords: number;
  /** Connections whose last datagram was forgotten over `maxConnections`. */
  readonly forgottenConnections: number;
}

/** One session's sending half. `sent` has no holes: a record is refused before it is numbered, or not at all. */
export class WireEncoder {
  readonly #onDatagram: (datagram: Uint8Array) => void;
  readonly #sealing: Sealing;
  readonly #sessionHigh: number;
  readonly #sessionLow: number;
  readonly #maxRecordBytes: number;
  readonly #flushAfterMs: number;
  readonly #lastSequences: LastSequences;
  /** Longest datagram before sealing. */
  readonly #room: number;
  /** Datagrams are cut out of slabs: a buffer for each of them would cost more than all of the encoding. */
  #slab: Uint8Array;
  /** Where in the slab the datagram under way begins; its header is written last. */
  #openAt = 0;
  #openLength = DATAGRAM_HEADER_BYTES;
  #openFirstNumber = 1;
  #openSinceMs = 0;
  #sequence = 0;
  #sent = 0;
  #bytes = 0;
  #otherRecords = 0;
  #fragmentedRecords = 0;

  constructor(options: WireEncoderOptions) {
    const { high, low } = idHalves('session', options.session);
    const { min, max } = datagramBytesRange;
    this.#sealing = options.sealing ?? plaintext;
    const maxDatagramBytes = options.maxDatagramBytes ?? senderDefaults.maxDatagramBytes;
    const room = integerInRange('maxDatagramBytes', maxDatagramBytes, min, max) - this.#sealing.overheadBytes;
    this.#room = room;
    this.#slab = this.#newSlab();
    this.#maxRecordBytes = integerInRange(
      'maxRecordBytes',
      options.maxRecordBytes ?? senderDefaults.maxRecordBytes,
      RECORD_HEADER_BYTES,
      2 ** 30,
    );
    this.#flushAfterMs = options.flushAfterMs ?? senderDefaults.flushAfterMs;
    const maxConnections = options.maxConnections ?? senderDefaults.maxConnections;
    this.#lastSequences = new LastSequences(integerInRange('maxConnections', maxConnections, 1, 2 ** 24));
    this.#sessionHigh = high;
    this.#sessionLow = low;
    this.#onDatagram = options.onDatagram;
  }

  /** Since when the datagram under way waits for more records; undefined where nothing waits. */
  get waitingSinceMs(): number | undefined {
    return this.#openLength > DATAGRAM_HEADER_BYTES ? this.#openSinceMs : undefined;
  }

  /** The sequence of the datagram that is emitted next, and the number of the next request. */
  get next(): { readonly sequence: number; readonly number: number } {
    return { sequence: this.#sequence + 1, number: this.#sent + 1 };
  }

  /** Bytes of all datagrams that a record of this payload length needs at most. */
  datagramBytesFor(payloadLength: number): number {
    const recordBytes = RECORD_HEADER_BYTES + payloadLength;
    if (recordBytes <= this.#room - DATAGRAM_HEADER_BYTES) return DATAGRAM_HEADER_BYTES + recordBytes;
    const heads = DATAGRAM_HEADER_BYTES + FRAGMENT_HEADER_BYTES + this.#sealing.overheadBytes;
    return recordBytes + Math.ceil(recordBytes / this.#pieceBytes) * heads;
  }

  /** Takes a record, copying its payload; or refuses it as too long, and nothing of it was numbered or sent. */
  add(record: WireRecord, nowMs: number): undefined | 'too-long' {
    return this.#add(record, nowMs);
  }

  /** Adds the sender's totals, with what this encoder counts, and sends them without waiting for company. */
  addTotals(totals: Omit<ReportedTotals, 'sent' | 'bytes'>, timestampUs: number, nowMs: number): void {
    const maxBytes = this.#room - DATAGRAM_HEADER_BYTES - RECORD_HEADER_BYTES;
    const payload = encodeTotals({ ...totals, sent: this.#sent, bytes: this.#bytes }, maxBytes);
    this.#add({ kind: 'totals', timestampUs, connection: 0, index: 0, payload }, nowMs);
    this.flush();
  }

  /** Sends the datagram under way if it has waited long enough. */
  advance(nowMs: number): void {
    if (this.#openLength > DATAGRAM_HEADER_BYTES && nowMs - this.#openSinceMs >= this.#flushAfterMs) this.flush();
  }

  /** Sends the datagram under way, if any. */
  flush(): void {
    if (this.#openLength === DATAGRAM_HEADER_BYTES) return;
    const datagram = this.#cut(this.#openLength);
    this.#openLength = DATAGRAM_HEADER_BYTES;
    this.#emit(datagram, false, this.#openFirstNumber);
  }

  counters(): EncoderCounters {
    return {
      sent: this.#sent,
      bytes: this.#bytes,
      otherRecords: this.#otherRecords,
      datagrams: this.#sequence,
      fragmentedRecords: this.#fragmentedRecords,
      forgottenConnections: this.#lastSequences.forgotten,
    };
  }

  get #pieceBytes(): number {
    return this.#room - DATAGRAM_HEADER_BYTES - FRAGMENT_HEADER_BYTES;
  }

  #add(record: EncodableRecord, nowMs: number): undefined | 'too-long' {
    const recordBytes = RECORD_HEADER_BYTES + record.payload.length;
    if (recordBytes > this.#maxRecordBytes) return 'too-long';
    if (this.#openLength + recordBytes > this.#room) this.flush();
    const number = this.#sent + 1;
    if (record.kind === 'request') {
      this.#sent = number;
      this.#bytes += record.payload.length;
    } else {
      this.#otherRecords++;
    }
    if (this.#openLength + recordBytes > this.#room) this.#addInFragments(record, recordBytes, number);
    else this.#addToOpen(record, recordBytes, number, nowMs);
    this.advance(nowMs);
    return undefined;
  }

  #addToOpen(record: EncodableRecord, recordBytes: number, number: number, nowMs: number): void {
    if (this.#openLength === DATAGRAM_HEADER_BYTES) {
      this.#openFirstNumber = number;
      this.#openSinceMs = nowMs;
    }
    const previous = this.#replacePrevious(record, this.#sequence + 1);
    const at = this.#openAt + this.#openLength;
    writeRecordHeader(this.#slab, at, record, previous);
    this.#slab.set(record.payload, at + RECORD_HEADER_BYTES);
    this.#openLength += recordBytes;
  }

  #addInFragments(record: EncodableRecord, recordBytes: number, number: number): void {
    const pieceBytes = this.#pieceBytes;
    const count = Math.ceil(recordBytes / pieceBytes);
    const previous = this.#replacePrevious(record, this.#sequence + count);
    const head = new Uint8Array(RECORD_HEADER_BYTES);
    writeRecordHeader(head, 0, record, previous);
    this.#fragmentedRecords++;
    for (let index = 0; index < count; index++) {
      const offset = index * pieceBytes;
      const end = Math.min(offset + pieceBytes, recordBytes);
      const at = DATAGRAM_HEADER_BYTES + FRAGMENT_HEADER_BYTES;
      const datagram = this.#cut(at + end - offset);
      writeFragmentHeader(datagram, recordBytes, offset, index, record.kind === 'request');
      // The record's head lies wholly in the first piece: a piece is never shorter than 192 bytes.
      if (index === 0) datagram.set(head, at);
      const payloadFrom = Math.max(0, offset - RECORD_HEADER_BYTES);
      const payloadAt = index === 0 ? at + RECORD_HEADER_BYTES : at;
      datagram.set(record.payload.subarray(payloadFrom, end - RECORD_HEADER_BYTES), payloadAt);
      this.#emit(datagram, true, number);
    }
  }

  /** The sequence of the connection's previous record, now replaced by that of this one; 0 where none is known. */
  #replacePrevious(record: EncodableRecord, sequence: number): number {
    if (record.kind === 'totals') return 0;
    const { connection } = record;
    return record.kind === 'connection-end'
      ? this.#lastSequences.remove(connection)
      : this.#lastSequences.replace(connection, sequence);
  }

  /** The next bytes of the slab as a datagram, with room for what sealing adds. */
  #cut(length: number): Uint8Array {
    const end = this.#openAt + length + this.#sealing.overheadBytes;
    const datagram = this.#slab.subarray(this.#openAt, end);
    this.#openAt = end;
    if (this.#slab.length - end < this.#room + this.#sealing.overheadBytes) {
      this.#slab = this.#newSlab();
      this.#openAt = 0;
    }
    return datagram;
  }

  #newSlab(): Uint8Array {
    return new Uint8Array(Math.max(SLAB_BYTES, this.#room + this.#sealing.overheadBytes));
  }

  #emit(datagram: Uint8Array, isFragment: boolean, firstNumber: number): void {
    this.#sequence++;
    writeHeader(datagram, {
      isFragment,
      keyId: this.#sealing.keyId,
      sessionHigh: this.#sessionHigh,
      sessionLow: this.#sessionLow,
      sequence: this.#sequence,
      firstNumber,
    });
    this.#sealing.seal(datagram);
    this.#onDatagram(datagram);
  }
}
