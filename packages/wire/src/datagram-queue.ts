// Datagrams in the order in which they leave: those that wait, and those handed to the socket whose outcome is open.
// The owner of the byte limit is the sender; the queue counts.

/** How many entries may lie dead before the array is cut. */
const SLACK = 1024;

const NOTHING = new Uint8Array(0);

/** A queue whose entries leave in two steps: taken by the socket, then settled by its callback. */
export class DatagramQueue {
  #datagrams: Uint8Array[] = [];
  #settled = 0;
  #next = 0;
  #waitingBytes = 0;

  get waiting(): number {
    return this.#datagrams.length - this.#next;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Handed out by `take`, not yet settled. */
  get open(): number {
    return this.#next - this.#settled;
  }

  push(datagram: Uint8Array): void {
    this.#datagrams.push(datagram);
    this.#waitingBytes += datagram.length;
  }

  /** The datagram that leaves next; it stays in the queue. */
  peek(): Uint8Array | undefined {
    return this.#datagrams[this.#next];
  }

  /** Notes that what `peek` showed is with the socket. */
  take(): void {
    this.#waitingBytes -= this.#datagrams[this.#next]?.length ?? 0;
    this.#next++;
  }

  /** Removes and returns the datagram that was taken first and is not settled: sockets settle in order. */
  settle(): Uint8Array | undefined {
    if (this.#settled === this.#next) return undefined;
    const datagram = this.#datagrams[this.#settled];
    this.#datagrams[this.#settled++] = NOTHING;
    if (this.#settled === this.#datagrams.length || this.#settled > SLACK) this.#cut();
    return datagram;
  }

  /** Throws away what waits; returns how many that were. */
  clear(): number {
    const dropped = this.waiting;
    this.#datagrams.length = this.#next;
    this.#waitingBytes = 0;
    return dropped;
  }

  #cut(): void {
    this.#datagrams.splice(0, this.#settled);
    this.#next -= this.#settled;
    this.#settled = 0;
  }
}
