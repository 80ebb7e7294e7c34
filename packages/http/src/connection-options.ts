// What an HttpConnection is given, and the shape of the stream handlers that it gives.

import type { Tunnel } from './framing.ts';
import type { MemoryBudget } from './memory-budget.ts';
import type { RequestLimits } from './options.ts';
import type { OtherProtocol } from './other-protocol.ts';
import type { RequestReject } from './reject.ts';
import type { HttpRequest } from './request.ts';
import type { HttpResponse } from './response.ts';
import type { ResponseReject } from './response-reject.ts';

/** Handlers may throw: see RequestParser. The limits are those of requests. */
export interface HttpConnectionOptions extends RequestLimits {
  /** Called once for each whole request, in order. Its bytes are valid until this returns. */
  readonly onRequest: (request: HttpRequest) => void;
  /** Called once for each request that was begun and is not delivered. */
  readonly onReject: (reject: RequestReject) => void;
  /**
   * Called once for each whole response, in order, interim ones too. Its bytes are valid until this returns. It may come before
   * its request is whole. Without it the server's stream is read for what it decides about the client's; no body is kept.
   */
  readonly onResponse?: ((response: HttpResponse) => void) | undefined;
  /** Called once for each response that was begun and is not delivered. */
  readonly onResponseReject?: ((reject: ResponseReject) => void) | undefined;
  /** Called at most once: the connection has left HTTP, by the server's word or, where that is not known, by how it looks. */
  readonly onOpaque?: ((tunnel: Tunnel) => void) | undefined;
  /** Called at most once: a stream began with something else than HTTP. `unknown` comes at the end, if nothing better did. */
  readonly onOtherProtocol?: ((protocol: OtherProtocol) => void) | undefined;
  /** Called once, behind all of the client's messages. */
  readonly onClientEnd?: ((timestampUs: number) => void) | undefined;
  /** Called once, behind all of the server's messages: then its counters are final. */
  readonly onServerEnd?: ((timestampUs: number) => void) | undefined;
  /**
   * Whether the client's packets are captured, though no bytes of it may have come yet: then a response waits for its request
   * from the start. Default: false until its first bytes.
   */
  readonly isClientCaptured?: boolean | undefined;
  /** Memory for the client's side, shared with other connections; default: a budget of its own with the default limits. */
  readonly budget?: MemoryBudget | undefined;
  /** The same for the server's side. One side's memory never makes the other's room. */
  readonly responseBudget?: MemoryBudget | undefined;
  /** Limits of responses; default: the same defaults as those of requests. */
  readonly responseLimits?: RequestLimits | undefined;
}

/** What is to be told of one stream of a TCP connection: `start` before its first bytes, then these in their order, `end` once. */
export interface HttpStream {
  /** `midstream`: the stream's beginning was not captured. */
  readonly start: (at: 'handshake' | 'midstream', timestampUs: number) => void;
  /** The next bytes; they are only lent. */
  readonly data: (bytes: Uint8Array, timestampUs: number) => void;
  /** So many bytes are lost for good. */
  readonly gap: (length: number, timestampUs: number) => void;
  /** `fin`: the sender closed it, so that a body which lasts until then is whole; every other reason leaves it cut. */
  readonly end: (reason: string, timestampUs: number) => void;
}
