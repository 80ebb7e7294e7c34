// What all sessions of a receiver hold for the order of their connections, within one bound: where it is full, the session
// that holds most gives up first, so that none takes the order of another. docs/wire-protocol.md, "Limits".

/** What may be held for the order of connections, for all sessions of a receiver together. */
export interface OrderLimits {
  /** Records that wait for an earlier one of their connection; default 16,384. */
  readonly maxWaitingRecords: number;
  /** Bytes of these, their headers included; default 32 MiB. */
  readonly maxWaitingBytes: number;
  /** Connections whose last delivered record is remembered while something is missing; default 131,072. */
  readonly maxOrderedConnections: number;
}

/** A session, as far as it holds something. */
export interface OrderHolder {
  readonly order: {
    readonly waitingRecords: number;
    readonly waitingBytes: number;
    readonly orderedConnections: number;
    readonly forgetConnections: (count: number) => void;
  };
}

/** So many connections are forgotten at once: the session that holds most is not looked for at each. */
const FORGOTTEN_AT_ONCE = 256;

/** Owner of the bound; the orders of the sessions keep its sums. */
export class WaitingRoom<Holder extends OrderHolder> {
  records = 0;
  bytes = 0;
  connections = 0;
  readonly #limits: OrderLimits;
  readonly #holders: () => Iterable<Holder>;

  constructor(limits: OrderLimits, holders: () => Iterable<Holder>) {
    this.#limits = limits;
    this.#holders = holders;
  }

  /** The session that has to give up what it waits for; undefined where there is room. */
  hoarder(): Holder | undefined {
    if (this.records > this.#limits.maxWaitingRecords) return this.#most(({ order }) => order.waitingRecords);
    if (this.bytes > this.#limits.maxWaitingBytes) return this.#most(({ order }) => order.waitingBytes);
    return undefined;
  }

  /** Notes one connection more; over the limit the session that has most forgets those least recently used. */
  addConnection(): void {
    if (++this.connections <= this.#limits.maxOrderedConnections) return;
    const most = this.#most(({ order }) => order.orderedConnections);
    most?.order.forgetConnections(Math.min(FORGOTTEN_AT_ONCE, most.order.orderedConnections));
  }

  #most(of: (holder: Holder) => number): Holder | undefined {
    let most: Holder | undefined;
    let count = 0;
    for (const holder of this.#holders()) {
      const held = of(holder);
      if (held <= count) continue;
      most = holder;
      count = held;
    }
    return most;
  }
}
