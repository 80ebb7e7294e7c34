// Requests over undici 7, a Client (one socket, one request at a time) for each place that the target may fill. Not
// undici's Pool: a Client can be destroyed while it still connects, so a deadline frees its place at once.
// Never sends twice: a request that was written and not answered has failed, whatever the reason. What undici cannot say
// goes through the exact forwarder.

import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import type { buildConnector, Client } from 'undici';
import { ExactForwarder } from './exact-forwarder.ts';
import { answerFailureOf } from './failure.ts';
import type { Destination, Forwarder, ForwardHandle, ForwardListener } from './forwarder.ts';
import { type OutgoingSettings, outgoingSettingsOf } from './outgoing-settings.ts';
import type { FailedReason } from './reasons.ts';
import type { ReplayRequest } from './request.ts';
import { MAX_ANSWER_HEAD_BYTES } from './response-framer.ts';
import { isBeyondUndici, outgoingHead } from './undici-head.ts';

// Not loaded before it is chosen: most processes do without it.
const require = createRequire(import.meta.url);

/**
 * An idle socket is closed after this long, unless the answer's Keep-Alive says otherwise: sooner than servers do it
 * by themselves (2 s and more), because a request that meets the closing of its socket fails.
 */
const IDLE_SOCKET_MS = 1_500;

/** Sockets of one target. Idle ones are taken last in, first out: few stay warm, the others close. */
export class UndiciForwarder implements Forwarder {
  readonly #undici: typeof import('undici') = require('undici');
  readonly #settings: OutgoingSettings;
  readonly #origin: string;
  readonly #serverName: string;
  readonly #connect: buildConnector.connector;
  /** For what undici cannot say. */
  readonly #exact: ExactForwarder;
  readonly #idle: Client[] = [];
  readonly #busy = new Set<Client>();
  #finished: Exchange[] = [];
  #sentExactly = 0;
  #isClosed = false;

  constructor(destination: Destination) {
    const url = new URL(destination.url);
    this.#origin = url.origin;
    this.#serverName = url.hostname;
    this.#settings = outgoingSettingsOf(destination);
    this.#exact = new ExactForwarder(destination);
    const connector = this.#undici.buildConnector({
      rejectUnauthorized: !destination.insecure,
      // 0 is undici's word for no limit.
      timeout: Number.isFinite(destination.timeoutMs) ? destination.timeoutMs : 0,
      allowH2: false,
    });
    // The name in the handshake is the target's, whatever Host says.
    this.#connect = ({ servername: _fromHost, ...options }, callback) => connector(options, callback);
    this.refusal = this.#exact.refusal;
  }

  readonly refusal: Forwarder['refusal'];

  get sentExactly(): number {
    return this.#sentExactly;
  }

  readonly forward = (request: ReplayRequest, listener: ForwardListener): ForwardHandle => {
    if (isBeyondUndici(request)) return this.#forwardExactly(request, listener);
    const client = this.#idle.pop() ?? this.#openClient();
    this.#busy.add(client);
    const exchange = new Exchange(client, listener, this.#finish);
    const head = outgoingHead(request, this.#settings);
    const options = {
      method: head.method,
      path: head.path,
      headers: head.headers,
      body: bodyOf(request, head.isChunked),
      // undici would close the socket after each request with a body that its method does not expect. After HEAD it
      // should: servers that answer it with a body would spoil the next answer.
      reset: head.method === 'HEAD',
      servername: this.#serverName,
    };
    client.dispatch(options, exchange);
    if (!exchange.isRefused) return exchange;
    this.#release(client);
    return this.#forwardExactly(request, listener);
  };

  readonly close = async (): Promise<void> => {
    this.#isClosed = true;
    const clients = [...this.#idle.splice(0), ...this.#busy];
    this.#busy.clear();
    await Promise.all([...clients.map((client) => client.destroy()), this.#exact.close()]);
  };

  #forwardExactly(request: ReplayRequest, listener: ForwardListener): ForwardHandle {
    this.#sentExactly += 1;
    return this.#exact.forward(request, listener);
  }

  #openClient(): Client {
    return new this.#undici.Client(this.#origin, {
      connect: this.#connect,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: IDLE_SOCKET_MS,
      maxHeaderSize: MAX_ANSWER_HEAD_BYTES,
    });
  }

  /**
   * Called from within undici, which must not be given the next request before its own turn is over. And before a
   * socket is used again the loop goes round once: the end of a server that closes after its answer comes in with it.
   */
  readonly #finish = (exchange: Exchange): void => {
    if (this.#finished.push(exchange) === 1) setImmediate(this.#settleFinished);
  };

  readonly #settleFinished = (): void => {
    const finished = this.#finished;
    this.#finished = [];
    for (const exchange of finished) {
      this.#release(exchange.client);
      exchange.settle();
    }
  };

  #release(client: Client): void {
    this.#busy.delete(client);
    if (!this.#isClosed && !client.destroyed) this.#idle.push(client);
  }
}

/** One request and its answer: undici's handler on one side, the target's handle on the other. */
class Exchange implements ForwardHandle {
  readonly client: Client;
  /** undici did not take it: nothing was or will be sent, and nobody is told. */
  isRefused = false;
  readonly #listener: ForwardListener;
  readonly #finish: (exchange: Exchange) => void;
  #failure: FailedReason | undefined = undefined;
  /** Of the final answer; 0 until its head is whole. */
  #status = 0;
  #isFinished = false;
  #isSettled = false;

  constructor(client: Client, listener: ForwardListener, finish: (exchange: Exchange) => void) {
    this.client = client;
    this.#listener = listener;
    this.#finish = finish;
  }

  abort(reason: FailedReason): void {
    if (this.#isSettled) return;
    if (!this.#isFinished) {
      this.#isFinished = true;
      this.#failure = reason;
      // Also takes back what is not yet on a socket; the forwarder forgets destroyed clients.
      void this.client.destroy();
      this.#finish(this);
    }
    this.settle();
  }

  /** Tells the target, once. */
  settle(): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#listener.onEnd(this.#failure);
  }

  onConnect(): void {
    this.#listener.onSent();
  }

  onHeaders(status: number): boolean {
    if (status < 200) return true;
    this.#status = status;
    this.#listener.onStatus(status);
    return true;
  }

  onData(): boolean {
    return true;
  }

  onComplete(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#finish(this);
  }

  onError(error: unknown): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    const failure = answerFailureOf(error, this.#status);
    // Said before `dispatch` returns.
    this.isRefused = failure === 'cannot-send';
    if (failure === 'cannot-send') return;
    this.#failure = failure;
    this.#finish(this);
  }
}

function bodyOf(request: ReplayRequest, isChunked: boolean): Readable | Uint8Array | null {
  if (request.body.length === 0) return null;
  return isChunked ? Readable.from([request.body]) : request.body;
}
