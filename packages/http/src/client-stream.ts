// The client's stream of a connection: requests, and what the server's answers say about what follows them.

import type { HttpConnectionOptions } from './connection-options.ts';
import { expectsContinue, successorOf, type Tunnel } from './framing.ts';
import { HeldBytes } from './held-bytes.ts';
import type { MemoryBudget } from './memory-budget.ts';
import { MessageReader } from './message-reader.ts';
import { resolveLimits } from './options.ts';
import type { OtherProtocol } from './other-protocol.ts';
import type { Pairing, WaitingRequest } from './pairing.ts';
import type { ParserCounters } from './parser-counters.ts';
import { PushOrder } from './push-order.ts';
import type { RejectReason } from './reject.ts';
import type { RequestLine } from './request-line.ts';
import { RequestSide } from './request-side.ts';
import { startsTrustedRequest } from './resync.ts';

/** What a stream tells its connection. */
export interface StreamNews {
  /** The connection left HTTP. */
  readonly opaque: (tunnel: Tunnel) => void;
  /** Its first bytes are no HTTP. */
  readonly protocol: (protocol: OtherProtocol) => void;
}

/** Reads requests, tells the pairing of each. */
export class ClientStream {
  /** Whether anything of it was seen. */
  isSeen: boolean;
  /** Whether it has ended. */
  isOver = false;
  /** A protocol with a name was recognised: the server speaks it, too. */
  isForeign = false;
  /** The server refused a body before it came: what comes next is the body all the same, or the next request. */
  #isBodyDoubtful = false;
  readonly #side: RequestSide;
  readonly #reader: MessageReader<RejectReason>;
  readonly #order: PushOrder<RejectReason>;
  readonly #pairing: Pairing;
  readonly #budget: MemoryBudget;
  #held: HeldBytes | undefined;

  constructor(options: HttpConnectionOptions, budget: MemoryBudget, pairing: Pairing, news: StreamNews) {
    this.#pairing = pairing;
    this.isSeen = options.isClientCaptured === true;
    this.#budget = budget;
    const onOtherProtocol = (protocol: OtherProtocol): void => {
      this.isForeign = protocol !== 'unknown';
      news.protocol(protocol);
    };
    const { onRequest, onReject } = options;
    this.#side = new RequestSide({ onRequest, onReject, onOpaque: news.opaque, onOtherProtocol }, this);
    this.#reader = new MessageReader<RejectReason>(this.#side, resolveLimits(options), budget, false);
    this.#order = new PushOrder(this.#reader, budget);
  }

  get counters(): ParserCounters {
    return this.#side.counters;
  }

  get isInRequest(): boolean {
    return this.#reader.isBegun;
  }

  get pendingBytes(): number {
    return this.#reader.bytes.length + (this.#held?.byteCount ?? 0);
  }

  /** Whether another request may come: else no response need wait for one. */
  get mayGoOn(): boolean {
    return this.isSeen && !this.isOver && !this.#reader.isOpaque;
  }

  /** Of the watch: a request's head is known. */
  request(index: number, { method, target }: RequestLine, decisive: readonly string[], firstByteUs: number): void {
    const reference = { index, method, target };
    const tunnel = successorOf(method, decisive);
    this.#pairing.add({ reference, firstByteUs, expectsContinue: expectsContinue(decisive), tunnel });
  }

  /** Of the watch: the stream is out of step. */
  lost(): void {
    this.#pairing.loseRequests();
  }

  start(at: 'handshake' | 'midstream'): void {
    this.isSeen = true;
    if (at === 'midstream') this.#reader.startMidstream();
  }

  data(bytes: Uint8Array, timestampUs: number): void {
    this.isSeen = true;
    if (!this.#isBodyDoubtful) {
      this.#order.push(bytes, timestampUs);
    } else {
      this.#hold(bytes, timestampUs);
    }
    this.#pairing.account(timestampUs);
  }

  gap(length: number, timestampUs: number): void {
    this.isSeen = true;
    this.#release(timestampUs);
    this.#order.gap(length, timestampUs);
  }

  end(timestampUs: number): void {
    this.#release(timestampUs);
    this.isOver = true;
    this.#reader.end(timestampUs, true);
  }

  /** The server's final answer to a request came. */
  takeAnswer(status: number, request: WaitingRequest): void {
    const isLast = request.reference.index === this.counters.begun - 1;
    if (!isLast) return;
    if (!this.isInRequest) this.#side.stayHttp();
    else if (status >= 200 && request.expectsContinue && this.#reader.isBeforeBody) this.#isBodyDoubtful = true;
  }

  /** The server's word: what follows this request, or, undefined, what follows here, is no HTTP. */
  becomeOpaque(request: WaitingRequest | undefined): void {
    const isUnderWay = this.isInRequest && request?.reference.index === this.counters.begun - 1;
    if (isUnderWay) this.#side.endBehindRequest();
    else this.#reader.becomeOpaque();
  }

  /** RFC 9110 §10.1.1: a refused client may send the body all the same, or go on with another request. */
  #hold(bytes: Uint8Array, timestampUs: number): void {
    this.#held ??= new HeldBytes(this.#budget);
    const isHeld = this.#held.add(bytes, timestampUs);
    const isRequest = isHeld ? startsTrustedRequest(this.#held.joined()) : false;
    if (isRequest === undefined) return;
    if (isRequest) this.#reader.refuse('expectation-refused', timestampUs);
    this.#release(timestampUs);
    if (!isHeld) this.#order.push(bytes, timestampUs);
  }

  /** Reads what waited. */
  #release(timestampUs: number): void {
    this.#isBodyDoubtful = false;
    const held = this.#held;
    if (held === undefined) return;
    const lostBytes = held.takeLost();
    if (lostBytes > 0) this.#reader.omit(lostBytes, timestampUs);
    for (let piece = held.shift(); piece !== undefined; piece = held.shift()) {
      this.#order.push(piece.bytes, piece.timestampUs);
    }
  }
}
