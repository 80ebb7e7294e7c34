// Bytes of one client's stream in, whole requests out: a MessageReader for the client's side.

import type { Tunnel } from './framing.ts';
import { MemoryBudget } from './memory-budget.ts';
import { MessageReader } from './message-reader.ts';
import { resolveLimits } from './options.ts';
import type { ParserCounters } from './parser-counters.ts';
import type { RequestParserOptions } from './parser-options.ts';
import { PushOrder } from './push-order.ts';
import type { RejectReason } from './reject.ts';
import { RequestSide } from './request-side.ts';

/**
 * Reads the requests of one stream of bytes, however it is cut. Never throws for what the bytes are.
 *
 * A handler may call any method: `push` and `gap` from within one are kept (the bytes copied) until the chunk at hand is read,
 * the others act at once. Where a handler throws, the exception leaves `push`, the rest of that push is lost (counted in
 * `skippedBytes`), and the parser goes on with the next request that can be trusted.
 */
export class RequestParser {
  readonly #side: RequestSide;
  readonly #reader: MessageReader<RejectReason>;
  readonly #order: PushOrder<RejectReason>;

  /** Throws TypeError for a missing handler, RangeError for a limit out of its range. */
  constructor(options: RequestParserOptions) {
    if (typeof options.onRequest !== 'function') throw new TypeError('onRequest must be a function');
    if (typeof options.onReject !== 'function') throw new TypeError('onReject must be a function');
    const { onRequest, onReject, onOpaque, onOtherProtocol, budget = new MemoryBudget() } = options;
    const tellOpaque = onOpaque && ((tunnel: Tunnel) => onOpaque(tunnel === 'connect' ? 'connect' : 'upgrade'));
    this.#side = new RequestSide({ onRequest, onReject, onOtherProtocol, onOpaque: tellOpaque }, undefined);
    const isMidstream = options.midstream === true;
    this.#reader = new MessageReader<RejectReason>(this.#side, resolveLimits(options), budget, isMidstream);
    this.#order = new PushOrder(this.#reader, budget);
  }

  /** What was counted so far; one object for the parser's whole life. */
  get counters(): ParserCounters {
    return this.#side.counters;
  }

  /** Bytes allocated for the unfinished message. */
  get heldBytes(): number {
    return this.#reader.bytes.heldBytes;
  }

  /** Bytes pushed that are neither delivered nor rejected nor skipped yet. */
  get pendingBytes(): number {
    return this.#reader.bytes.length;
  }

  /** Whether a request is begun and neither delivered nor rejected yet. */
  get isInRequest(): boolean {
    return this.#reader.isBegun;
  }

  /** The next bytes of the stream, captured at `timestampUs`. All are read before this returns; none are kept or changed. */
  push(bytes: Uint8Array, timestampUs: number): void {
    this.#order.push(bytes, timestampUs);
  }

  /**
   * `length` bytes of the stream are lost for good. A message in them is given up; where a Content-Length or a chunk's size
   * says where it ends, the next request is read from there, else the next one that can be trusted is looked for.
   * Throws RangeError where `length` is no whole number of bytes.
   */
  gap(length: number, timestampUs: number): void {
    this.#order.gap(length, timestampUs);
  }

  /** As if bytes had been lost just now: an unfinished request is given up, the next one that can be trusted is looked for. */
  startMidstream(): void {
    this.#reader.startMidstream();
  }

  /** The server answered 101, or 2xx to a CONNECT: what follows is no HTTP, and is skipped to the end. */
  becomeOpaque(): void {
    this.#reader.becomeOpaque();
  }

  /** The stream is over: an unfinished request is given up, what is pushed after this is skipped. May be called twice. */
  end(timestampUs: number): void {
    this.#reader.end(timestampUs, false);
  }
}
