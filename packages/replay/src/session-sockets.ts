// A socket of its own for each captured connection: opened for its first request, closed when the client closed, and used by
// nobody else. Bounded: most sockets, and how long one may carry nothing (the end of its connection may have been lost).

import type { ReplayRequest } from './request.ts';
import { type PooledSocket, type SocketPool, SWEEP_MS } from './socket-pool.ts';

/** What became of the sockets of captured connections. */
export interface SessionSocketCounters {
  /** Sockets opened, extra ones for requests beside their predecessor included. */
  readonly opened: number;
  /** Of captured connections whose socket the target had closed when their next request came: they got a new one. */
  readonly reopened: number;
  /** Closed over the bound in number: that of the connection that sent nothing for longest. */
  readonly evicted: number;
  /** Closed because nothing came on their connection for 5 minutes. */
  readonly idle: number;
}

/** Most sockets of one target, those that carry nothing included. */
export const MAX_SESSION_SOCKETS = 8192;
const IDLE_SWEEPS = (5 * 60_000) / SWEEP_MS;
/** Before the time is over that the target said it waits: a request that meets the closing of its socket fails. */
const SAFETY_SWEEPS = 2;

/** A captured connection. */
interface Session<S> {
  readonly connection: string | number;
  socket: S | undefined;
  /** A request is under way on the socket. */
  isBusy: boolean;
  /** The socket was lost, to whichever side. */
  wasClosed: boolean;
  /** The client closed, while a request was under way. */
  isEnded: boolean;
  usedSweep: number;
  older: Session<S> | undefined;
  newer: Session<S> | undefined;
}

/** Owner of the sockets of one target, by captured connection. */
export class SessionSockets<S extends PooledSocket> implements SocketPool<S> {
  readonly #maxSockets: number;
  readonly #sessions = new Map<string | number, Session<S>>();
  readonly #bySocket = new Map<S, Session<S>>();
  /** Connections in the order in which they were used last. */
  #oldest: Session<S> | undefined;
  #newest: Session<S> | undefined;
  #sweeps = 0;
  readonly #counts = { opened: 0, reopened: 0, evicted: 0, idle: 0 };

  /** `maxSockets`: more than ever carry something. */
  constructor(maxSockets: number) {
    this.#maxSockets = maxSockets;
  }

  readonly take = ({ connection }: Pick<ReplayRequest, 'connection'>): S | undefined => {
    const session = this.#sessions.get(connection) ?? this.#begin(connection);
    const { socket } = session;
    // It goes beside its predecessor, on a socket for itself alone.
    if (session.isBusy && socket?.isOpen === true) return undefined;
    const isFree = socket?.isFree === true && !this.#isAlmostClosed(session, socket);
    session.isBusy = true;
    this.#use(session);
    if (isFree) return socket;
    if (session.wasClosed || socket !== undefined) this.#counts.reopened += 1;
    this.#drop(session);
    return undefined;
  };

  readonly opened = (socket: S, { connection }: Pick<ReplayRequest, 'connection'>): void => {
    this.#counts.opened += 1;
    const session = this.#sessions.get(connection);
    if (session === undefined || session.socket !== undefined) return;
    session.socket = socket;
    session.wasClosed = false;
    this.#bySocket.set(socket, session);
  };

  readonly keep = (socket: S): boolean => {
    const session = this.#bySocket.get(socket);
    if (session === undefined) return false;
    session.isBusy = false;
    this.#use(session);
    if (!session.isEnded) return true;
    this.#end(session);
    return false;
  };

  readonly lose = (socket: S): void => {
    const session = this.#bySocket.get(socket);
    if (session === undefined) return;
    this.#bySocket.delete(socket);
    session.socket = undefined;
    session.wasClosed = true;
    session.isBusy = false;
    if (session.isEnded) this.#end(session);
  };

  /** The client closed its connection: so is the socket, when it carries nothing. */
  endConnection(connection: string | number): void {
    const session = this.#sessions.get(connection);
    if (session === undefined) return;
    if (session.isBusy) session.isEnded = true;
    else this.#end(session);
  }

  readonly sweep = (): boolean => {
    this.#sweeps += 1;
    for (let oldest = this.#oldest; oldest !== undefined; oldest = this.#oldest) {
      if (oldest.isBusy || oldest.usedSweep + IDLE_SWEEPS > this.#sweeps) break;
      this.#counts.idle += 1;
      this.#end(oldest);
    }
    return this.#sessions.size > 0;
  };

  counters(): SessionSocketCounters {
    return { ...this.#counts };
  }

  #begin(connection: string | number): Session<S> {
    if (this.#sessions.size >= this.#maxSockets) this.#evict();
    const session: Session<S> = {
      connection,
      socket: undefined,
      isBusy: false,
      wasClosed: false,
      isEnded: false,
      usedSweep: this.#sweeps,
      older: undefined,
      newer: undefined,
    };
    this.#sessions.set(connection, session);
    this.#append(session);
    return session;
  }

  /** The one used the longest ago that carries nothing; there is one, since fewer are under way than there may be. */
  #evict(): void {
    let session = this.#oldest;
    while (session?.isBusy === true) session = session.newer;
    if (session === undefined) return;
    this.#counts.evicted += 1;
    this.#end(session);
  }

  #end(session: Session<S>): void {
    this.#sessions.delete(session.connection);
    this.#unlink(session);
    this.#drop(session);
  }

  #drop(session: Session<S>): void {
    const { socket } = session;
    if (socket === undefined) return;
    session.socket = undefined;
    this.#bySocket.delete(socket);
    socket.destroy();
  }

  #isAlmostClosed({ usedSweep }: Session<S>, { keepAliveSeconds }: S): boolean {
    if (keepAliveSeconds < 0) return false;
    return this.#sweeps - usedSweep >= (keepAliveSeconds * 1000) / SWEEP_MS - SAFETY_SWEEPS;
  }

  #use(session: Session<S>): void {
    session.usedSweep = this.#sweeps;
    if (session === this.#newest) return;
    this.#unlink(session);
    this.#append(session);
  }

  #append(session: Session<S>): void {
    session.older = this.#newest;
    session.newer = undefined;
    if (this.#newest === undefined) this.#oldest = session;
    else this.#newest.newer = session;
    this.#newest = session;
  }

  #unlink({ older, newer }: Session<S>): void {
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
  }
}
