// Reads on to the end of a body, whose framing is decided, whether its bytes are kept or only passed over.
// Source: RFC 9112 §6.2 (known length), §7.1 (chunked).

import { ChunkedScanner } from './chunked.ts';
import { parseFields } from './fields.ts';
import type { Framing } from './framing.ts';
import type { MessageBytes } from './message-bytes.ts';
import type { RequestLimits } from './options.ts';
import type { SharedReason } from './reject.ts';

const NO_FRAMING: Framing = { kind: 'none' };
const NO_TRAILERS: readonly string[] = Object.freeze([]);

/** `body-too-long` is the only reason after which the end of the body can still be found. */
export type BodyStatus = 'more' | 'complete' | SharedReason;

/** Finds the end of one body after another: by Content-Length, by chunks, at once where there is none, or never until the stream's. */
export class BodyReader {
  trailers: readonly string[] = NO_TRAILERS;
  #framing: Framing = NO_FRAMING;
  #left = 0;
  /** Of a body that lasts until the stream ends: bytes so far, and the most there may be. */
  #endlessBytes = 0;
  #maxEndlessBytes = 0;
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
    return this.#framing.kind === 'content-length' ? this.#framing.length : this.#endlessBytes;
  }

  /** Bytes still to come, as far as that is known, else Infinity. */
  get leftBytes(): number {
    return this.#chunked === undefined ? this.#left : Infinity;
  }

  /** Expects the first byte of a body next; `complete` where it has none. */
  open(framing: Framing): BodyStatus {
    this.#framing = framing;
    this.#chunked = framing.kind === 'chunked' ? new ChunkedScanner(this.#limits) : undefined;
    this.#left = framing.kind === 'content-length' ? framing.length : framing.kind === 'until-close' ? Infinity : 0;
    this.#endlessBytes = 0;
    this.trailers = NO_TRAILERS;
    if (framing.kind === 'until-close') this.#maxEndlessBytes = this.#limits.maxBodyBytes;
    if (this.#chunked !== undefined || framing.kind === 'until-close') return 'more';
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
    if (this.#left === Infinity) return this.#takeEndless(taken);
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
    this.#maxEndlessBytes = Infinity;
  }

  /** Passes over a hole and the rest of the body; `cut` where the hole's end is not known to lie inside it, `between` where they end together. */
  skip(length: number): 'skip-body' | 'between' | 'cut' {
    this.passOver();
    if (this.#chunked !== undefined) return this.#chunked.skip(length) ? 'skip-body' : 'cut';
    this.#left -= length;
    if (this.#left < 0) return 'cut';
    return this.#left === 0 ? 'between' : 'skip-body';
  }

  #takeEndless(length: number): BodyStatus {
    this.#endlessBytes += length;
    return this.#endlessBytes > this.#maxEndlessBytes ? 'body-too-long' : 'more';
  }
}
