// Which of a target's open sockets carries a request, and how long one that is free stays open. Idle sockets for anybody
// here; those that belong to captured connections in session-sockets.ts.

import type { ReplayRequest } from './request.ts';

/** Time between two looks at the sockets that a pool keeps, in milliseconds. */
export const SWEEP_MS = 250;

/** A socket as its pool sees it. */
export interface PooledSocket {
  /** Neither side has closed it, as far as is known. */
  readonly isOpen: boolean;
  /** It is open, and carries nothing. */
  readonly isFree: boolean;
  /** Seconds that the target said it waits for another request; -1: it said nothing. */
  readonly keepAliveSeconds: number;
  /** For the pool: when it is closed for idleness, in looks. */
  idleUntil: number;
  readonly destroy: () => void;
}

/** Owner of the sockets of one target that carry nothing. */
export interface SocketPool<S extends PooledSocket> {
  /** A free socket for the request; `undefined`: one is to be opened for it, and `opened` to be called. */
  readonly take: (request: Pick<ReplayRequest, 'connection'>) => S | undefined;
  readonly opened: (socket: S, request: Pick<ReplayRequest, 'connection'>) => void;
  /** A socket is free that still works; false: it is to be closed. */
  readonly keep: (socket: S) => boolean;
  /** A socket is closed for good, or about to be. */
  readonly lose: (socket: S) => void;
  /** Closes those whose time is over; to be called each 250 ms. False where none is kept any more. */
  readonly sweep: () => boolean;
}

/**
 * An idle socket is closed after so many looks, 1.5 s, or after half of what the answer's Keep-Alive says: sooner than
 * servers do it by themselves (2 s and more), because a request that meets the closing of its socket fails.
 */
const IDLE_SWEEPS = 6;

/** Idle sockets are taken last in, first out: few stay warm, the others close. */
export class IdleSockets<S extends PooledSocket> implements SocketPool<S> {
  /** Some of them may have closed since. */
  readonly #idle: S[] = [];
  #sweeps = 0;

  readonly take = (): S | undefined => {
    for (let socket = this.#idle.pop(); socket !== undefined; socket = this.#idle.pop()) {
      if (socket.isFree) return socket;
    }
    return undefined;
  };

  readonly opened = (): void => {};

  readonly keep = (socket: S): boolean => {
    const { keepAliveSeconds } = socket;
    const said = keepAliveSeconds < 0 ? IDLE_SWEEPS : Math.floor((keepAliveSeconds * 1000) / 2 / SWEEP_MS);
    if (said === 0) return false;
    socket.idleUntil = this.#sweeps + Math.min(IDLE_SWEEPS, said);
    this.#idle.push(socket);
    return true;
  };

  readonly lose = (): void => {};

  /** Those idle for longest first. */
  readonly sweep = (): boolean => {
    this.#sweeps += 1;
    let kept = 0;
    for (const socket of this.#idle) {
      if (socket.isFree && socket.idleUntil > this.#sweeps) this.#idle[kept++] = socket;
      else socket.destroy();
    }
    this.#idle.length = kept;
    return kept > 0;
  };
}
