// Reads on to the end of a body, whose framing is decided, whether its bytes are kept or only passed over.
// Source: RFC 9112 §6.2 (known length), §7.1 (chunked).

import { ChunkedScanner } from './chunked.ts';
import { parseFields } from './fields.ts';
import type { Framing } from './framing.ts';
import type { MessageBytes } from './message-bytes.ts';
import type { RequestLimits } from './options.ts';
import type { RejectReason } from './reject.ts';

const NO_FRAMING: Framing = { kind: 'none' };
const NO_TRAILERS: readonly string[] = Object.freeze([]);

/** `body-too-long` is the only reason after which the end of the body can still be found. */
export type BodyStatus = 'more' | 'complete' | RejectReason;

/** Finds the end of one body after another: by Content-Length, by chunks, or at once where there is none. */
export class BodyReader {
  trailers: readonly string[] = NO_TRAILERS;
  #framing: Framing = NO_FRAMING;
  #left = 0;
  #chunked: ChunkedScanner | undefined;
  readonly #limits: Required<RequestLimits>;

  constructor(limits: Required<RequestLimits>) {
    this.#limits = limits;
  }

  get framing(): Framing['kind'] {
    return this.#framing.kind;
  }

  /** Bytes of the body without chunking; final when it is complete. */
  get bodyLength(): number {
    if (this.#chunked !== undefined) return this.#chunked.bodyLength;
    return this.#framing.kind === 'content-length' ? this.#framing.length : 0;
  }

  /** Bytes still to come, as far as that is known: Infinity for a chunked body. */
  get leftBytes(): number {
    return this.#chunked === undefined ? this.#left : Infinity;
  }

  /** Expects the first byte of a body next; `complete` where it has none. */
  open(framing: Framing): BodyStatus {
    this.#framing = framing;
    this.#chunked = framing.kind === 'chunked' ? new ChunkedScanner(this.#limits) : undefined;
    this.#left = framing.kind === 'content-length' ? framing.length : 0;
    this.trailers = NO_TRAILERS;
    if (this.#chunked !== undefined) return 'more';
    if (this.#left > this.#limits.maxBodyBytes) return 'body-too-long';
    return this.#left === 0 ? 'complete' : 'more';
  }

  /** Reads on in the chunk at hand, up to its end, the body's, or a fault. */
  read(bytes: MessageBytes): BodyStatus {
    if (this.#chunked !== undefined) {
      bytes.at = this.#chunked.scan(bytes.chunk, bytes.at);
      return this.#chunked.status;
    }
    const taken = Math.min(this.#left, bytes.chunk.length - bytes.at);
    bytes.at += taken;
    this.#left -= taken;
    return this.#left === 0 ? 'complete' : 'more';
  }

  /** Reads the trailers of a complete body whose bytes were kept; false where they are malformed. */
  readTrailers(bytes: MessageBytes): boolean {
    if (this.#chunked === undefined) return true;
    const { length } = bytes;
    const trailers = parseFields(bytes.text(length - this.#chunked.trailerBytes, length));
    if (typeof trailers === 'string') return false;
    this.trailers = trailers;
    return true;
  }

  /** From now on the body is passed over, so its length does not matter. */
  passOver(): void {
    this.#chunked?.ignoreLength();
  }

  /** Goes on behind a hole; `lost` where its end is not known to lie inside the body. */
  skip(length: number): 'more' | 'complete' | 'lost' {
    if (this.#chunked !== undefined) return this.#chunked.skip(length) ? 'more' : 'lost';
    this.#left -= length;
    if (this.#left < 0) return 'lost';
    return this.#left === 0 ? 'complete' : 'more';
  }
}
