// The classic capture file format, as a stream: both byte orders, microseconds and nanoseconds.
// https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html. It never allocates from a length that the file
// declares: what is kept between chunks is what has come.

import { CaptureError } from './errors.ts';
import type { Frame } from './frame.ts';

const fileHeader = { linkTypeAt: 20, length: 24 } as const;
const recordHeader = { secondsAt: 0, fractionAt: 4, capturedLengthAt: 8, originalLengthAt: 12, length: 16 } as const;
const magics = { microseconds: 0xa1b2c3d4, nanoseconds: 0xa1b23c4d, modified: 0xa1b2cd34, pcapng: 0x0a0d0d0a } as const;
const gzipMagic = 0x1f8b;
/** The upper bits of the field say whether a frame check sequence follows each frame; the IP length leaves it out. */
const linkTypeBits = 0xffff;
/** The largest snap length that tcpdump allows is 256 KiB; a record over four times of it is damage. */
const maxFrameBytes = 1024 * 1024;

/** Reads a capture file that comes in chunks of any size. */
export class PcapReader {
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
  /** The beginning of a record whose end has not come. */
  #kept = new Uint8Array(0);
  #keptLength = 0;
  readonly #name: string;
  #hasHeader = false;
  #isLittleEndian = false;
  #ticksPerUs = 1;
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
    if (!this.#hasHeader && this.#keptLength === 0) this.#checkMagic(chunk, 0, chunk.length);
    return this.#framesOf(chunk);
  }

  *#framesOf(chunk: Uint8Array): Generator<Frame, void, undefined> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#keptLength > 0) {
        at += this.#keep(chunk, at, this.#missingLength(this.#kept, 0, this.#keptLength));
        if (this.#missingLength(this.#kept, 0, this.#keptLength) > 0) continue;
        const length = this.#keptLength;
        this.#keptLength = 0;
        if (this.#take(this.#kept, 0, length)) yield this.#frame;
      } else {
        const missing = this.#missingLength(chunk, at, chunk.length);
        if (missing > 0) {
          this.#keep(chunk, at, chunk.length - at);
          break;
        }
        const length = this.#lengthAt(chunk, at);
        if (this.#take(chunk, at, at + length)) yield this.#frame;
        at += length;
      }
    }
    this.#isReading = false;
  }

  /** The file is over. Throws CaptureError (`broken-capture`) where it ends within a record or has no header. */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#hasHeader) this.#fail('broken-capture', 'it is shorter than the header of a capture file');
    if (this.#keptLength > 0) this.#fail('broken-capture', `it ends within a frame, after ${this.#frames} whole ones`);
  }

  /** How many bytes the piece that begins at `at` lacks, as far as can be told. */
  #missingLength(bytes: Uint8Array, at: number, end: number): number {
    const available = end - at;
    const smallest = this.#hasHeader ? recordHeader.length : fileHeader.length;
    if (available < smallest) {
      this.#checkMagic(bytes, at, available);
      return smallest - available;
    }
    return Math.max(0, this.#lengthAt(bytes, at) - available);
  }

  /** Length of the file header, or of the record whose header stands at `at`. */
  #lengthAt(bytes: Uint8Array, at: number): number {
    if (!this.#hasHeader) return fileHeader.length;
    const captured = this.#uint32(bytes, at + recordHeader.capturedLengthAt);
    if (captured > maxFrameBytes) {
      this.#fail(
        'broken-capture',
        `frame ${this.#frames + 1} claims ${captured} bytes, which is more than any capture has`,
      );
    }
    return recordHeader.length + captured;
  }

  /** Takes the whole piece `bytes[at, end)`; true where it was a frame, false where it was the file's header. */
  #take(bytes: Uint8Array, at: number, end: number): boolean {
    if (!this.#hasHeader) {
      this.#takeFileHeader(bytes, at);
      return false;
    }
    const frame = this.#frame;
    const fraction = this.#uint32(bytes, at + recordHeader.fractionAt);
    frame.timestampUs =
      this.#uint32(bytes, at + recordHeader.secondsAt) * 1_000_000 + Math.floor(fraction / this.#ticksPerUs);
    frame.bytes = bytes;
    frame.start = at + recordHeader.length;
    frame.end = end;
    frame.originalLength = this.#uint32(bytes, at + recordHeader.originalLengthAt);
    this.#frames++;
    return true;
  }

  #takeFileHeader(bytes: Uint8Array, at: number): void {
    this.#checkMagic(bytes, at, fileHeader.length);
    const bigEndian = bigEndianUint32(bytes, at);
    this.#isLittleEndian = bigEndian !== magics.microseconds && bigEndian !== magics.nanoseconds;
    this.#ticksPerUs = this.#uint32(bytes, at) === magics.nanoseconds ? 1000 : 1;
    this.#frame.linkType = this.#uint32(bytes, at + fileHeader.linkTypeAt) & linkTypeBits;
    this.#hasHeader = true;
  }

  /** Fails as early as the first four bytes show that this is no capture file that can be read. */
  #checkMagic(bytes: Uint8Array, at: number, available: number): void {
    if (this.#hasHeader || available < 4) return;
    const bigEndian = bigEndianUint32(bytes, at);
    const littleEndian = littleEndianUint32(bytes, at);
    for (const magic of [bigEndian, littleEndian]) {
      if (magic === magics.microseconds || magic === magics.nanoseconds) return;
      if (magic === magics.modified) {
        this.#fail('unsupported-capture', 'it is in the modified pcap format; convert it: editcap -F pcap IN OUT');
      }
    }
    if (bigEndian === magics.pcapng) {
      this.#fail('unsupported-capture', 'it is in the pcapng format; convert it: editcap -F pcap IN OUT');
    }
    if (bigEndian >>> 16 === gzipMagic) {
      this.#fail('unsupported-capture', 'it is compressed; uncompress it: gunzip -c FILE');
    }
    this.#fail('broken-capture', 'it does not begin like a capture file');
  }

  /** Keeps up to `length` bytes of the chunk behind what is kept, and returns how many there were. */
  #keep(chunk: Uint8Array, at: number, length: number): number {
    const taken = Math.min(length, chunk.length - at);
    const needed = this.#keptLength + taken;
    if (needed > this.#kept.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#kept.length));
      larger.set(this.#kept.subarray(0, this.#keptLength));
      this.#kept = larger;
    }
    this.#kept.set(chunk.subarray(at, at + taken), this.#keptLength);
    this.#keptLength = needed;
    return taken;
  }

  #uint32(bytes: Uint8Array, at: number): number {
    return this.#isLittleEndian ? littleEndianUint32(bytes, at) : bigEndianUint32(bytes, at);
  }

  #fail(code: 'broken-capture' | 'unsupported-capture', message: string): never {
    this.#failure = new CaptureError(code, `The capture${this.#name} cannot be read: ${message}.`);
    throw this.#failure;
  }
}

function bigEndianUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

function littleEndianUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at + 3]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 1]! << 8) | bytes[at]!) >>> 0;
}
