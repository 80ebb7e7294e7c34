// Keeps the records of each connection in their order: a record waits, as a copy, while the datagram that holds its
// predecessor is missing, or its predecessor is an unfinished record. Works only while something is missing: then the
// last delivered place of each connection is remembered, so that none follows a later one. docs/wire-protocol.md, "Order".

import { LastSequences } from './last-sequences.ts';
import type { WireRecord } from './record.ts';
import type { OrderHolder, WaitingRoom } from './waiting-room.ts';

/** A record with its place: the sequence of the datagram that held its last byte. */
export interface PlacedRecord {
  readonly record: WireRecord;
  readonly sequence: number;
  /** The place of the connection's previous record; 0 for none known. */
  readonly previous: number;
  readonly bytes: number;
  /** Its payload is no view of a datagram: it need not be copied to be kept. */
  readonly isOwned: boolean;
  /** Some of it had been asked for. */
  readonly isRepaired: boolean;
}

interface WaitingRecord extends PlacedRecord {
  readonly sinceMs: number;
}

interface WaitingConnection {
  readonly connection: number;
  /** By their places. The first one waits for `awaited`, the others for it. */
  readonly records: WaitingRecord[];
  /** 0 where its time is over, or it is to be looked at. */
  awaited: number;
}

/** The order of one session's connections. */
export class ConnectionOrder {
  readonly #isAwaited: (sequence: number) => boolean;
  readonly #room: WaitingRoom<OrderHolder>;
  readonly #waiting = new Map<number, WaitingConnection>();
  readonly #byAwaited = new Map<number, WaitingConnection[]>();
  /** Those whose first record may not have to wait any more. */
  readonly #freed: WaitingConnection[] = [];
  /** Made when it is needed first. */
  #delivered: LastSequences | undefined;
  #isTracking = false;
  #waitingRecords = 0;
  #waitingBytes = 0;
  #waitingRequests = 0;
  #late = 0;
  #forgotten = 0;

  /** `isAwaited`: whether what is in the datagram of this sequence may still come. */
  constructor(isAwaited: (sequence: number) => boolean, room: WaitingRoom<OrderHolder>) {
    this.#isAwaited = isAwaited;
    this.#room = room;
  }

  /** Whether places are noted; while they are not, records are delivered as they come, without asking here. */
  get isTracking(): boolean {
    return this.#isTracking;
  }

  /** Whether no record waits. */
  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  get waitingRecords(): number {
    return this.#waitingRecords;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Connections whose last delivered record is remembered. */
  get orderedConnections(): number {
    return this.#delivered?.size ?? 0;
  }

  /** Connections forgotten over the limit: a record may be delivered behind a later one of theirs. */
  get forgotten(): number {
    return this.#forgotten;
  }

  get waitingRequests(): number {
    return this.#waitingRequests;
  }

  /** Records not delivered because a later one of their connection was. */
  get late(): number {
    return this.#late;
  }

  /** From now on a record may come behind a later one. */
  track(): void {
    this.#isTracking = true;
  }

  /** Nothing is missing and nothing waits: every record that comes is later than all before. */
  rest(): void {
    this.#isTracking = false;
    this.#room.connections -= this.orderedConnections;
    this.#delivered = undefined;
  }

  /** Forgets so many connections, those least recently used; no more than there are. */
  forgetConnections(count: number): void {
    for (let at = 0; at < count; at++) this.#delivered?.forgetOldest();
    this.#room.connections -= count;
    this.#forgotten += count;
  }

  /** Whether the record is to be delivered now; else it was put among those that wait, or it is late. */
  admit(placed: PlacedRecord, nowMs: number): boolean {
    const { record, sequence, previous } = placed;
    if (this.#isLate(placed)) return false;
    const waiting = this.#waiting.get(record.connection);
    const isBehind = waiting !== undefined && sequence >= waiting.records[0]!.sequence;
    if (!isBehind && !this.#blocks(previous, sequence)) {
      this.#noteDelivered(record.connection, sequence);
      return true;
    }
    const kept = placed.isOwned ? record : { ...record, payload: record.payload.slice() };
    this.#hold({ ...placed, record: kept, isOwned: true, sinceMs: nowMs }, waiting);
    return false;
  }

  /** What this sequence held is there now, or will never be. */
  resolve(sequence: number): void {
    const connections = this.#byAwaited.get(sequence);
    if (connections === undefined) return;
    this.#byAwaited.delete(sequence);
    for (const waiting of connections) if (waiting.awaited === sequence) this.#free(waiting);
  }

  /** The same for a range, end exclusive. */
  resolveRange(first: number, end: number): void {
    if (this.#byAwaited.size === 0) return;
    if (end - first <= this.#byAwaited.size) {
      for (let sequence = first; sequence < end; sequence++) this.resolve(sequence);
      return;
    }
    for (const sequence of [...this.#byAwaited.keys()]) {
      if (sequence >= first && sequence < end) this.resolve(sequence);
    }
  }

  /** The next record whose turn it is, not waiting any more; undefined for none. Call until then. */
  next(): PlacedRecord | undefined {
    for (let freed = this.#freed.at(-1); freed !== undefined; freed = this.#freed.at(-1)) {
      const [first] = freed.records;
      if (first === undefined || freed.awaited !== 0) {
        this.#freed.pop();
      } else if (this.#isAwaitedBy(first)) {
        this.#freed.pop();
        this.#await(freed, first.previous);
      } else {
        this.#take(freed, first);
        if (this.#isLate(first)) continue;
        this.#noteDelivered(freed.connection, first.sequence);
        return first;
      }
    }
    return undefined;
  }

  /** Frees the records that have waited since then or longer, whatever they wait for, and those that they wait for in their order. */
  freeSince(sinceMs: number): void {
    for (const waiting of this.#waiting.values()) {
      const { records } = waiting;
      let last = records.length - 1;
      while (last >= 0 && records[last]!.sinceMs > sinceMs) last--;
      if (last < 0) continue;
      for (let at = 0; at <= last; at++) records[at] = { ...records[at]!, previous: 0 };
      this.#free(waiting);
    }
  }

  /** Frees all; each connection's records keep their order. */
  freeAll(): void {
    this.freeSince(Number.POSITIVE_INFINITY);
  }

  /** The lowest sequence that a record waits for; undefined for none. */
  lowestAwaited(): number | undefined {
    let lowest: number | undefined;
    for (const { awaited } of this.#waiting.values()) {
      if (awaited !== 0 && (lowest === undefined || awaited < lowest)) lowest = awaited;
    }
    return lowest;
  }

  /** The room bounds how many connections are remembered. */
  #noteDelivered(connection: number, sequence: number): void {
    this.#delivered ??= new LastSequences(Number.POSITIVE_INFINITY);
    const { size } = this.#delivered;
    this.#delivered.replace(connection, sequence);
    if (this.#delivered.size > size) this.#room.addConnection();
  }

  #isLate({ record, sequence }: PlacedRecord): boolean {
    if (this.#delivered === undefined || sequence >= this.#delivered.of(record.connection)) return false;
    this.#late++;
    return true;
  }

  #blocks(previous: number, sequence: number): boolean {
    return previous !== 0 && previous !== sequence && this.#isAwaited(previous);
  }

  #isAwaitedBy({ previous, sequence }: PlacedRecord): boolean {
    return this.#blocks(previous, sequence);
  }

  #hold(record: WaitingRecord, known: WaitingConnection | undefined): void {
    const { connection } = record.record;
    const waiting = known ?? { connection, records: [], awaited: 0 };
    if (known === undefined) this.#waiting.set(connection, waiting);
    let at = waiting.records.length;
    while (at > 0 && waiting.records[at - 1]!.sequence > record.sequence) at--;
    waiting.records.splice(at, 0, record);
    this.#waitingRecords++;
    this.#waitingBytes += record.bytes;
    this.#room.records++;
    this.#room.bytes += record.bytes;
    if (record.record.kind === 'request') this.#waitingRequests++;
    if (at === 0) this.#await(waiting, record.previous);
  }

  #await(waiting: WaitingConnection, sequence: number): void {
    waiting.awaited = sequence;
    const others = this.#byAwaited.get(sequence);
    if (others === undefined) this.#byAwaited.set(sequence, [waiting]);
    else others.push(waiting);
  }

  #free(waiting: WaitingConnection): void {
    waiting.awaited = 0;
    this.#freed.push(waiting);
  }

  #take(waiting: WaitingConnection, first: WaitingRecord): void {
    waiting.records.shift();
    if (waiting.records.length === 0) this.#waiting.delete(waiting.connection);
    this.#waitingRecords--;
    this.#waitingBytes -= first.bytes;
    this.#room.records--;
    this.#room.bytes -= first.bytes;
    if (first.record.kind === 'request') this.#waitingRequests--;
  }
}
