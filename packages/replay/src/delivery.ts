// One request on its way to one target, the lane and the list that it stands in. Plain state; the target decides.

import type { ForwardHandle, ForwardListener } from './forwarder.ts';
import type { FailedReason } from './reasons.ts';
import { heldBytesOf, type ReplayRequest } from './request.ts';

/** Whoever takes deliveries through a target. */
export interface DeliveryOwner {
  readonly onSent: (delivery: Delivery) => void;
  readonly onEnd: (delivery: Delivery, reason: FailedReason | 'cannot-send' | undefined) => void;
}

/** All that a target knows about one of its requests; times in milliseconds on the replayer's clock. */
export class Delivery implements ForwardListener {
  readonly request: ReplayRequest;
  /** When it should go out; latency and the deadline count from here. May become earlier while it is not due. */
  dueMs: number;
  readonly heldBytes: number;
  /** When order let it go; the buffer's age counts from here. */
  readyMs = 0;
  /** When it was given to the forwarder. */
  startedMs: number | undefined = undefined;
  /** When it was on a socket. */
  sentMs: number | undefined = undefined;
  status: number | undefined = undefined;
  /** Went out beside its predecessor. */
  isOverlapped = false;
  /** Of the limit; -1 where there is none to settle. */
  ticket = -1;
  handle: ForwardHandle | undefined = undefined;
  lane: Lane | undefined = undefined;
  /** Next one held in the same lane. */
  laneNext: Delivery | undefined = undefined;
  previous: Delivery | undefined = undefined;
  next: Delivery | undefined = undefined;

  readonly #owner: DeliveryOwner;

  constructor(request: ReplayRequest, dueMs: number, owner: DeliveryOwner) {
    this.request = request;
    this.dueMs = dueMs;
    this.heldBytes = heldBytesOf(request);
    this.#owner = owner;
  }

  onSent(): void {
    this.#owner.onSent(this);
  }

  onStatus(status: number): void {
    this.status = status;
  }

  onEnd(reason: FailedReason | 'cannot-send' | undefined): void {
    this.#owner.onEnd(this, reason);
  }
}

/** One captured connection and what a target has of it. */
export interface Lane {
  readonly connection: string | number;
  /** Let go and not yet over. Never 0 while something is held. */
  loose: number;
  /** Of these, given to the forwarder. */
  started: number;
  firstHeld: Delivery | undefined;
  lastHeld: Delivery | undefined;
}

/** Deliveries in the order in which they were appended. A delivery stands in one list at most. */
export class DeliveryList {
  first: Delivery | undefined = undefined;
  last: Delivery | undefined = undefined;
  length = 0;

  append(delivery: Delivery): void {
    delivery.previous = this.last;
    delivery.next = undefined;
    if (this.last === undefined) this.first = delivery;
    else this.last.next = delivery;
    this.last = delivery;
    this.length += 1;
  }

  /** The delivery must stand in this list. */
  remove(delivery: Delivery): void {
    if (delivery.previous === undefined) this.first = delivery.next;
    else delivery.previous.next = delivery.next;
    if (delivery.next === undefined) this.last = delivery.previous;
    else delivery.next.previous = delivery.previous;
    delivery.previous = undefined;
    delivery.next = undefined;
    this.length -= 1;
  }
}
