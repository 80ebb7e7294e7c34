// Bytes of one server's stream in, whole responses out: a MessageReader for the server's side.

import { MemoryBudget } from './memory-budget.ts';
import { MessageReader } from './message-reader.ts';
import { resolveLimits } from './options.ts';
import type { ResponseCounters } from './parser-counters.ts';
import { PushOrder } from './push-order.ts';
import type { ResponseParserOptions } from './response-options.ts';
import type { ResponseRejectReason } from './response-reject.ts';
import { ResponseSide } from './response-side.ts';

/**
 * Reads the responses of one stream of bytes, however it is cut. Never throws for what the bytes are. Handlers may do what
 * those of a RequestParser may.
 */
export class ResponseParser {
  readonly #side: ResponseSide;
  readonly #reader: MessageReader<ResponseRejectReason>;
  readonly #order: PushOrder<ResponseRejectReason>;

  /** Throws RangeError for a limit out of its range. */
  constructor(options: ResponseParserOptions) {
    const { budget = new MemoryBudget() } = options;
    this.#side = new ResponseSide(options);
    const isMidstream = options.midstream === true;
    this.#reader = new MessageReader<ResponseRejectReason>(this.#side, resolveLimits(options), budget, isMidstream);
    this.#order = new PushOrder(this.#reader, budget);
  }

  /** What was counted so far; one object for the parser's whole life. */
  get counters(): ResponseCounters {
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

  /** Whether a response is begun and neither delivered nor rejected yet. */
  get isInResponse(): boolean {
    return this.#reader.isBegun;
  }

  /**
   * The next bytes of the stream, captured at `timestampUs`; none are kept or changed. Returns how many were read: all of
   * them, unless `mayBegin` said no: then the rest is to be pushed again, before anything else.
   */
  push(bytes: Uint8Array, timestampUs: number): number {
    return this.#order.push(bytes, timestampUs);
  }

  /**
   * `length` bytes of the stream are lost for good. A message in them is given up; where a Content-Length or a chunk's size
   * says where it ends, the next response is read from there, else the next one that can be trusted is looked for.
   * Throws RangeError where `length` is no whole number of bytes.
   */
  gap(length: number, timestampUs: number): void {
    this.#order.gap(length, timestampUs);
  }

  /** As if bytes had been lost just now: an unfinished response is given up, the next one that can be trusted is looked for. */
  startMidstream(): void {
    this.#reader.startMidstream();
  }

  /** What follows is no HTTP, and is skipped to the end. */
  becomeOpaque(): void {
    this.#reader.becomeOpaque();
  }

  /**
   * The stream is over; what is pushed after this is skipped. `isComplete`: its sender closed it, which completes a body that
   * lasts until then; not so a reset or a capture's end. Any other unfinished response is given up. May be called twice.
   */
  end(timestampUs: number, isComplete = false): void {
    this.#reader.end(timestampUs, isComplete);
  }
}
