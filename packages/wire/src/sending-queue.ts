// What waits to leave: datagrams, and behind them the records for which there is none yet. What is in a datagram leaves in
// its order, and totals only behind it; so few are made ahead, and totals never wait long. docs/wire-protocol.md, "Sender".

import { firstNumberOf, sequenceOf } from './datagram.ts';
import { DatagramQueue } from './datagram-queue.ts';
import { type EncoderCounters, WireEncoder, type WireEncoderOptions } from './encoder.ts';
import type { WireRecord } from './record.ts';
import { RecordQueue } from './record-queue.ts';
import type { ReportedTotals } from './totals.ts';

/** Records get datagrams while less than this waits in datagrams, and one of any length when less does. */
const AHEAD_BYTES = 256 * 1024;

/** Owner of the encoder, and of all that it has not sent. The owner of the limit is whoever adds. */
export class SendingQueue {
  readonly #encoder: WireEncoder;
  readonly #datagrams = new DatagramQueue();
  readonly #records = new RecordQueue();
  #holdsLarge = true;

  constructor(options: Omit<WireEncoderOptions, 'onDatagram'>) {
    this.#encoder = new WireEncoder({ ...options, onDatagram: (datagram) => this.#datagrams.push(datagram) });
  }

  /** Bytes of the datagrams and records that wait. */
  get bytes(): number {
    return this.#datagrams.bytes + this.#records.bytes;
  }

  /** Whether all that was added has left. */
  get isEmpty(): boolean {
    return this.#datagrams.length === 0 && this.#records.length === 0 && this.#encoder.waitingSinceMs === undefined;
  }

  /** Since when a datagram waits for more records; undefined where none does. */
  get waitingSinceMs(): number | undefined {
    return this.#encoder.waitingSinceMs;
  }

  /** The lowest sequence that has not left. */
  get lowest(): number {
    const first = this.#datagrams.peek();
    return first === undefined ? this.#encoder.next.sequence : sequenceOf(first);
  }

  /** Bytes that a record of this payload length takes at most. */
  bytesFor(payloadLength: number): number {
    return this.#encoder.datagramBytesFor(payloadLength);
  }

  /** Takes a record, its payload copied. `held`: it is a large one, and the first that waits until those are sent. */
  add(record: WireRecord, nowMs: number): undefined | 'held' {
    const isFirst = this.#records.length === 0;
    if (isFirst && !this.#mustWait(record)) {
      this.#encoder.add(record, nowMs);
      return undefined;
    }
    this.#records.push(record);
    return isFirst && this.#isHeld(record) ? 'held' : undefined;
  }

  /** Puts the totals behind the datagrams that wait; returns their sequence. */
  addTotals(totals: Omit<ReportedTotals, 'sent' | 'bytes'>, timestampUs: number, nowMs: number): number {
    this.#encoder.addTotals(totals, timestampUs, nowMs);
    return this.#encoder.next.sequence - 1;
  }

  /**
   * From now on records of any length are sent. Until then large ones wait, and all behind them: the first totals of a
   * session would wait for all of their fragments, and what these need sent again would be forgotten meanwhile.
   */
  releaseLarge(): void {
    this.#holdsLarge = false;
  }

  /** The datagram that leaves next; it stays in the queue. */
  peek(nowMs: number): Uint8Array | undefined {
    if (this.#records.length > 0) this.#encode(nowMs);
    return this.#datagrams.peek();
  }

  /** The same, taken out of the queue. */
  shift(): Uint8Array | undefined {
    return this.#datagrams.shift();
  }

  /** Sends the datagram under way if it has waited long enough. */
  advance(nowMs: number): void {
    this.#encoder.advance(nowMs);
  }

  /** What waits for company gets no more. */
  flush(): void {
    this.#encoder.flush();
  }

  /** The first datagram that has not left, by its sequence and first number; what waits for company gets no more. */
  begin(): { readonly sequence: number; readonly number: number } {
    this.#encoder.flush();
    const first = this.#datagrams.peek();
    return first === undefined ? this.#encoder.next : { sequence: sequenceOf(first), number: firstNumberOf(first) };
  }

  /** Throws away what waits, each of it numbered, so that its loss is known; returns how many datagrams that were. */
  abandon(nowMs: number): number {
    for (let record = this.#records.shift(); record !== undefined; record = this.#records.shift()) {
      this.#encoder.add(record, nowMs);
    }
    this.#encoder.flush();
    return this.#datagrams.clear();
  }

  counters(): EncoderCounters {
    return this.#encoder.counters();
  }

  #mustWait(record: WireRecord): boolean {
    return this.#datagrams.bytes >= AHEAD_BYTES || this.#isHeld(record);
  }

  #isHeld({ payload }: WireRecord): boolean {
    return this.#holdsLarge && payload.length >= AHEAD_BYTES;
  }

  #encode(nowMs: number): void {
    let record = this.#records.peek();
    for (; record !== undefined && !this.#mustWait(record); record = this.#records.peek()) {
      this.#encoder.add(record, nowMs);
      this.#records.shift();
    }
    if (record === undefined) this.#encoder.flush();
  }
}
