// For each captured connection a socket of its own: opened with its first request, closed when that connection has ended.
// Keeps no more of them than it may, and none for longer than a listener would take its connection for alive. Knows no
// time but the looks that it is told of; whoever opens sockets tells it what becomes of them.

import type { SessionSocketCounts } from './session-socket-counts.ts';

/**
 * A socket is closed after so many looks, one each 250 ms, without a request: 11 minutes. Listeners end a connection after
 * 10 minutes of silence, so what is idle for longer has ended, and its end was lost on the way.
 */
export const MOST_IDLE_LOOKS = 11 * 60 * 4;

/** Most looks, 2 s, that a socket may take to say that it ends. */
const MOST_CLOSING_LOOKS = 8;

/** What has to be known of a socket. */
export interface SessionSocket {
  /** The captured connection that it belongs to; written by its keeper. */
  connection: string | number | undefined;
  /** Open, and nothing on it. */
  readonly isFree: boolean;
  /** Open or opening, with a request on it. Neither free nor busy: it is closed. */
  readonly isBusy: boolean;
  /** It was the target that closed it, or that answered so that no request can follow. */
  readonly isEndedByTarget: boolean;
  /** Closes it in order, which may take a while. Only while it is free. */
  readonly end: () => void;
  /** Closes it at once. */
  readonly destroy: () => void;
}

/** One captured connection that has a socket. */
interface Session<Socket> {
  readonly connection: string | number;
  readonly socket: Socket;
  /** Stands in the list of idle ones, since that many looks. */
  isIdle: boolean;
  idleSince: number;
  previous: Session<Socket> | undefined;
  next: Session<Socket> | undefined;
}

/** Sockets of one target by captured connection. */
export class SessionSockets<Socket extends SessionSocket> {
  readonly #maxSockets: number;
  readonly #open: () => Socket;
  readonly #sessions = new Map<string | number, Session<Socket>>();
  /** Not told to close, and not closed. */
  readonly #sockets = new Set<Socket>();
  /** Connections whose socket the target closed, and when, in that order; as many as there may be sockets. */
  readonly #cutOff = new Map<string | number, number>();
  /** Told to close, and when; in that order. */
  readonly #closing = new Map<Socket, number>();
  #leastRecent: Session<Socket> | undefined;
  #mostRecent: Session<Socket> | undefined;
  #looks = 0;
  #opened = 0;
  #evicted = 0;
  #closedByTarget = 0;
  #expired = 0;
  #beside = 0;

  /** More than `maxSockets` are open only while all of them are busy. `open` makes a socket, which `gone` tells the end of. */
  constructor(maxSockets: number, open: () => Socket) {
    this.#maxSockets = maxSockets;
    this.#open = open;
  }

  /** Whether anything is kept that `look` has to see. */
  get isEmpty(): boolean {
    return this.#sessions.size === 0 && this.#closing.size === 0 && this.#cutOff.size === 0;
  }

  counts(): SessionSocketCounts {
    return {
      open: this.#sockets.size,
      opened: this.#opened,
      evicted: this.#evicted,
      closedByTarget: this.#closedByTarget,
      expired: this.#expired,
      beside: this.#beside,
    };
  }

  /** The socket for the next request of this connection, new or free. It is busy from here to `release`. */
  take(connection: string | number): Socket {
    const session = this.#sessions.get(connection);
    if (session?.socket.isFree === true) {
      this.#leaveIdle(session);
      return session.socket;
    }
    if (session?.socket.isBusy === true) {
      this.#beside += 1;
      return this.#openOne();
    }
    if (session !== undefined) this.#lose(session);
    if (this.#cutOff.delete(connection)) this.#closedByTarget += 1;
    return this.#openFor(connection);
  }

  /** A socket's request is over. It is kept where its connection goes on. */
  release(socket: Socket): void {
    const session = this.#sessionOf(socket);
    if (!socket.isFree) socket.destroy();
    else if (session === undefined) this.#close(socket);
    else this.#becomeIdle(session);
  }

  /** The captured connection ended: its socket closes, now or when its request is over. A later request opens another. */
  end(connection: string | number): void {
    this.#cutOff.delete(connection);
    const session = this.#sessions.get(connection);
    if (session === undefined) return;
    this.#forget(session);
    if (session.socket.isFree) this.#close(session.socket);
  }

  /** A socket is closed. May be called more than once. */
  gone(socket: Socket): void {
    this.#sockets.delete(socket);
    this.#closing.delete(socket);
    const session = this.#sessionOf(socket);
    if (session !== undefined) this.#lose(session);
  }

  /** To be called every 250 ms: closes what has been idle for too long, destroys what does not come to its end. */
  look(): void {
    this.#looks += 1;
    for (let session = this.#leastRecent; session !== undefined; session = this.#leastRecent) {
      if (this.#looks - session.idleSince < MOST_IDLE_LOOKS) break;
      this.#expired += 1;
      this.#letGo(session);
    }
    for (const [connection, since] of this.#cutOff) {
      if (this.#looks - since < MOST_IDLE_LOOKS) break;
      this.#cutOff.delete(connection);
    }
    for (const [socket, since] of this.#closing) {
      if (this.#looks - since < MOST_CLOSING_LOOKS) break;
      this.#closing.delete(socket);
      socket.destroy();
    }
  }

  /** Forgets all connections; whoever opened the sockets closes them. */
  clear(): void {
    this.#sessions.clear();
    this.#closing.clear();
    this.#cutOff.clear();
    this.#leastRecent = undefined;
    this.#mostRecent = undefined;
  }

  #openFor(connection: string | number): Socket {
    const socket = this.#openOne();
    socket.connection = connection;
    const idleSince = this.#looks;
    const links = { previous: undefined, next: undefined };
    this.#sessions.set(connection, { connection, socket, isIdle: false, idleSince, ...links });
    return socket;
  }

  #openOne(): Socket {
    this.#makeRoom();
    const socket = this.#open();
    this.#sockets.add(socket);
    this.#opened += 1;
    return socket;
  }

  #makeRoom(): void {
    while (this.#sockets.size >= this.#maxSockets) {
      const session = this.#leastRecent;
      if (session === undefined) return;
      this.#evicted += 1;
      this.#letGo(session);
    }
  }

  #letGo(session: Session<Socket>): void {
    this.#forget(session);
    this.#close(session.socket);
  }

  /** Its socket is closed, and not by `end`, `letGo` or the like. What the target did is remembered until the next request. */
  #lose(session: Session<Socket>): void {
    this.#forget(session);
    if (!session.socket.isEndedByTarget) return;
    this.#cutOff.set(session.connection, this.#looks);
    if (this.#cutOff.size <= this.#maxSockets) return;
    for (const first of this.#cutOff.keys()) {
      this.#cutOff.delete(first);
      return;
    }
  }

  #close(socket: Socket): void {
    this.#sockets.delete(socket);
    this.#closing.set(socket, this.#looks);
    socket.end();
  }

  /** The connection that this is the socket of; none where that has ended, and for those beside. */
  #sessionOf(socket: Socket): Session<Socket> | undefined {
    const { connection } = socket;
    const session = connection === undefined ? undefined : this.#sessions.get(connection);
    return session?.socket === socket ? session : undefined;
  }

  #forget(session: Session<Socket>): void {
    this.#leaveIdle(session);
    this.#sessions.delete(session.connection);
  }

  #becomeIdle(session: Session<Socket>): void {
    session.isIdle = true;
    session.idleSince = this.#looks;
    session.previous = this.#mostRecent;
    session.next = undefined;
    if (this.#mostRecent === undefined) this.#leastRecent = session;
    else this.#mostRecent.next = session;
    this.#mostRecent = session;
  }

  #leaveIdle(session: Session<Socket>): void {
    if (!session.isIdle) return;
    session.isIdle = false;
    if (session.previous === undefined) this.#leastRecent = session.next;
    else session.previous.next = session.next;
    if (session.next === undefined) this.#mostRecent = session.previous;
    else session.next.previous = session.previous;
    session.previous = undefined;
    session.next = undefined;
  }
}
