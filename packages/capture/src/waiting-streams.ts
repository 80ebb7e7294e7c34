// The streams that wait for a hole, a server's apart from a client's: where memory runs out, requests are kept longer.

import type { TcpStream } from './tcp-stream.ts';

/** So many streams of each side are looked at for each millisecond that has passed: a crowd that waits costs no more. */
const looksPerMs = 400;

/** Streams with a hole, each side's in the order in which they began to wait. */
export class WaitingStreams {
  readonly #clients = new Set<TcpStream>();
  readonly #servers = new Set<TcpStream>();
  /** Whose turn it is, of each side, where there are too many for one time. */
  #clientTurn = this.#clients.values();
  #serverTurn = this.#servers.values();

  /** The one to give up first: of the servers' the one that has waited longest; a client's only where there is none. */
  get first(): TcpStream | undefined {
    for (const stream of this.#servers) return stream;
    for (const stream of this.#clients) return stream;
    return undefined;
  }

  /** Takes the stream in where it waits, and out where it does not. */
  track(stream: TcpStream): void {
    if (stream.isWaiting === stream.isTracked) return;
    if (stream.isTracked) return this.remove(stream);
    stream.isTracked = true;
    (stream.isServers ? this.#servers : this.#clients).add(stream);
  }

  remove(stream: TcpStream): void {
    if (!stream.isTracked) return;
    stream.isTracked = false;
    if (!this.#servers.delete(stream)) this.#clients.delete(stream);
  }

  /** Gives up the holes whose time is up; of too many streams for the time that has passed, those whose turn it is. */
  expire(nowUs: number, passedUs: number): void {
    const most = Math.ceil((1 + passedUs / 1000) * looksPerMs);
    this.#clientTurn = this.#expire(this.#clients, this.#clientTurn, nowUs, most);
    this.#serverTurn = this.#expire(this.#servers, this.#serverTurn, nowUs, most);
  }

  clear(): void {
    this.#clients.clear();
    this.#servers.clear();
  }

  #expire(streams: Set<TcpStream>, turn: SetIterator<TcpStream>, nowUs: number, most: number): SetIterator<TcpStream> {
    let next = streams.size <= most ? streams.values() : turn;
    for (let left = Math.min(most, streams.size); left > 0; left--) {
      let { done, value: stream } = next.next();
      if (done === true) {
        next = streams.values();
        ({ done, value: stream } = next.next());
      }
      if (stream === undefined) break;
      stream.expireHoles(nowUs);
      this.track(stream);
    }
    return next;
  }
}
