// One socket of the exact forwarder, and the one request at a time that it carries. Writes a request once, whole; reads
// its answer to the end through the framer, and keeps nothing of it.

import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { type ExactWriter, exactBody } from './exact-message.ts';
import { socketFailureOf } from './failure.ts';
import type { ForwardHandle, ForwardListener } from './forwarder.ts';
import type { FailedReason } from './reasons.ts';
import type { ReplayRequest } from './request.ts';
import { ResponseFramer } from './response-framer.ts';

/** What the sockets of one target have in common. */
export interface SocketOwner {
  readonly writer: ExactWriter;
  /** Where to connect to; `session` is the last one that a server gave. */
  readonly endpoint: Endpoint;
  /** Every socket reads into it, one after the other: nothing that was read is kept. */
  readonly readBuffer: Uint8Array;
  /** Each socket is of one captured connection, and lives as that did. */
  readonly sessions: boolean;
  /** The exchange has its answer, or has failed; `settle` is to be called once this turn of the loop is over. */
  readonly onFinished: (exchange: ExactExchange) => void;
  /** The socket is closed, and nothing more can go out on it; `onGone` is yet to come. May be called more than once. */
  readonly onDestroyed: (socket: ExactSocket) => void;
  /** The socket is closed for good. */
  readonly onGone: (socket: ExactSocket) => void;
}

/** Where to connect to, and how. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** For https. */
  readonly tls: ConnectionOptions | undefined;
  session: Buffer | undefined;
}

/** One request and its answer: the target's handle. */
export class ExactExchange implements ForwardHandle {
  readonly socket: ExactSocket;
  readonly request: ReplayRequest;
  readonly listener: ForwardListener;
  failure: FailedReason | undefined = undefined;
  /** Answered or failed, and perhaps not yet told. */
  isFinished = false;
  #isSettled = false;

  constructor(socket: ExactSocket, request: ReplayRequest, listener: ForwardListener) {
    this.socket = socket;
    this.request = request;
    this.listener = listener;
  }

  abort(reason: FailedReason): void {
    if (this.#isSettled) return;
    if (!this.isFinished) this.socket.fail(this, reason);
    this.settle();
  }

  /** Tells the target, once. */
  settle(): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.listener.onEnd(this.failure);
  }
}

/** A connection to the target, from its opening to its end. */
export class ExactSocket {
  /** When it is closed for idleness, in the pool's count of time. */
  idleUntil = 0;
  /** The captured connection that it belongs to; `undefined` where it belongs to none. */
  connection: string | number | undefined = undefined;
  /** The target closed or reset it, or answered so that no request can follow. */
  isEndedByTarget = false;
  readonly #owner: SocketOwner;
  readonly #socket: Socket;
  readonly #framer = new ResponseFramer();
  #exchange: ExactExchange | undefined = undefined;
  #isConnected = false;

  constructor(owner: SocketOwner) {
    this.#owner = owner;
    const { endpoint, readBuffer } = owner;
    const options = {
      host: endpoint.host,
      port: endpoint.port,
      onread: { buffer: readBuffer, callback: this.#onRead },
    };
    const { tls, session } = endpoint;
    if (tls === undefined) {
      this.#socket = connectTcp(options, this.#onConnect);
    } else {
      this.#socket = connectTls(
        { ...options, ...tls, ...(session === undefined ? {} : { session }) },
        this.#onConnect,
      ).on('session', (fresh: Buffer) => {
        endpoint.session = fresh;
      });
    }
    this.#socket.setNoDelay(true);
    this.#socket.on('end', this.#onEnd).on('error', this.#onError).on('close', this.#onClose);
  }

  /** Open, with nothing on it, and everything written that was to be: the next request may have it. */
  get isFree(): boolean {
    return !this.#socket.destroyed && this.#exchange === undefined && this.#socket.writableLength === 0;
  }

  /** Open or opening, with a request on it. */
  get isBusy(): boolean {
    return !this.#socket.destroyed && this.#exchange !== undefined;
  }

  /** Seconds that the last answer said it is kept; -1: it said nothing. */
  get keepAliveSeconds(): number {
    return this.#framer.keepAliveSeconds;
  }

  /** Carries a request, at once or when the connection is open. Only while it is new or free. */
  carry(request: ReplayRequest, listener: ForwardListener): ExactExchange {
    const exchange = new ExactExchange(this, request, listener);
    this.#exchange = exchange;
    this.#framer.open(request.method === 'HEAD');
    if (this.#isConnected) this.#write(exchange);
    return exchange;
  }

  /** Ends the exchange in vain, and the connection. */
  fail(exchange: ExactExchange, reason: FailedReason): void {
    exchange.failure = reason;
    this.destroy();
    this.#finish(exchange);
  }

  /** The exchange is over and told: the socket is free, if it is still open. */
  release(): void {
    this.#exchange = undefined;
  }

  /** Ends it, and what is on it as `closed`. */
  close(): void {
    this.#exchange?.abort('closed');
    this.destroy();
  }

  /** Closes it in order, TLS too: its end goes out behind all that was written. Only while it is free. */
  end(): void {
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
    this.#owner.onDestroyed(this);
  }

  #write({ request, listener }: ExactExchange): void {
    const socket = this.#socket;
    const message = this.#owner.writer.message(request);
    const body = exactBody(request);
    if (body === undefined) socket.write(message, 'latin1');
    else {
      socket.cork();
      socket.write(message, 'latin1');
      for (const piece of body) socket.write(piece);
      socket.uncork();
    }
    listener.onSent();
  }

  #finish(exchange: ExactExchange): void {
    exchange.isFinished = true;
    this.#owner.onFinished(exchange);
  }

  readonly #onConnect = (): void => {
    this.#isConnected = true;
    const exchange = this.#exchange;
    if (exchange !== undefined && !exchange.isFinished) this.#write(exchange);
  };

  /** The buffer holds the bytes only until this returns. */
  readonly #onRead = (length: number, bytes: Uint8Array): boolean => {
    const exchange = this.#exchange;
    // Bytes that nobody asked for, between two requests or behind an answer: the connection is not to be trusted.
    if (exchange === undefined || exchange.isFinished) {
      this.isEndedByTarget = true;
      this.destroy();
      return false;
    }
    const framer = this.#framer;
    const statusBefore = framer.status;
    const progress = framer.push(bytes, length);
    if (framer.status !== statusBefore) exchange.listener.onStatus(framer.status);
    if (progress === 'more' || exchange.isFinished) return true;
    if (progress === 'bad-answer') {
      this.isEndedByTarget = true;
      this.fail(exchange, progress);
    } else this.#answered(exchange);
    return true;
  };

  #answered(exchange: ExactExchange): void {
    if (!this.#framer.isPersistent) {
      this.isEndedByTarget = true;
      this.destroy();
    } else if (exchange.request.method === 'HEAD' && !this.#owner.sessions) {
      // Servers that answer HEAD with a body would spoil the next answer: its socket is not used again.
      this.destroy();
    }
    this.#finish(exchange);
  }

  /** The server closed its side. */
  readonly #onEnd = (): void => {
    this.isEndedByTarget = true;
    const exchange = this.#exchange;
    if (exchange === undefined || exchange.isFinished) this.destroy();
    else if (this.#framer.isEndedByClose()) this.#answered(exchange);
    else this.fail(exchange, 'closed-early');
  };

  readonly #onError = (error: unknown): void => {
    if (this.#isConnected) this.isEndedByTarget = true;
    const exchange = this.#exchange;
    if (exchange === undefined || exchange.isFinished) return;
    this.fail(exchange, socketFailureOf(error, this.#isConnected));
  };

  /** After `error` or `end`, as a rule; never without having told. */
  readonly #onClose = (): void => {
    const exchange = this.#exchange;
    if (exchange !== undefined && !exchange.isFinished) this.fail(exchange, 'closed-early');
    this.#owner.onGone(this);
  };
}
