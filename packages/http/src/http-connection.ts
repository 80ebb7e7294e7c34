// Both streams of one connection: requests and responses, which belongs to which, and what the server's word decides
// about the client's stream. Source: RFC 9112 §9.2, §9.3.2, RFC 9110 §7.8, §9.3.6, §10.1.1.

import { ClientStream } from './client-stream.ts';
import type { HttpConnectionOptions, HttpStream } from './connection-options.ts';
import type { Tunnel } from './framing.ts';
import { MemoryBudget } from './memory-budget.ts';
import type { OtherProtocol } from './other-protocol.ts';
import { Pairing } from './pairing.ts';
import type { ParserCounters, ResponseCounters } from './parser-counters.ts';
import { ServerStream } from './server-stream.ts';

/**
 * Reads one connection. `client` and `server` are what its two streams are to be told to; either may stay silent for ever.
 * Never throws for what the bytes are. All work is done within these calls; times are only compared with each other.
 */
export class HttpConnection {
  /** Takes what the client sends. */
  readonly client: HttpStream;
  /** Takes what the server sends. */
  readonly server: HttpStream;
  readonly #options: HttpConnectionOptions;
  readonly #requests: ClientStream;
  readonly #responses: ServerStream;
  #isOpaqueTold = false;
  #protocol: OtherProtocol | undefined;
  #isProtocolTold = false;

  /** Throws TypeError for a missing handler, RangeError for a limit out of its range. */
  constructor(options: HttpConnectionOptions) {
    if (typeof options.onRequest !== 'function') throw new TypeError('onRequest must be a function');
    if (typeof options.onReject !== 'function') throw new TypeError('onReject must be a function');
    this.#options = options;
    const { budget = new MemoryBudget(), responseBudget = new MemoryBudget() } = options;
    const pairing = new Pairing(budget);
    const tell = {
      opaque: (tunnel: Tunnel) => this.#tellOpaque(tunnel),
      protocol: (protocol: OtherProtocol) => this.#tellProtocol(protocol),
    };
    const requests = new ClientStream(options, budget, pairing, tell);
    const responses = new ServerStream(options, responseBudget, pairing, requests, tell);
    this.#requests = requests;
    this.#responses = responses;
    this.client = {
      start: (at) => requests.start(at),
      data: (bytes, timestampUs) => {
        requests.data(bytes, timestampUs);
        responses.goOn(timestampUs);
      },
      gap: (length, timestampUs) => {
        requests.gap(length, timestampUs);
        responses.goOn(timestampUs);
      },
      end: (_, timestampUs) => {
        requests.end(timestampUs);
        responses.goOn(timestampUs);
        this.#endIfOver();
      },
    };
    this.server = {
      start: (at) => responses.start(at),
      data: (bytes, timestampUs) => responses.data(bytes, timestampUs),
      gap: (length, timestampUs) => responses.gap(length, timestampUs),
      end: (reason, timestampUs) => {
        responses.end(timestampUs, reason === 'fin');
        this.#endIfOver();
      },
    };
  }

  /** What was counted of the client's stream; one object for the connection's whole life. */
  get requestCounters(): ParserCounters {
    return this.#requests.counters;
  }

  /** What was counted of the server's stream; one object for the connection's whole life. */
  get responseCounters(): ResponseCounters {
    return this.#responses.counters;
  }

  /** Whether a request is begun and neither delivered nor rejected yet. */
  get isInRequest(): boolean {
    return this.#requests.isInRequest;
  }

  /** Whether a response is begun and neither delivered nor rejected yet. */
  get isInResponse(): boolean {
    return this.#responses.isInResponse;
  }

  /** Bytes told that are not counted anywhere yet: those of unfinished messages, and those that wait for the other side's word. */
  get pendingBytes(): { readonly client: number; readonly server: number } {
    return { client: this.#requests.pendingBytes, server: this.#responses.pendingBytes };
  }

  #tellOpaque(tunnel: Tunnel): void {
    if (this.#isOpaqueTold) return;
    this.#isOpaqueTold = true;
    this.#options.onOpaque?.(tunnel);
  }

  #tellProtocol(protocol: OtherProtocol): void {
    this.#protocol = protocol;
    if (protocol === 'unknown' || this.#isProtocolTold) return;
    this.#isProtocolTold = true;
    this.#options.onOtherProtocol?.(protocol);
  }

  #endIfOver(): void {
    if (!this.#requests.isOver || !this.#responses.isOver || this.#isProtocolTold) return;
    if (this.#protocol === undefined) return;
    this.#isProtocolTold = true;
    this.#options.onOtherProtocol?.(this.#protocol);
  }
}
