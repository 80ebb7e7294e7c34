// The classic capture file format: both byte orders, microseconds and nanoseconds, and the modified format of old Linux
// distributions, whose records have eight more bytes.
// https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html

import { uint16, uint32 } from './byte-order.ts';
import { type CaptureFormat, type FormatOwner, maxFrameBytes } from './capture-format.ts';

const fileHeader = { majorVersionAt: 4, minorVersionAt: 6, linkTypeAt: 20, length: 24 } as const;
const recordHeader = { secondsAt: 0, fractionAt: 4, capturedLengthAt: 8, originalLengthAt: 12, length: 16 } as const;
/** Behind the lengths stand interface index, protocol and packet type. */
const modifiedRecordHeaderLength = 24;
const magics = { microseconds: 0xa1b2c3d4, nanoseconds: 0xa1b23c4d, modified: 0xa1b2cd34 } as const;
/** Written since 1998; before, the two lengths of a record stood the other way round. */
const version = { major: 2, minor: 4 } as const;
/** The upper bits of the field say whether a frame check sequence follows each frame; the IP length leaves it out. */
const linkTypeBits = 0xffff;

/** The byte order that the first four bytes of a pcap file tell; undefined where it is none. */
export function pcapByteOrder(bytes: Uint8Array, at: number): 'little-endian' | 'big-endian' | undefined {
  const known: readonly number[] = Object.values(magics);
  if (known.includes(uint32(bytes, at, true))) return 'little-endian';
  return known.includes(uint32(bytes, at, false)) ? 'big-endian' : undefined;
}

/** Pieces of a pcap file: the file's header, then records of one frame each. */
export class PcapFormat implements CaptureFormat {
  readonly pieceName = 'a frame';
  readonly skipLength = 0;
  readonly #owner: FormatOwner;
  readonly #isLittleEndian: boolean;
  #hasHeader = false;
  #ticksPerUs = 1;
  #recordHeaderLength: number = recordHeader.length;

  constructor(owner: FormatOwner, isLittleEndian: boolean) {
    this.#owner = owner;
    this.#isLittleEndian = isLittleEndian;
  }

  get unfinished(): string | undefined {
    return this.#hasHeader ? undefined : 'its header';
  }

  lengthAt(bytes: Uint8Array, at: number, available: number): number {
    if (!this.#hasHeader) return fileHeader.length;
    if (available < this.#recordHeaderLength) return this.#recordHeaderLength;
    const captured = uint32(bytes, at + recordHeader.capturedLengthAt, this.#isLittleEndian);
    if (captured > maxFrameBytes) {
      this.#owner.fail('broken-capture', `its next frame claims ${captured} bytes, which is more than any capture has`);
    }
    return this.#recordHeaderLength + captured;
  }

  take(bytes: Uint8Array, at: number, end: number): boolean {
    if (!this.#hasHeader) {
      this.#takeFileHeader(bytes, at);
      return false;
    }
    const isLittleEndian = this.#isLittleEndian;
    const { frame } = this.#owner;
    const fraction = uint32(bytes, at + recordHeader.fractionAt, isLittleEndian);
    frame.timestampUs =
      uint32(bytes, at + recordHeader.secondsAt, isLittleEndian) * 1_000_000 + Math.floor(fraction / this.#ticksPerUs);
    frame.bytes = bytes;
    frame.start = at + this.#recordHeaderLength;
    frame.end = end;
    frame.originalLength = uint32(bytes, at + recordHeader.originalLengthAt, isLittleEndian);
    return true;
  }

  #takeFileHeader(bytes: Uint8Array, at: number): void {
    const isLittleEndian = this.#isLittleEndian;
    const major = uint16(bytes, at + fileHeader.majorVersionAt, isLittleEndian);
    const minor = uint16(bytes, at + fileHeader.minorVersionAt, isLittleEndian);
    if (major !== version.major || minor !== version.minor) {
      const problem = `it is in version ${major}.${minor} of the pcap format; convert it: editcap -F pcap IN OUT`;
      this.#owner.fail('unsupported-capture', problem);
    }
    const magic = uint32(bytes, at, isLittleEndian);
    if (magic === magics.nanoseconds) this.#ticksPerUs = 1000;
    if (magic === magics.modified) this.#recordHeaderLength = modifiedRecordHeaderLength;
    this.#owner.frame.linkType = uint32(bytes, at + fileHeader.linkTypeAt, isLittleEndian) & linkTypeBits;
    this.#hasHeader = true;
  }
}
