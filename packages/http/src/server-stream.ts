// The server's stream of a connection: responses, each read when its request is known, for a request decides where its
// response ends.

import type { ClientStream, StreamNews } from './client-stream.ts';
import type { HttpConnectionOptions } from './connection-options.ts';
import { headerValue } from './fields.ts';
import { upgradeTo } from './framing.ts';
import { HeldBytes } from './held-bytes.ts';
import type { MemoryBudget } from './memory-budget.ts';
import { MessageReader } from './message-reader.ts';
import { resolveLimits } from './options.ts';
import type { Pairing, WaitingRequest } from './pairing.ts';
import type { ResponseCounters } from './parser-counters.ts';
import { PushOrder } from './push-order.ts';
import type { RequestReference } from './response.ts';
import type { ResponseRejectReason } from './response-reject.ts';
import { ResponseSide } from './response-side.ts';

/** How long a response waits for its request, in packet time. */
const PATIENCE_US = 1_000_000;

/** A final answer, or one that leaves HTTP, that the client's stream is still to be told of. */
interface Answer {
  readonly status: number;
  readonly request: WaitingRequest | undefined;
  readonly headers: readonly string[];
}

/** Reads responses, and asks the pairing whose they are. */
export class ServerStream {
  /** Nothing waits any longer. */
  #isImpatient = false;
  #answer: Answer | undefined;
  readonly #side: ResponseSide;
  readonly #reader: MessageReader<ResponseRejectReason>;
  readonly #order: PushOrder<ResponseRejectReason>;
  readonly #pairing: Pairing;
  readonly #client: ClientStream;
  readonly #news: StreamNews;
  readonly #budget: MemoryBudget;
  #held: HeldBytes | undefined;

  constructor(
    options: HttpConnectionOptions,
    budget: MemoryBudget,
    pairing: Pairing,
    client: ClientStream,
    news: StreamNews,
  ) {
    this.#pairing = pairing;
    this.#client = client;
    this.#news = news;
    this.#budget = budget;
    this.#side = new ResponseSide({
      onResponse: options.onResponse,
      onReject: options.onResponseReject,
      onOtherProtocol: news.protocol,
      requestOf: (status, firstByteUs, headers) => this.#pair(status, firstByteUs, headers),
      mayBegin: () => this.#isImpatient || !this.#mustWait(),
      isAwaited: () => pairing.isAwaited,
      onLost: () => pairing.loseResponses(),
    });
    const limits = resolveLimits(options.responseLimits ?? {});
    this.#reader = new MessageReader<ResponseRejectReason>(this.#side, limits, budget, false);
    this.#order = new PushOrder(this.#reader, budget);
  }

  get counters(): ResponseCounters {
    return this.#side.counters;
  }

  get isInResponse(): boolean {
    return this.#reader.isBegun;
  }

  get pendingBytes(): number {
    return this.#reader.bytes.length + (this.#held?.byteCount ?? 0);
  }

  start(at: 'handshake' | 'midstream'): void {
    if (at === 'midstream') this.#reader.startMidstream();
  }

  data(bytes: Uint8Array, timestampUs: number): void {
    this.goOn(timestampUs);
    if (this.#held === undefined || this.#held.isEmpty) {
      this.#push(bytes, timestampUs);
    } else if (!this.#held.add(bytes, timestampUs)) {
      this.#release(true, timestampUs);
      this.#push(bytes, timestampUs);
    }
    this.#tellClient();
    this.#pairing.account(timestampUs);
  }

  gap(length: number, timestampUs: number): void {
    this.#release(true, timestampUs);
    this.#order.gap(length, timestampUs);
    this.#tellClient();
  }

  end(timestampUs: number, isComplete: boolean): void {
    this.#release(true, timestampUs);
    this.#reader.end(timestampUs, isComplete);
    this.#tellClient();
  }

  /** Time went on, or the client's stream did: what waited may be read. */
  goOn(nowUs: number): void {
    if (this.#client.isForeign && !this.#reader.isOpaque) this.#reader.becomeOpaque();
    this.#tellClient();
    if (this.#held === undefined || this.#held.isEmpty) return;
    const isOverdue = nowUs - this.#held.sinceUs >= PATIENCE_US;
    if (!isOverdue && this.#mustWait()) return;
    this.#release(isOverdue, nowUs);
    this.#tellClient();
  }

  /** A response that no known request waits for: its request may still come out of a hole, or behind it in the capture. */
  #mustWait(): boolean {
    return this.#pairing.canWait && this.#client.mayGoOn;
  }

  #push(bytes: Uint8Array, timestampUs: number): void {
    const readBytes = this.#order.push(bytes, timestampUs);
    if (readBytes === bytes.length) return;
    const rest = bytes.subarray(readBytes);
    this.#held ??= new HeldBytes(this.#budget);
    if (this.#held.add(rest, timestampUs)) return;
    this.#isImpatient = true;
    this.#order.push(rest, timestampUs);
    this.#isImpatient = false;
  }

  /** Reads what waited, up to a response that still has to; impatient: all of it. */
  #release(isImpatient: boolean, nowUs: number): void {
    const held = this.#held;
    if (held === undefined) return;
    const lostBytes = held.takeLost();
    if (lostBytes > 0) this.#reader.omit(lostBytes, nowUs);
    this.#isImpatient = isImpatient;
    try {
      for (let piece = held.shift(); piece !== undefined; piece = held.shift()) {
        const readBytes = this.#order.push(piece.bytes, piece.timestampUs);
        if (readBytes === piece.bytes.length) continue;
        held.unshift({ bytes: piece.bytes.subarray(readBytes), timestampUs: piece.timestampUs });
        return;
      }
    } finally {
      this.#isImpatient = false;
    }
  }

  #pair(status: number, firstByteUs: number, headers: readonly string[]): RequestReference | undefined {
    const request = this.#pairing.answer(status, firstByteUs);
    if (status >= 200 || status === 101) this.#answer = { status, request, headers };
    return request?.reference;
  }

  /** Not from within `#pair`: the client's stream may call handlers. */
  #tellClient(): void {
    if (this.#answer === undefined) return;
    const { status, request, headers } = this.#answer;
    this.#answer = undefined;
    if (status === 101 || (request?.reference.method === 'CONNECT' && status < 300)) {
      this.#client.becomeOpaque(request);
      this.#news.opaque(request?.tunnel ?? upgradeTo(headerValue(headers, 'upgrade')));
    } else if (request !== undefined) {
      this.#client.takeAnswer(status, request);
    }
  }
}
