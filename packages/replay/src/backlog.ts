// What one target has not yet sent: not due yet, held by order, or ready to go. Bounded in requests and in bytes; what is in flight
// counts in bytes too, because it stays in memory. Knows no time; the oldest is the first to be let go of.

import type { ConnectionEnds } from './connection-ends.ts';
import { type Delivery, DeliveryList } from './delivery.ts';
import { EarlyList } from './early-list.ts';

const NEVER = Number.POSITIVE_INFINITY;

/** Owner of every waiting delivery of a target, and of the count of bytes that they hold. */
export class Backlog {
  /** Waiting for their due times. */
  readonly early = new EarlyList();
  /** Waiting for their predecessors, in the order of their due times. */
  readonly held = new DeliveryList();
  /** Waiting for the limit or a socket, in the order in which they will go. */
  readonly ready = new DeliveryList();
  readonly #maxRequests: number;
  readonly #maxBytes: number;
  readonly #ends: ConnectionEnds | undefined;
  #bytes = 0;
  #flyingBytes = 0;

  /** `ends` is told of each delivery that comes and goes. */
  constructor(maxRequests: number, maxBytes: number, ends?: ConnectionEnds) {
    this.#maxRequests = maxRequests;
    this.#maxBytes = maxBytes;
    this.#ends = ends;
  }

  /** Bytes of all deliveries taken on and not yet released. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Deliveries that wait, without those in flight. */
  get length(): number {
    return this.early.length + this.dueLength;
  }

  /** Of these, the ones whose due time has come. */
  get dueLength(): number {
    return this.held.length + this.ready.length;
  }

  /** Whether so many more bytes could be taken on, with nothing to be let go of. */
  hasRoomFor(bytes: number): boolean {
    return this.length < this.#maxRequests && this.#bytes + bytes <= this.#maxBytes;
  }

  /** The waiting delivery that was due first. */
  get oldest(): Delivery | undefined {
    return this.oldestDue ?? this.early.first;
  }

  /** The same, of those whose due time has come. */
  get oldestDue(): Delivery | undefined {
    const { first: ready } = this.ready;
    const { first: held } = this.held;
    if (ready === undefined || held === undefined) return ready ?? held;
    return held.dueMs < ready.dueMs ? held : ready;
  }

  /** Whether so many bytes could be taken on if everything that waits were let go of. */
  canMakeRoomFor(bytes: number): boolean {
    return this.#maxRequests > 0 && this.#flyingBytes + bytes <= this.#maxBytes;
  }

  /** When time alone next changes something: one is due, was held long enough by order, or is too old; `Infinity`: never. */
  nextMs(orderWaitMs: number, bufferMs: number): number {
    const dueMs = this.early.first?.dueMs ?? NEVER;
    const heldMs = this.held.first === undefined ? NEVER : this.held.first.dueMs + orderWaitMs;
    const ofAgeMs = this.ready.first === undefined ? NEVER : this.ready.first.readyMs + bufferMs;
    return Math.min(dueMs, heldMs, ofAgeMs);
  }

  /** Takes on a delivery's bytes, until `release`. */
  takeOn(delivery: Delivery): void {
    this.#bytes += delivery.heldBytes;
    this.#ends?.add(delivery.request.connection);
  }

  /** A ready delivery goes into flight: it waits no more, but its bytes stay. */
  start(delivery: Delivery): void {
    this.ready.remove(delivery);
    this.#flyingBytes += delivery.heldBytes;
  }

  /** A delivery is over, and stands in no list any more. `wasStarted`: it was in flight. */
  release(delivery: Delivery, wasStarted: boolean): void {
    this.#bytes -= delivery.heldBytes;
    if (wasStarted) this.#flyingBytes -= delivery.heldBytes;
    this.#ends?.remove(delivery.request.connection);
  }
}
