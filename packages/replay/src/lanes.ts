// Order within each captured connection: one goes, the others are held. Knows no time; the target says when one has been
// held long enough. A lane exists only while it has something, so there is nothing to forget.

import type { Delivery, Lane } from './delivery.ts';

/** The lanes of one target; never more of them than the target has deliveries. */
export class Lanes {
  readonly #lanes = new Map<string | number, Lane>();

  get size(): number {
    return this.#lanes.size;
  }

  /** Puts a delivery at the end of its lane; true: it may go at once, false: it is held. */
  enter(delivery: Delivery): boolean {
    const { connection } = delivery.request;
    const lane = this.#lanes.get(connection);
    if (lane === undefined) {
      const opened: Lane = { connection, loose: 1, started: 0, firstHeld: undefined, lastHeld: undefined };
      delivery.lane = opened;
      this.#lanes.set(connection, opened);
      return true;
    }
    delivery.lane = lane;
    if (lane.lastHeld === undefined) lane.firstHeld = delivery;
    else lane.lastHeld.laneNext = delivery;
    lane.lastHeld = delivery;
    return false;
  }

  /** Lets go of a delivery that was held long enough. It is the first of its lane: they come in the order of due times. */
  letGo(delivery: Delivery): void {
    if (delivery.lane === undefined) return;
    shiftHeld(delivery.lane);
    delivery.lane.loose += 1;
  }

  /** Takes a held delivery, the first of its lane, out of it for good. */
  giveUpHeld(delivery: Delivery): void {
    if (delivery.lane !== undefined) shiftHeld(delivery.lane);
  }

  /** Ends a delivery that was let go: the next of its lane, now let go too, where there is one and it is its turn. */
  leave(delivery: Delivery): Delivery | undefined {
    const { lane } = delivery;
    if (lane === undefined) return undefined;
    lane.loose -= 1;
    if (delivery.startedMs !== undefined) lane.started -= 1;
    if (lane.loose > 0) return undefined;
    const next = lane.firstHeld;
    if (next === undefined) {
      this.#lanes.delete(lane.connection);
      return undefined;
    }
    shiftHeld(lane);
    lane.loose = 1;
    return next;
  }
}

function shiftHeld(lane: Lane): void {
  const first = lane.firstHeld;
  if (first === undefined) return;
  lane.firstHeld = first.laneNext;
  if (lane.firstHeld === undefined) lane.lastHeld = undefined;
  first.laneNext = undefined;
}
