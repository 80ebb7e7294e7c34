// Requests over undici 7, a Client (one socket, one request at a time) for each place that the target may fill. Not
// undici's Pool: a Client can be destroyed while it still connects, so a deadline frees its place at once.
// Never sends twice: a request that was written and not answered has failed, whatever the reason.

import { Readable } from 'node:stream';
import { buildConnector, Client } from 'undici';
import { failureOf } from './failure.ts';
import type { Destination, Forwarder, ForwardHandle, ForwardListener } from './forwarder.ts';
import { type OutgoingSettings, outgoingHead, refusalOf } from './outgoing.ts';
import type { FailedReason } from './reasons.ts';
import type { ReplayRequest } from './request.ts';

/**
 * An idle socket is closed after this long, unless the answer's Keep-Alive says otherwise: sooner than servers do it
 * by themselves (2 s and more), because a request that meets the closing of its socket fails.
 */
const IDLE_SOCKET_MS = 1_500;

const MAX_ANSWER_HEAD_BYTES = 64 * 1024;

/** Sockets of one target. Idle ones are taken last in, first out: few stay warm, the others close. */
export class UndiciForwarder implements Forwarder {
  readonly #settings: OutgoingSettings;
  readonly #origin: string;
  readonly #serverName: string;
  readonly #connect: buildConnector.connector;
  readonly #idle: Client[] = [];
  readonly #busy = new Set<Client>();
  #isClosed = false;

  constructor(destination: Destination) {
    const url = new URL(destination.url);
    this.#origin = url.origin;
    this.#serverName = url.hostname;
    this.#settings = {
      authority: url.host,
      basePath: url.pathname.replace(/\/+$/, ''),
      originalHost: destination.originalHost,
      mark: destination.mark,
    };
    const connector = buildConnector({
      rejectUnauthorized: !destination.insecure,
      timeout: destination.timeoutMs,
      allowH2: false,
    });
    // The name in the handshake is the target's, whatever Host says.
    this.#connect = ({ servername: _fromHost, ...options }, callback) => connector(options, callback);
  }

  readonly refusal = refusalOf;

  readonly forward = (request: ReplayRequest, listener: ForwardListener): ForwardHandle => {
    const client = this.#idle.pop() ?? this.#openClient();
    this.#busy.add(client);
    const exchange = new Exchange(client, listener, this.#release);
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
    return exchange;
  };

  readonly close = async (): Promise<void> => {
    this.#isClosed = true;
    const clients = [...this.#idle.splice(0), ...this.#busy];
    this.#busy.clear();
    await Promise.all(clients.map((client) => client.destroy()));
  };

  #openClient(): Client {
    return new Client(this.#origin, {
      connect: this.#connect,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: IDLE_SOCKET_MS,
      maxHeaderSize: MAX_ANSWER_HEAD_BYTES,
    });
  }

  readonly #release = (client: Client): void => {
    this.#busy.delete(client);
    if (this.#isClosed || client.destroyed) return;
    this.#idle.push(client);
  };
}

/** One request and its answer: undici's handler on one side, the target's handle on the other. */
class Exchange implements ForwardHandle {
  readonly #client: Client;
  readonly #listener: ForwardListener;
  readonly #release: (client: Client) => void;
  #abortSocket: (() => void) | undefined;
  #isOver = false;

  constructor(client: Client, listener: ForwardListener, release: (client: Client) => void) {
    this.#client = client;
    this.#listener = listener;
    this.#release = release;
  }

  readonly abort = (reason: FailedReason): void => {
    if (this.#isOver) return;
    this.#isOver = true;
    // Not yet on a socket, undici has no way to take a request back but to destroy its client.
    if (this.#abortSocket === undefined) void this.#client.destroy();
    else this.#abortSocket();
    this.#end(reason);
  };

  onConnect(abortSocket: () => void): void {
    this.#abortSocket = abortSocket;
    this.#listener.onSent();
  }

  onHeaders(status: number): boolean {
    if (status >= 200) this.#listener.onStatus(status);
    return true;
  }

  onData(): boolean {
    return true;
  }

  onComplete(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#end(undefined);
  }

  onError(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#end(failureOf(error));
  }

  #end(reason: FailedReason | 'cannot-send' | undefined): void {
    this.#release(this.#client);
    this.#listener.onEnd(reason);
  }
}

function bodyOf(request: ReplayRequest, isChunked: boolean): Readable | Uint8Array | null {
  if (request.body.length === 0) return null;
  return isChunked ? Readable.from([request.body]) : request.body;
}
