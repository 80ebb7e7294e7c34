// Both streams of one connection: requests and responses, which belongs to which, and what the server's word decides
// about the client's stream. Source: RFC 9112 §9.2, §9.3.2, RFC 9110 §7.8, §9.3.6, §10.1.1.

import { ClientStream, type StreamNews } from './client-stream.ts';
import type { HttpConnectionOptions, HttpStream } from './connection-options.ts';
import type { Tunnel } from './framing.ts';
import { MemoryBudget } from './memory-budget.ts';
import { resolveLimits } from './options.ts';
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
  readonly #news: StreamNews;
  readonly #pairing: Pairing;
  readonly #requests: ClientStream;
  /** Made when the server is first heard of: many connections have a client's side only. */
  #responses: ServerStream | undefined;
  #isServerOver = false;
  #isOpaqueTold = false;
  #protocol: OtherProtocol | undefined;
  #isProtocolTold = false;

  /** Throws TypeError for a missing handler, RangeError for a limit out of its range. */
  constructor(options: HttpConnectionOptions) {
    if (typeof options.onRequest !== 'function') throw new TypeError('onRequest must be a function');
    if (typeof options.onReject !== 'function') throw new TypeError('onReject must be a function');
    resolveLimits(options.responseLimits ?? {});
    this.#options = options;
    const { budget = new MemoryBudget() } = options;
    this.#pairing = new Pairing(budget);
    this.#news = {
      opaque: (tunnel) => this.#tellOpaque(tunnel),
      protocol: (protocol) => this.#tellProtocol(protocol),
    };
    this.#requests = new ClientStream(options, budget, this.#pairing, this.#news);
    this.client = {
      start: (at) => this.#requests.start(at),
      data: (bytes, timestampUs) => {
        this.#requests.data(bytes, timestampUs);
        this.#responses?.goOn(timestampUs);
      },
      gap: (length, timestampUs) => {
        this.#requests.gap(length, timestampUs);
        this.#responses?.goOn(timestampUs);
      },
      end: (_, timestampUs) => this.#endClient(timestampUs),
    };
    this.server = {
      start: (at) => this.#openServer().start(at),
      data: (bytes, timestampUs) => this.#openServer().data(bytes, timestampUs),
      gap: (length, timestampUs) => this.#openServer().gap(length, timestampUs),
      end: (reason, timestampUs) => this.#endServer(reason, timestampUs),
    };
  }

  /** What was counted of the client's stream; one object for the connection's whole life. */
  get requestCounters(): ParserCounters {
    return this.#requests.counters;
  }

  /** What was counted of the server's stream; one object for the connection's whole life. */
  get responseCounters(): ResponseCounters {
    return this.#openServer().counters;
  }

  /** Whether a request is begun and neither delivered nor rejected yet. */
  get isInRequest(): boolean {
    return this.#requests.isInRequest;
  }

  /** Whether a response is begun and neither delivered nor rejected yet. */
  get isInResponse(): boolean {
    return this.#responses?.isInResponse ?? false;
  }

  /** Whether anything of the server was seen: else its counters are all at 0. */
  get hasServer(): boolean {
    return this.#responses !== undefined;
  }

  /** Bytes told that are not counted anywhere yet: those of unfinished messages, and those that wait for the other side's word. */
  get pendingBytes(): { readonly client: number; readonly server: number } {
    return { client: this.#requests.pendingBytes, server: this.#responses?.pendingBytes ?? 0 };
  }

  #openServer(): ServerStream {
    if (this.#responses === undefined) {
      const { responseBudget = new MemoryBudget() } = this.#options;
      this.#responses = new ServerStream(this.#options, responseBudget, this.#pairing, this.#requests, this.#news);
    }
    return this.#responses;
  }

  #endClient(timestampUs: number): void {
    this.#requests.end(timestampUs);
    this.#responses?.goOn(timestampUs);
    this.#endIfOver();
    this.#options.onClientEnd?.(timestampUs);
  }

  #endServer(reason: string, timestampUs: number): void {
    this.#responses?.end(timestampUs, reason === 'fin');
    this.#pairing.close();
    this.#isServerOver = true;
    this.#endIfOver();
    this.#options.onServerEnd?.(timestampUs);
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
    if (!this.#requests.isOver || !this.#isServerOver || this.#isProtocolTold) return;
    if (this.#protocol === undefined) return;
    this.#isProtocolTold = true;
    this.#options.onOtherProtocol?.(this.#protocol);
  }
}
