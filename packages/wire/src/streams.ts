// Node streams of records over the plain callback API. They copy payloads, and never make the wire wait: what a stalled
// reader leaves is dropped beyond a bounded queue, and counted.

import { Readable, Writable } from 'node:stream';
import { integerInRange } from './options.ts';
import type { WireRecord } from './record.ts';
import type { SendRefusal } from './sending-options.ts';
import type { SessionView } from './session-view.ts';
import type { UdpSender } from './udp-sender-options.ts';

/** What recordWritable takes. */
export interface RecordWritableOptions {
  /** Called for each record that the sender did not take. */
  readonly onRefused?: (record: WireRecord, reason: SendRefusal) => void;
}

/**
 * A Writable in object mode that takes WireRecords. Each goes to the sender during `write`, so its payload may be used
 * again at once; what the sender refuses is counted in its `counters().refused`. Ending the stream closes the sender.
 */
export function recordWritable(
  sender: Pick<UdpSender, 'send' | 'close'>,
  options: RecordWritableOptions = {},
): Writable {
  return new Writable({
    objectMode: true,
    write(record: WireRecord, _encoding, callback) {
      const refusal = sender.send(record);
      if (refusal !== undefined) options.onRefused?.(record, refusal);
      callback();
    },
    final(callback) {
      sender.close().then(() => callback(), callback);
    },
  });
}

/** A record that is the reader's to keep. */
export interface StreamRecord extends WireRecord {
  /** The session's id. */
  readonly session: string;
}

/** The bounds of recordReadable's queue. */
export interface RecordReadableOptions {
  /** Records that may wait for the reader; default 1,024. */
  readonly maxRecords?: number;
  /** Payload bytes that may wait for the reader; default 16 MiB. */
  readonly maxBytes?: number;
}

/** `delivered + dropped + waiting` is what onRecord was given. */
export interface RecordReadableCounters {
  readonly delivered: number;
  /** Records dropped because the queue was full. */
  readonly dropped: number;
  readonly waiting: number;
  readonly waitingBytes: number;
}

/** The reading side: give `onRecord` to openUdpReceiver or WireDecoder, read `readable`. */
export interface RecordReadable {
  /** A Readable in object mode of StreamRecords. */
  readonly readable: Readable;
  readonly onRecord: (record: WireRecord, session: SessionView) => void;
  counters: () => RecordReadableCounters;
  /** Ends the Readable once what waits is read; call it after the receiver is closed. */
  end: () => void;
}

/** Makes a Readable of records, with a bounded queue of its own between socket and reader. */
export function recordReadable(options: RecordReadableOptions = {}): RecordReadable {
  const queue = new RecordQueue(
    integerInRange('maxRecords', options.maxRecords ?? 1024, 1, 2 ** 24),
    integerInRange('maxBytes', options.maxBytes ?? 16 * 1024 * 1024, 1, 2 ** 40),
  );
  return {
    readable: queue.readable,
    onRecord: (record, session) => queue.push(record, session),
    counters: () => queue.counters(),
    end: () => queue.end(),
  };
}

class RecordQueue {
  readonly readable: Readable;
  readonly #maxRecords: number;
  readonly #maxBytes: number;
  #records: StreamRecord[] = [];
  #next = 0;
  #waitingBytes = 0;
  #delivered = 0;
  #dropped = 0;
  #isWanted = false;
  #hasEnded = false;

  constructor(maxRecords: number, maxBytes: number) {
    this.#maxRecords = maxRecords;
    this.#maxBytes = maxBytes;
    // The stream itself holds one record, so that this queue's bounds are the only ones.
    this.readable = new Readable({ objectMode: true, highWaterMark: 1, read: () => this.#wanted() });
  }

  push(record: WireRecord, session: SessionView): void {
    const bytes = record.payload.length;
    const isFull = this.#waiting >= this.#maxRecords || this.#waitingBytes + bytes > this.#maxBytes;
    if (this.#hasEnded || isFull || this.readable.destroyed) {
      this.#dropped++;
      return;
    }
    this.#waitingBytes += bytes;
    this.#records.push({ ...record, payload: new Uint8Array(record.payload), session: session.id });
    if (this.#isWanted) this.#wanted();
  }

  end(): void {
    this.#hasEnded = true;
    if (this.#isWanted) this.#wanted();
  }

  counters(): RecordReadableCounters {
    return {
      delivered: this.#delivered,
      dropped: this.#dropped,
      waiting: this.#waiting,
      waitingBytes: this.#waitingBytes,
    };
  }

  get #waiting(): number {
    return this.#records.length - this.#next;
  }

  #wanted(): void {
    const record = this.#records[this.#next];
    this.#isWanted = record === undefined;
    if (record === undefined) {
      if (this.#hasEnded) this.readable.push(null);
      return;
    }
    this.#next++;
    if (this.#next === this.#records.length || this.#next > this.#maxRecords) {
      this.#records = this.#records.slice(this.#next);
      this.#next = 0;
    }
    this.#waitingBytes -= record.payload.length;
    this.#delivered++;
    this.readable.push(record);
  }
}
