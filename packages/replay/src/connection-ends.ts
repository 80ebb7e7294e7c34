// Ends of captured connections, told on once nothing of the connection waits or is in flight at one target. Knows no time.
// An entry exists only while a delivery of its connection does, so there is nothing to forget.

interface Pending {
  deliveries: number;
  isEnded: boolean;
}

/** Those of one target; never more entries than the target has deliveries. */
export class ConnectionEnds {
  readonly #pending = new Map<string | number, Pending>();
  readonly #onEnd: (connection: string | number) => void;

  /** `onEnd` is called once for each `end`, unless the same end is given again while it waits. */
  constructor(onEnd: (connection: string | number) => void) {
    this.#onEnd = onEnd;
  }

  /** Connections that have deliveries. */
  get size(): number {
    return this.#pending.size;
  }

  /** A delivery of this connection was taken on. */
  add(connection: string | number): void {
    const pending = this.#pending.get(connection);
    if (pending === undefined) this.#pending.set(connection, { deliveries: 1, isEnded: false });
    else pending.deliveries += 1;
  }

  /** A delivery of this connection is over. */
  remove(connection: string | number): void {
    const pending = this.#pending.get(connection);
    if (pending === undefined) return;
    pending.deliveries -= 1;
    if (pending.deliveries > 0) return;
    this.#pending.delete(connection);
    if (pending.isEnded) this.#onEnd(connection);
  }

  /** The captured connection ended: tells so at once, or when the last of its deliveries is over. */
  end(connection: string | number): void {
    const pending = this.#pending.get(connection);
    if (pending === undefined) this.#onEnd(connection);
    else pending.isEnded = true;
  }
}
