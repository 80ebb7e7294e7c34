// The capture file format pcapng: sections, each with its byte order and interfaces; blocks that hold packets; all other
// blocks are passed over and not kept. https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html
// Where the format is broken (lengths that disagree, an interface that was not described) nothing is guessed: the reading
// ends there, as libpcap does it.

import { uint16, uint32 } from './byte-order.ts';
import { type CaptureFormat, type FormatOwner, maxFrameBytes } from './capture-format.ts';
import type { Frame } from './frame.ts';
import { type CaptureInterface, describedInterface, packetDirection, padded } from './pcapng-options.ts';

const blockTypes = {
  sectionHeader: 0x0a0d0d0a,
  interfaceDescription: 1,
  oldPacket: 2,
  simplePacket: 3,
  enhancedPacket: 6,
} as const;
const block = { typeAt: 0, lengthAt: 4, headerLength: 8, trailerLength: 4 } as const;
const section = { byteOrderAt: 8, majorVersionAt: 12, minorVersionAt: 14, length: 24 } as const;
const byteOrderMagic = 0x1a2b3c4d;
/** Enhanced and old packet blocks differ in how the interface is told: by 32 bits, or by 16 and a count of drops. */
// biome-ignore format: a table
const packet = { interfaceAt: 8, timeHighAt: 12, timeLowAt: 16, capturedLengthAt: 20, originalLengthAt: 24, dataAt: 28 } as const;
const simplePacket = { originalLengthAt: 8, dataAt: 12 } as const;
/** The shortest block of each type, its trailer included. */
const shortest = { block: 12, section: 28, interfaceDescription: 20, packet: 32, simplePacket: 16 } as const;
/** What is kept of a block at most, options included. */
const maxKeptBytes = 2 * maxFrameBytes;
/** The old packet block cannot name more. */
const maxInterfaces = 65_536;

/** Whether a file begins as pcapng: the type of a section header reads the same in both byte orders. */
export function isPcapng(bytes: Uint8Array, at: number): boolean {
  return uint32(bytes, at, false) === blockTypes.sectionHeader;
}

/** Pieces of a pcapng file: blocks, or, of blocks that nothing is needed of, their beginnings and their ends. */
export class PcapngFormat implements CaptureFormat {
  readonly pieceName = 'a block';
  skipLength = 0;
  readonly #owner: FormatOwner;
  #isLittleEndian = true;
  #hasSection = false;
  #interfaces: CaptureInterface[] = [];
  /** Of the last frame in this section that had a time. */
  #lastTimestampUs = 0;
  /** Length of a block whose last four bytes, which repeat it, are the next piece; 0: a block begins. */
  #openLength = 0;

  constructor(owner: FormatOwner) {
    this.#owner = owner;
  }

  get unfinished(): string | undefined {
    if (this.#openLength > 0) return this.pieceName;
    return this.#hasSection ? undefined : 'its header';
  }

  lengthAt(bytes: Uint8Array, at: number, available: number): number {
    if (this.#openLength > 0) return block.trailerLength;
    if (available < block.headerLength) return block.headerLength;
    const type = uint32(bytes, at + block.typeAt, this.#isLittleEndian);
    if (type === blockTypes.sectionHeader) return this.#sectionLength(bytes, at, available);
    const length = uint32(bytes, at + block.lengthAt, this.#isLittleEndian);
    switch (type) {
      case blockTypes.enhancedPacket:
      case blockTypes.oldPacket:
        return this.#wholeLength(length, shortest.packet);
      case blockTypes.simplePacket:
        return this.#wholeLength(length, shortest.simplePacket);
      case blockTypes.interfaceDescription:
        return this.#wholeLength(length, shortest.interfaceDescription);
      default:
        this.#checkLength(length, shortest.block);
        return block.headerLength;
    }
  }

  take(bytes: Uint8Array, at: number, end: number): boolean {
    this.skipLength = 0;
    if (this.#openLength > 0) {
      this.#checkTrailer(bytes, end, this.#openLength);
      this.#openLength = 0;
      return false;
    }
    switch (uint32(bytes, at + block.typeAt, this.#isLittleEndian)) {
      case blockTypes.enhancedPacket:
        return this.#takePacket(bytes, at, end, uint32(bytes, at + packet.interfaceAt, this.#isLittleEndian));
      case blockTypes.oldPacket:
        return this.#takePacket(bytes, at, end, uint16(bytes, at + packet.interfaceAt, this.#isLittleEndian));
      case blockTypes.simplePacket:
        return this.#takeSimplePacket(bytes, at, end);
      case blockTypes.interfaceDescription:
        this.#takeInterface(bytes, at, end);
        return false;
      case blockTypes.sectionHeader:
        this.#takeSection(bytes, at);
        break;
    }
    this.#openLength = uint32(bytes, at + block.lengthAt, this.#isLittleEndian);
    this.skipLength = this.#openLength - (end - at) - block.trailerLength;
    return false;
  }

  #takePacket(bytes: Uint8Array, at: number, end: number, interfaceNumber: number): boolean {
    const isLittleEndian = this.#isLittleEndian;
    this.#checkTrailer(bytes, end, end - at);
    const source = this.#interfaceOf(interfaceNumber);
    const captured = uint32(bytes, at + packet.capturedLengthAt, isLittleEndian);
    const optionsAt = at + packet.dataAt + padded(captured);
    const { frame } = this.#owner;
    this.#fill(frame, bytes, at + packet.dataAt, captured, end);
    frame.linkType = source.linkType;
    frame.originalLength = uint32(bytes, at + packet.originalLengthAt, isLittleEndian);
    frame.timestampUs = source.scale.toMicroseconds(
      uint32(bytes, at + packet.timeHighAt, isLittleEndian),
      uint32(bytes, at + packet.timeLowAt, isLittleEndian),
    );
    this.#lastTimestampUs = frame.timestampUs;
    const optionsEnd = end - block.trailerLength;
    frame.direction =
      optionsAt < optionsEnd ? packetDirection(bytes, optionsAt, optionsEnd, isLittleEndian) : 'unknown';
    return true;
  }

  /** It has no time, no captured length and no interface number: it belongs to the first one, which limits its length. */
  #takeSimplePacket(bytes: Uint8Array, at: number, end: number): boolean {
    this.#checkTrailer(bytes, end, end - at);
    const source = this.#interfaceOf(0);
    const originalLength = uint32(bytes, at + simplePacket.originalLengthAt, this.#isLittleEndian);
    const captured = source.snapLength === 0 ? originalLength : Math.min(originalLength, source.snapLength);
    const { frame } = this.#owner;
    this.#fill(frame, bytes, at + simplePacket.dataAt, captured, end);
    frame.linkType = source.linkType;
    frame.originalLength = originalLength;
    frame.timestampUs = this.#lastTimestampUs;
    frame.direction = 'unknown';
    return true;
  }

  #fill(frame: Frame, bytes: Uint8Array, dataAt: number, captured: number, end: number): void {
    if (captured > maxFrameBytes)
      this.#break(`its next frame claims ${captured} bytes, which is more than any capture has`);
    if (dataAt + captured > end - block.trailerLength) {
      this.#break(`its next frame claims ${captured} bytes, which is more than its block holds`);
    }
    frame.bytes = bytes;
    frame.start = dataAt;
    frame.end = dataAt + captured;
  }

  #interfaceOf(number: number): CaptureInterface {
    const found = this.#interfaces[number];
    if (found !== undefined) return found;
    this.#break(`its next frame belongs to interface ${number}, which was not described`);
  }

  #takeInterface(bytes: Uint8Array, at: number, end: number): void {
    this.#checkTrailer(bytes, end, end - at);
    const number = this.#interfaces.length;
    if (number === maxInterfaces) this.#break(`a section describes more than ${maxInterfaces} interfaces`);
    const described = describedInterface(bytes, at, end - block.trailerLength, this.#isLittleEndian);
    if (described === undefined) this.#break(`the options of interface ${number} are damaged`);
    this.#interfaces.push(described);
  }

  /** The length of the section, which it may tell, is not needed: where the next one begins its type says. */
  #takeSection(bytes: Uint8Array, at: number): void {
    this.#isLittleEndian = uint32(bytes, at + section.byteOrderAt, true) === byteOrderMagic;
    const major = uint16(bytes, at + section.majorVersionAt, this.#isLittleEndian);
    const minor = uint16(bytes, at + section.minorVersionAt, this.#isLittleEndian);
    if (major !== 1 || (minor !== 0 && minor !== 2)) {
      const problem = `it is in version ${major}.${minor} of the pcapng format; convert it: editcap -F pcapng IN OUT`;
      this.#owner.fail('unsupported-capture', problem);
    }
    this.#hasSection = true;
    this.#interfaces = [];
    this.#lastTimestampUs = 0;
  }

  /** Of a section header only the fixed fields are taken; its byte order has to be known before its length. */
  #sectionLength(bytes: Uint8Array, at: number, available: number): number {
    if (available < section.byteOrderAt + 4) return section.byteOrderAt + 4;
    const isLittleEndian = uint32(bytes, at + section.byteOrderAt, true) === byteOrderMagic;
    if (!isLittleEndian && uint32(bytes, at + section.byteOrderAt, false) !== byteOrderMagic) {
      this.#break('a section header tells no byte order');
    }
    this.#checkLength(uint32(bytes, at + block.lengthAt, isLittleEndian), shortest.section);
    return section.length;
  }

  #wholeLength(length: number, minimum: number): number {
    this.#checkLength(length, minimum);
    if (length > maxKeptBytes)
      this.#break(`its next block claims ${length} bytes, which is more than any such block has`);
    return length;
  }

  #checkLength(length: number, minimum: number): void {
    if (length < minimum) this.#break(`its next block claims ${length} bytes, which is less than any such block has`);
    if ((length & 3) !== 0) this.#break(`its next block claims ${length} bytes, which is no multiple of four`);
  }

  #checkTrailer(bytes: Uint8Array, end: number, length: number): void {
    const repeated = uint32(bytes, end - block.trailerLength, this.#isLittleEndian);
    if (repeated !== length) this.#break(`the two lengths of a block, ${length} and ${repeated}, disagree`);
  }

  #break(problem: string): never {
    this.#owner.fail('broken-capture', problem);
  }
}
