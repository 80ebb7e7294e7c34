// What was really sent and what really arrived, counted by nothing of ours: records that say which they are, checked off
// one by one when they are delivered.
import type { Random } from '../../../test/kit/random.ts';
import type { RecordKind, WireRecord } from '../src/record.ts';

/** Which records a run sends. */
export interface RecordMix {
  readonly random: Random;
  /** Payload of a small record, at most; default 600. */
  readonly smallBytes?: number;
  /** How many of the requests take fragments; default 0.02. */
  readonly largeShare?: number;
  /** Payload of these, at most; default 6,000. */
  readonly largeBytes?: number;
  /** Connections open at a time; default 50. */
  readonly connections?: number;
}

const NUMBER_BYTES = 4;
const FILLS = Array.from({ length: 256 }, () => Buffer.alloc(0));
const KINDS: readonly RecordKind[] = ['request', 'response', 'connection-end'];

/** Records sent and delivered; `problems` names what must not be: twice, out of order, other bytes, never sent. */
export class RecordAccount {
  readonly problems: string[] = [];
  /** Requests that the sender took, and those that arrived. */
  sent = 0;
  delivered = 0;
  readonly #mix: Required<RecordMix>;
  readonly #connections: number[] = [];
  #nextConnection = 1;
  readonly #nextIndex = new Map<number, number>();
  readonly #lastDelivered = new Map<number, number>();
  readonly #endOf = new Map<number, number>();
  /** By record: its connection, index, kind, payload length, and whether it arrived. */
  readonly #records: number[][] = [[], [], [], []];
  readonly #arrived: boolean[] = [];

  constructor(mix: RecordMix) {
    this.#mix = { smallBytes: 600, largeShare: 0.02, largeBytes: 6000, connections: 50, ...mix };
  }

  /** The next record; it counts as sent once `taken` is told of it. */
  next(): WireRecord {
    const { random, smallBytes, largeShare, largeBytes, connections } = this.#mix;
    while (this.#connections.length < connections) this.#connections.push(this.#nextConnection++);
    const place = random.below(connections);
    const connection = this.#connections[place]!;
    const index = this.#nextIndex.get(connection) ?? 0;
    const chance = random.next();
    const kind = KINDS[chance < 0.9 ? 0 : chance < 0.95 ? 1 : 2]!;
    if (kind === 'connection-end') this.#connections[place] = this.#nextConnection++;
    const isLarge = random.chance(largeShare);
    const length =
      kind === 'connection-end' ? 0 : NUMBER_BYTES + random.below((isLarge ? largeBytes : smallBytes) - NUMBER_BYTES);
    const payload = length === 0 ? new Uint8Array(0) : payloadOf(this.#arrived.length, length);
    return { kind, timestampUs: this.#arrived.length, connection, index, payload };
  }

  /** The sender took the record that `next` gave last. */
  taken({ kind, connection, index, payload }: WireRecord): void {
    const number = this.#arrived.length;
    this.#arrived.push(false);
    for (const [place, value] of [connection, index, KINDS.indexOf(kind), payload.length].entries()) {
      this.#records[place]!.push(value);
    }
    this.#nextIndex.set(connection, index + 1);
    if (kind === 'request') this.sent++;
    if (kind === 'connection-end') this.#endOf.set(connection, number);
  }

  /** A record came out of the receiver. */
  arrived(record: WireRecord): void {
    const { kind, connection, index, payload, timestampUs } = record;
    const number = kind === 'connection-end' ? this.#endOf.get(connection) : numberOf(payload);
    if (number === undefined || number >= this.#arrived.length) {
      this.#complain('never sent', record);
      return;
    }
    const isSame =
      this.#records[0]![number] === connection &&
      this.#records[1]![number] === index &&
      this.#records[2]![number] === KINDS.indexOf(kind) &&
      this.#records[3]![number] === payload.length &&
      timestampUs === number &&
      Buffer.compare(payload, payloadOf(number, payload.length)) === 0;
    if (!isSame) this.#complain('not as it was sent', record);
    if (this.#arrived[number]!) this.#complain('delivered twice', record);
    if (index <= (this.#lastDelivered.get(connection) ?? -1)) this.#complain('after a later one', record);
    this.#arrived[number] = true;
    this.#lastDelivered.set(connection, index);
    if (kind === 'request') this.delivered++;
  }

  #complain(what: string, { kind, connection, index }: WireRecord): void {
    if (this.problems.length < 10) this.problems.push(`${kind} ${index} of connection ${connection}: ${what}`);
  }
}

/** The number, then as many bytes of its lowest 8 bits as are wanted. */
function payloadOf(number: number, length: number): Uint8Array {
  const low = number & 255;
  if (FILLS[low]!.length < length) FILLS[low] = Buffer.alloc(Math.max(length, 8192), low);
  if (length === 0) return FILLS[low]!.subarray(0, 0);
  const payload = FILLS[low]!.subarray(0, length);
  payload.writeUInt32BE(number, 0);
  return payload;
}

function numberOf(payload: Uint8Array): number | undefined {
  if (payload.length < NUMBER_BYTES) return undefined;
  return new DataView(payload.buffer, payload.byteOffset).getUint32(0);
}
