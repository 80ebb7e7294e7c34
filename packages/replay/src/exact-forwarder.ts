// Requests as they were captured, on keep-alive sockets, one request at a time on each: what is changed on the way is
// `outgoingChanges.exact`, and no more. Never sends twice: a request that was written and not answered has failed.

import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import { cannotBeWritten, ExactWriter } from './exact-message.ts';
import { type Endpoint, type ExactExchange, ExactSocket, type SocketOwner } from './exact-socket.ts';
import type { Destination, Forwarder, ForwardHandle, ForwardListener } from './forwarder.ts';
import { outgoingSettingsOf } from './outgoing-settings.ts';
import type { SkippedReason } from './reasons.ts';
import { endsHttp } from './refusal.ts';
import type { ReplayRequest } from './request.ts';
import type { SessionSocketCounts } from './session-socket-counts.ts';
import { SessionSockets } from './session-sockets.ts';

/** Time between two looks at idle sockets. */
const SWEEP_MS = 250;

/**
 * An idle socket is closed after so many looks, 1.5 s, or after half of what the answer's Keep-Alive says: sooner than
 * servers do it by themselves (2 s and more), because a request that meets the closing of its socket fails.
 */
const IDLE_SWEEPS = 6;

const READ_BUFFER_BYTES = 64 * 1024;

/**
 * Sockets of one target. Idle ones are taken last in, first out: few stay warm, the others close. With `sessions` each
 * captured connection has one of its own instead, and they say which.
 */
export class ExactForwarder implements Forwarder {
  readonly #owner: SocketOwner;
  readonly #sockets = new Set<ExactSocket>();
  /** Some of them may have closed since. */
  readonly #idle: ExactSocket[] = [];
  readonly #sessions: SessionSockets<ExactSocket> | undefined;
  /** Finished since the loop last looked for input; before that; and a list to use again. */
  #fresh: ExactExchange[] = [];
  #ripe: ExactExchange[] = [];
  #settled: ExactExchange[] = [];
  #isSettlingScheduled = false;
  #sweepTimer: NodeJS.Timeout | undefined;
  #sweeps = 0;
  #isClosed = false;
  #onAllGone: (() => void)[] = [];

  constructor(destination: Destination) {
    this.#owner = {
      writer: new ExactWriter(outgoingSettingsOf(destination)),
      endpoint: endpointOf(destination),
      readBuffer: new Uint8Array(READ_BUFFER_BYTES),
      sessions: destination.sessions,
      onFinished: this.#onFinished,
      onDestroyed: (socket) => this.#sessions?.gone(socket),
      onGone: this.#onGone,
    };
    const { sessions, maxSessionSockets } = destination;
    this.#sessions = sessions ? new SessionSockets(maxSessionSockets, () => this.#open()) : undefined;
  }

  get sessionSockets(): SessionSocketCounts | undefined {
    return this.#sessions?.counts();
  }

  readonly refusal = (request: ReplayRequest): SkippedReason | undefined =>
    endsHttp(request) ?? (cannotBeWritten(request) ? 'cannot-send' : undefined);

  readonly forward = (request: ReplayRequest, listener: ForwardListener): ForwardHandle => {
    if (this.#isClosed) {
      listener.onEnd('closed');
      return NOTHING_TO_ABORT;
    }
    return this.#take(request.connection).carry(request, listener);
  };

  readonly endConnection = (connection: string | number): void => this.#sessions?.end(connection);

  readonly close = async (): Promise<void> => {
    this.#isClosed = true;
    clearInterval(this.#sweepTimer);
    this.#sweepTimer = undefined;
    this.#idle.length = 0;
    this.#sessions?.clear();
    for (const socket of this.#sockets) socket.close();
    if (this.#sockets.size > 0) await new Promise<void>((resolve) => this.#onAllGone.push(resolve));
  };

  #take(connection: string | number): ExactSocket {
    if (this.#sessions === undefined) return this.#takeIdle() ?? this.#open();
    this.#startSweeping();
    return this.#sessions.take(connection);
  }

  #takeIdle(): ExactSocket | undefined {
    for (let socket = this.#idle.pop(); socket !== undefined; socket = this.#idle.pop()) {
      if (socket.isFree) return socket;
    }
    return undefined;
  }

  #open(): ExactSocket {
    const socket = new ExactSocket(this.#owner);
    this.#sockets.add(socket);
    return socket;
  }

  readonly #onFinished = (exchange: ExactExchange): void => {
    this.#fresh.push(exchange);
    this.#scheduleSettling();
  };

  #scheduleSettling(): void {
    if (this.#isSettlingScheduled) return;
    this.#isSettlingScheduled = true;
    setImmediate(this.#settleRipe);
  }

  /**
   * Before a socket is used again the loop looks for input once more: the end of a server that closes after its answer
   * comes in with it, and so does what it says too much. This runs after each such look.
   */
  readonly #settleRipe = (): void => {
    this.#isSettlingScheduled = false;
    const settling = this.#ripe;
    this.#ripe = this.#fresh;
    this.#fresh = this.#settled;
    if (this.#ripe.length > 0) this.#scheduleSettling();
    for (const exchange of settling) {
      if (this.#sessions === undefined) this.#release(exchange.socket);
      else this.#releaseSession(this.#sessions, exchange.socket);
      exchange.settle();
    }
    settling.length = 0;
    this.#settled = settling;
  };

  #release(socket: ExactSocket): void {
    socket.release();
    const { keepAliveSeconds } = socket;
    const said = keepAliveSeconds < 0 ? IDLE_SWEEPS : Math.floor((keepAliveSeconds * 1000) / 2 / SWEEP_MS);
    // Not all written: the server answered without having read the request, and may take what follows for the rest of it.
    if (this.#isClosed || said === 0 || !socket.isFree) return socket.destroy();
    socket.idleUntil = this.#sweeps + Math.min(IDLE_SWEEPS, said);
    this.#idle.push(socket);
    this.#startSweeping();
  }

  #releaseSession(sessions: SessionSockets<ExactSocket>, socket: ExactSocket): void {
    socket.release();
    if (this.#isClosed) return socket.destroy();
    sessions.release(socket);
    this.#startSweeping();
  }

  #startSweeping(): void {
    this.#sweepTimer ??= setInterval(this.#sweep, SWEEP_MS).unref();
  }

  /** Closes those whose time is over, the ones idle for longest first among them. */
  readonly #sweep = (): void => {
    this.#sweeps += 1;
    let kept = 0;
    for (const socket of this.#idle) {
      if (socket.isFree && socket.idleUntil > this.#sweeps) this.#idle[kept++] = socket;
      else socket.destroy();
    }
    this.#idle.length = kept;
    this.#sessions?.look();
    if (kept > 0 || this.#sessions?.isEmpty === false) return;
    clearInterval(this.#sweepTimer);
    this.#sweepTimer = undefined;
  };

  readonly #onGone = (socket: ExactSocket): void => {
    this.#sockets.delete(socket);
    this.#sessions?.gone(socket);
    if (this.#sockets.size > 0) return;
    for (const resolve of this.#onAllGone.splice(0)) resolve();
  };
}

const NOTHING_TO_ABORT: ForwardHandle = { abort: () => {} };

/** Names are looked up anew at each connection. */
function endpointOf({ url, insecure }: Destination): Endpoint {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const isTls = protocol === 'https:';
  return {
    host,
    port: port === '' ? (isTls ? 443 : 80) : Number(port),
    // The name in the handshake is the target's, whatever Host says; RFC 6066 allows no addresses there.
    tls: isTls
      ? {
          secureContext: createSecureContext(),
          servername: isIP(host) === 0 ? host : '',
          rejectUnauthorized: !insecure,
          ALPNProtocols: ['http/1.1'],
        }
      : undefined,
    session: undefined,
  };
}
