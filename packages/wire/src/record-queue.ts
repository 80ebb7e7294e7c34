// Records that wait to be put into datagrams. What is in datagrams already leaves in its order, the sender's totals behind
// it: so that these never wait long, what cannot leave soon waits here, and is numbered later. docs/wire-protocol.md, "Sender".

import { RECORD_HEADER_BYTES, type WireRecord } from './record.ts';

/** Payloads are copied into slabs: a buffer for each of them would cost more than the copy. */
const SLAB_BYTES = 64 * 1024;
/** How many entries may lie dead before the array is cut. */
const SLACK = 1024;

/** First in, first out. The owner of the limit is whoever pushes; the queue counts. */
export class RecordQueue {
  readonly #records: (WireRecord | undefined)[] = [];
  #next = 0;
  #bytes = 0;
  #slab = new Uint8Array(0);
  #slabAt = 0;

  /** Records that wait. */
  get length(): number {
    return this.#records.length - this.#next;
  }

  /** Bytes of these, their headers included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a record, its payload copied. */
  push(record: WireRecord): void {
    this.#records.push({ ...record, payload: this.#copy(record.payload) });
    this.#bytes += RECORD_HEADER_BYTES + record.payload.length;
  }

  /** The record that is next; it stays in the queue. */
  peek(): WireRecord | undefined {
    return this.#records[this.#next];
  }

  /** The same, taken out of the queue. */
  shift(): WireRecord | undefined {
    const record = this.#records[this.#next];
    if (record === undefined) return undefined;
    this.#bytes -= RECORD_HEADER_BYTES + record.payload.length;
    this.#records[this.#next++] = undefined;
    if (this.#next > SLACK || this.#next === this.#records.length) {
      this.#records.splice(0, this.#next);
      this.#next = 0;
    }
    return record;
  }

  #copy(payload: Uint8Array): Uint8Array {
    if (payload.length > SLAB_BYTES / 4) return payload.slice();
    if (this.#slabAt + payload.length > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#slabAt = 0;
    }
    const copy = this.#slab.subarray(this.#slabAt, this.#slabAt + payload.length);
    copy.set(payload);
    this.#slabAt += payload.length;
    return copy;
  }
}
