// The streams that wait for a hole, a server's apart from a client's: where memory runs out, requests are kept longer.

import type { TcpStream } from './tcp-stream.ts';

/** Streams with a hole, each side's in the order in which they began to wait. */
export class WaitingStreams {
  readonly #clients = new Set<TcpStream>();
  readonly #servers = new Set<TcpStream>();

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

  /** Gives up the holes whose time is up. */
  expire(nowUs: number): void {
    this.#expire(this.#clients, nowUs);
    this.#expire(this.#servers, nowUs);
  }

  clear(): void {
    this.#clients.clear();
    this.#servers.clear();
  }

  #expire(streams: Set<TcpStream>, nowUs: number): void {
    for (const stream of streams) {
      stream.expireHoles(nowUs);
      this.track(stream);
    }
  }
}
