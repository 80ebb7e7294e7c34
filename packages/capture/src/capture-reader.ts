// Capture files as a stream of chunks: this file keeps what has come of a piece until it is whole, counts the frames and
// owns the error; what the pieces are, the format knows, which is chosen by the first bytes. It never allocates from a
// length that the file declares: what is kept between chunks is what has come, 4 MiB at most.

import type { CaptureFormat } from './capture-format.ts';
import { CaptureError, type CaptureErrorCode } from './errors.ts';
import type { Frame } from './frame.ts';
import { KeptBytes } from './kept-bytes.ts';
import { otherFormat } from './other-formats.ts';
import { PcapFormat, pcapByteOrder } from './pcap-format.ts';
import { isPcapng, PcapngFormat } from './pcapng-format.ts';

/** So many bytes tell the format. */
const magicLength = 4;

/**
 * Reads a capture file, pcap or pcapng, that comes in chunks of any size. Frames that have no time (the simple packet
 * blocks of pcapng) get the last one seen in their section, 0 before any. Times after the year 2255, which only damage
 * or a wrong clock writes, are `Number.MAX_SAFE_INTEGER`.
 */
export class CaptureReader {
  /** The one frame object: each frame is valid only until the next is asked for. */
  readonly #frame: Frame = {
    linkType: 0,
    timestampUs: 0,
    bytes: new Uint8Array(0),
    start: 0,
    end: 0,
    originalLength: 0,
    direction: 'unknown',
  };
  readonly #name: string;
  /** The beginning of a piece whose end has not come. */
  readonly #kept = new KeptBytes();
  /** How many of the bytes that come next nobody needs. */
  #skipLength = 0;
  #format: CaptureFormat | undefined;
  #isReading = false;
  #failure: CaptureError | undefined;
  #frames = 0;

  /** `name` is what error messages call the capture: a path, say. */
  constructor({ name }: { readonly name?: string } = {}) {
    this.#name = name === undefined ? '' : ` ${name}`;
  }

  /**
   * The frames that the chunk completes. They may be views of the chunk. Each call must be read to its end before the
   * next one. Throws CaptureError where the bytes are no capture file (`broken-capture`, `unsupported-capture`), after
   * all frames before that place.
   */
  read(chunk: Uint8Array): Generator<Frame, void, undefined> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isReading) throw new TypeError('read: the frames of the chunk before were not read to their end');
    this.#isReading = true;
    if (this.#kept.length === 0 && chunk.length >= magicLength) this.#format ??= this.#chooseFormat(chunk, 0);
    // Of a Buffer, which streams of Node give, `slice` would be a view, and who copies a frame with it would keep none.
    return this.#framesOf(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
  }

  *#framesOf(chunk: Uint8Array): Generator<Frame, void, undefined> {
    let at = 0;
    while (at < chunk.length) {
      const available = chunk.length - at;
      if (this.#skipLength > 0) {
        const skipped = Math.min(this.#skipLength, available);
        this.#skipLength -= skipped;
        at += skipped;
      } else if (this.#kept.length > 0) {
        const { bytes, length } = this.#kept;
        const taken = Math.min(this.#lengthAt(bytes, 0, length) - length, available);
        this.#kept.append(chunk, at, at + taken);
        at += taken;
        if (this.#takeKept()) yield this.#frame;
      } else {
        const length = this.#lengthAt(chunk, at, available);
        if (length > available) {
          this.#kept.append(chunk, at, chunk.length);
          break;
        }
        if (this.#take(chunk, at, at + length)) yield this.#frame;
        at += length;
      }
    }
    this.#isReading = false;
  }

  /**
   * The file is over. Throws CaptureError (`broken-capture`) where it ends within a piece or has no header, or where
   * what it was read from has a problem of its own: a clause, such as "its compressed data ends early".
   */
  end(problem?: string): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (problem !== undefined) this.#fail('broken-capture', problem);
    if (this.#format === undefined) this.#throw('broken-capture', 'it is shorter than the header of a capture file');
    const { pieceName, unfinished } = this.#format;
    const within = unfinished ?? (this.#kept.length > 0 ? pieceName : undefined);
    if (within !== undefined) this.#fail('broken-capture', `it ends within ${within}`);
  }

  /** Takes what is kept, as soon as it is a whole piece; true where that was a frame. */
  #takeKept(): boolean {
    const { bytes, length } = this.#kept;
    if (this.#lengthAt(bytes, 0, length) > length) return false;
    this.#kept.length = 0;
    return this.#take(bytes, 0, length);
  }

  #take(bytes: Uint8Array, at: number, end: number): boolean {
    const format = this.#format!; // nothing has a length before the format is known
    if (format.take(bytes, at, end)) {
      this.#frames++;
      return true;
    }
    this.#skipLength = format.skipLength;
    return false;
  }

  #lengthAt(bytes: Uint8Array, at: number, available: number): number {
    if (this.#format === undefined) {
      if (available < magicLength) return magicLength;
      this.#format = this.#chooseFormat(bytes, at);
    }
    return this.#format.lengthAt(bytes, at, available);
  }

  #chooseFormat(bytes: Uint8Array, at: number): CaptureFormat {
    const owner = {
      frame: this.#frame,
      fail: (code: CaptureErrorCode, problem: string): never => this.#fail(code, problem),
    };
    if (isPcapng(bytes, at)) return new PcapngFormat(owner);
    const byteOrder = pcapByteOrder(bytes, at);
    if (byteOrder !== undefined) return new PcapFormat(owner, byteOrder === 'little-endian');
    const other = otherFormat(bytes, at);
    if (other !== undefined) this.#throw('unsupported-capture', other);
    this.#throw(
      'broken-capture',
      'it does not begin like a capture file; if it is one, convert it: editcap -F pcap IN OUT',
    );
  }

  /** Adds where it is to what it is. */
  #fail(code: CaptureErrorCode, problem: string): never {
    const frames = this.#frames === 1 ? '1 whole frame' : `${this.#frames} whole frames`;
    this.#throw(code, code === 'unsupported-capture' && this.#frames === 0 ? problem : `${problem}, after ${frames}`);
  }

  #throw(code: CaptureErrorCode, problem: string): never {
    this.#failure = new CaptureError(code, `The capture${this.#name} cannot be read: ${problem}.`);
    throw this.#failure;
  }
}
