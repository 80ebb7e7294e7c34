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
import { MAX_SESSION_SOCKETS, type SessionSocketCounters, SessionSockets } from './session-sockets.ts';
import { IdleSockets, type SocketPool, SWEEP_MS } from './socket-pool.ts';

const READ_BUFFER_BYTES = 64 * 1024;

/** Sockets of one target. Which of them carries a request is its pool's business. */
export class ExactForwarder implements Forwarder {
  readonly #owner: SocketOwner;
  readonly #sockets = new Set<ExactSocket>();
  readonly #sessions: SessionSockets<ExactSocket> | undefined;
  readonly #pool: SocketPool<ExactSocket>;
  /** Finished since the loop last looked for input; before that; and a list to use again. */
  #fresh: ExactExchange[] = [];
  #ripe: ExactExchange[] = [];
  #settled: ExactExchange[] = [];
  #isSettlingScheduled = false;
  #sweepTimer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #onAllGone: (() => void)[] = [];

  constructor(destination: Destination) {
    this.#sessions = destination.sessions
      ? new SessionSockets(Math.max(MAX_SESSION_SOCKETS, destination.connections + 1))
      : undefined;
    this.#pool = this.#sessions ?? new IdleSockets();
    this.#owner = {
      writer: new ExactWriter(outgoingSettingsOf(destination)),
      endpoint: endpointOf(destination),
      readBuffer: new Uint8Array(READ_BUFFER_BYTES),
      onFinished: this.#onFinished,
      onGone: this.#onGone,
    };
  }

  readonly refusal = (request: ReplayRequest): SkippedReason | undefined =>
    endsHttp(request) ?? (cannotBeWritten(request) ? 'cannot-send' : undefined);

  readonly forward = (request: ReplayRequest, listener: ForwardListener): ForwardHandle => {
    if (this.#isClosed) {
      listener.onEnd('closed');
      return NOTHING_TO_ABORT;
    }
    return (this.#pool.take(request) ?? this.#open(request)).carry(request, listener);
  };

  /** With sessions: the client closed its connection. */
  readonly endConnection = (connection: string | number): void => this.#sessions?.endConnection(connection);

  /** With sessions: what became of the sockets of captured connections. */
  get sessionSockets(): SessionSocketCounters | undefined {
    return this.#sessions?.counters();
  }

  readonly close = async (): Promise<void> => {
    this.#isClosed = true;
    clearInterval(this.#sweepTimer);
    for (const socket of this.#sockets) socket.close();
    if (this.#sockets.size > 0) await new Promise<void>((resolve) => this.#onAllGone.push(resolve));
  };

  #open(request: ReplayRequest): ExactSocket {
    const socket = new ExactSocket(this.#owner);
    this.#sockets.add(socket);
    this.#pool.opened(socket, request);
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
      this.#release(exchange.socket);
      exchange.settle();
    }
    settling.length = 0;
    this.#settled = settling;
  };

  #release(socket: ExactSocket): void {
    socket.release();
    if (!this.#isClosed) this.#sweepTimer ??= setInterval(this.#sweep, SWEEP_MS).unref();
    // Not all written: the server answered without having read the request, and may take what follows for the rest of it.
    if (this.#isClosed || !socket.isFree || !this.#pool.keep(socket)) {
      this.#pool.lose(socket);
      socket.destroy();
    }
  }

  readonly #sweep = (): void => {
    if (this.#pool.sweep()) return;
    clearInterval(this.#sweepTimer);
    this.#sweepTimer = undefined;
  };

  readonly #onGone = (socket: ExactSocket): void => {
    this.#sockets.delete(socket);
    this.#pool.lose(socket);
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
