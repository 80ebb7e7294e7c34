// The options of pcapng blocks that the frames need: link type, snap length and times of an interface, the direction of
// a packet. https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html, sections 3.5 and 4.

import { uint16, uint32 } from './byte-order.ts';
import type { Direction } from './frame.ts';
import { TickScale } from './tick-scale.ts';

const option = { codeAt: 0, lengthAt: 2, headerLength: 4 } as const;
const optionCodes = { end: 0, timeResolution: 9, timeOffset: 14, packetFlags: 2 } as const;
/** Of an Interface Description Block, from its beginning. */
const description = { linkTypeAt: 8, snapLengthAt: 12, optionsAt: 16 } as const;

/** What packets refer to by the number of their interface. */
export interface CaptureInterface {
  readonly linkType: number;
  /** The most bytes that are captured of a frame; 0: all. */
  readonly snapLength: number;
  readonly scale: TickScale;
}

/**
 * The interface that the block `bytes[at, end)` describes (`end`: of its options). Undefined where its options cannot be
 * read, or say the time resolution twice: the times of its frames would be a guess.
 */
export function describedInterface(
  bytes: Uint8Array,
  at: number,
  end: number,
  isLittleEndian: boolean,
): CaptureInterface | undefined {
  let resolutionAt = 0;
  let offsetAt = 0;
  for (let next = at + description.optionsAt; next < end; ) {
    const code = uint16(bytes, next + option.codeAt, isLittleEndian);
    if (code === optionCodes.end) break;
    const length = uint16(bytes, next + option.lengthAt, isLittleEndian);
    const valueAt = next + option.headerLength;
    next = valueAt + padded(length);
    if (next > end) return undefined;
    if (code === optionCodes.timeResolution) {
      if (length !== 1 || resolutionAt !== 0) return undefined;
      resolutionAt = valueAt;
    } else if (code === optionCodes.timeOffset) {
      if (length !== 8 || offsetAt !== 0) return undefined;
      offsetAt = valueAt;
    }
  }
  const resolution = resolutionAt === 0 ? undefined : bytes[resolutionAt];
  const [high, low] = offsetAt === 0 ? [0, 0] : int64(bytes, offsetAt, isLittleEndian);
  return {
    linkType: uint16(bytes, at + description.linkTypeAt, isLittleEndian),
    snapLength: uint32(bytes, at + description.snapLengthAt, isLittleEndian),
    scale: new TickScale(resolution, high, low),
  };
}

/** The direction that the options `bytes[at, end)` of a packet tell; damaged options tell none, the frame is whole. */
export function packetDirection(bytes: Uint8Array, at: number, end: number, isLittleEndian: boolean): Direction {
  for (let next = at; next + option.headerLength <= end; ) {
    const code = uint16(bytes, next + option.codeAt, isLittleEndian);
    if (code === optionCodes.end) break;
    const length = uint16(bytes, next + option.lengthAt, isLittleEndian);
    const valueAt = next + option.headerLength;
    next = valueAt + padded(length);
    if (next > end) break;
    if (code === optionCodes.packetFlags && length === 4) {
      const inOrOut = uint32(bytes, valueAt, isLittleEndian) & 3;
      return inOrOut === 1 ? 'in' : inOrOut === 2 ? 'out' : 'unknown';
    }
  }
  return 'unknown';
}

/** Data and options are filled up to 32 bits. */
export function padded(length: number): number {
  return length + (-length & 3);
}

/** The two halves of a 64-bit integer in the file's byte order, the upper one first. */
function int64(bytes: Uint8Array, at: number, isLittleEndian: boolean): [high: number, low: number] {
  const first = uint32(bytes, at, isLittleEndian);
  const second = uint32(bytes, at + 4, isLittleEndian);
  return isLittleEndian ? [second, first] : [first, second];
}
