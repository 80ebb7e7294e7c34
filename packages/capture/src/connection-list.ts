// Connections in the order in which they were last heard of, as a doubly linked list through the connections
// themselves: keeping the order costs no allocation. A connection stands in one list at a time.

import type { TcpConnection } from './tcp-connection.ts';

/** One list, from the connection silent for longest to the one last heard of. */
export class ConnectionList {
  #first: TcpConnection | undefined;
  #last: TcpConnection | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The connection silent for longest. */
  get first(): TcpConnection | undefined {
    return this.#first;
  }

  append(connection: TcpConnection): void {
    connection.previous = this.#last;
    connection.following = undefined;
    if (this.#last === undefined) this.#first = connection;
    else this.#last.following = connection;
    this.#last = connection;
    this.#size++;
  }

  remove(connection: TcpConnection): void {
    const { previous, following } = connection;
    if (previous === undefined) this.#first = following;
    else previous.following = following;
    if (following === undefined) this.#last = previous;
    else following.previous = previous;
    connection.previous = undefined;
    connection.following = undefined;
    this.#size--;
  }

  /** Makes it the one last heard of. */
  touch(connection: TcpConnection): void {
    if (this.#last === connection) return;
    this.remove(connection);
    this.append(connection);
  }
}
