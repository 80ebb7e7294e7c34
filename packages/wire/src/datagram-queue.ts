// Datagrams in the order in which they leave. The owner of the limit is whoever pushes; the queue counts.

/** How many entries may lie dead before the array is cut. */
const SLACK = 1024;

const NOTHING = new Uint8Array(0);

/** First in, first out; it holds no datagram that has left. */
export class DatagramQueue {
  readonly #datagrams: Uint8Array[] = [];
  #next = 0;
  #bytes = 0;

  /** Datagrams that wait. */
  get length(): number {
    return this.#datagrams.length - this.#next;
  }

  /** Bytes of these. */
  get bytes(): number {
    return this.#bytes;
  }

  push(datagram: Uint8Array): void {
    this.#datagrams.push(datagram);
    this.#bytes += datagram.length;
  }

  /** The datagram that leaves next; it stays in the queue. */
  peek(): Uint8Array | undefined {
    return this.#datagrams[this.#next];
  }

  /** The same, taken out of the queue. */
  shift(): Uint8Array | undefined {
    const datagram = this.#datagrams[this.#next];
    if (datagram === undefined) return undefined;
    this.#bytes -= datagram.length;
    this.#datagrams[this.#next++] = NOTHING;
    if (this.#next > SLACK) {
      this.#datagrams.splice(0, this.#next);
      this.#next = 0;
    }
    return datagram;
  }

  /** Throws away what waits; returns how many that were. */
  clear(): number {
    const dropped = this.length;
    this.#datagrams.length = 0;
    this.#next = 0;
    this.#bytes = 0;
    return dropped;
  }
}
