// Builds pcapng files block by block from the specification, not from our code: an independent oracle.
// https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html

/** An option: its code, and its value without padding. */
export type CaptureOption = readonly [code: number, value: Uint8Array | readonly number[]];

/** 64 bits. */
export type Ticks = bigint | number;

/** What a packet block holds; all but the data has a default. */
export interface PacketBlock {
  readonly data: Uint8Array;
  readonly ticks?: Ticks;
  readonly interfaceNumber?: number;
  readonly capturedLength?: number;
  readonly originalLength?: number;
  readonly options?: readonly CaptureOption[];
}

/** What every block can be made to say wrongly. */
export interface BlockLengths {
  /** At its beginning. Default: the true one. */
  readonly length?: number;
  /** At its end. Default: that at its beginning. */
  readonly trailer?: number;
}

/** Builds blocks of one byte order; concatenated they are a file. */
export interface CaptureBlocks {
  section: (
    fields?: { major?: number; minor?: number; options?: readonly CaptureOption[] } & BlockLengths,
  ) => Uint8Array;
  interface: (
    fields?: { linkType?: number; snapLength?: number; options?: readonly CaptureOption[] } & BlockLengths,
  ) => Uint8Array;
  enhanced: (fields: PacketBlock & BlockLengths) => Uint8Array;
  /** The obsolete Packet Block. */
  old: (fields: PacketBlock & { drops?: number } & BlockLengths) => Uint8Array;
  /** `originalLength` default: that of the data. */
  simple: (fields: { data: Uint8Array; originalLength?: number } & BlockLengths) => Uint8Array;
  /** A block of any type. */
  block: (type: number, body: Uint8Array | readonly number[], lengths?: BlockLengths) => Uint8Array;
  uint16: (value: number) => number[];
  uint32: (value: number) => number[];
  int64: (value: bigint) => number[];
}

/** The builders for a byte order. */
export function captureBlocks(littleEndian: boolean): CaptureBlocks {
  const ordered = (field: number[]): number[] => (littleEndian ? field.reverse() : field);
  const uint16 = (value: number): number[] => ordered([(value >>> 8) & 0xff, value & 0xff]);
  const uint32 = (value: number): number[] => ordered([24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff));
  const int64 = (value: bigint): number[] =>
    ordered(Array.from({ length: 8 }, (_, at) => Number((BigInt.asUintN(64, value) >> BigInt(56 - 8 * at)) & 0xffn)));
  const block = (type: number, body: Uint8Array | readonly number[], lengths: BlockLengths = {}): Uint8Array => {
    const length = lengths.length ?? 12 + body.length;
    return concatenated(uint32(type), uint32(length), body, uint32(lengths.trailer ?? length));
  };
  const optionList = (options: readonly CaptureOption[] = []): Uint8Array => {
    if (options.length === 0) return new Uint8Array(0);
    const each = options.map(([code, value]) => concatenated(uint16(code), uint16(value.length), padded(value)));
    return concatenated(...each, [0, 0, 0, 0]);
  };
  const packet = (interfaceField: number[], { data, ticks = 0, options, ...lengths }: PacketBlock): Uint8Array => {
    const count = BigInt(ticks);
    return concatenated(
      interfaceField,
      uint32(Number(count >> 32n)),
      uint32(Number(count & 0xffff_ffffn)),
      uint32(lengths.capturedLength ?? data.length),
      uint32(lengths.originalLength ?? data.length),
      padded(data),
      optionList(options),
    );
  };
  return {
    section: ({ major = 1, minor = 0, options, ...lengths } = {}) =>
      block(
        0x0a0d0d0a,
        concatenated(uint32(0x1a2b3c4d), uint16(major), uint16(minor), int64(-1n), optionList(options)),
        lengths,
      ),
    interface: ({ linkType = 1, snapLength = 0, options, ...lengths } = {}) =>
      block(1, concatenated(uint16(linkType), [0, 0], uint32(snapLength), optionList(options)), lengths),
    enhanced: (fields) => block(6, packet(uint32(fields.interfaceNumber ?? 0), fields), fields),
    old: (fields) =>
      block(2, packet([...uint16(fields.interfaceNumber ?? 0), ...uint16(fields.drops ?? 0)], fields), fields),
    simple: ({ data, originalLength = data.length, ...lengths }) =>
      block(3, concatenated(uint32(originalLength), padded(data)), lengths),
    ...{ block, uint16, uint32, int64 },
  };
}

/** The pieces as one. */
export function concatenated(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function padded(value: Uint8Array | readonly number[]): Uint8Array {
  return concatenated(value, new Uint8Array((4 - (value.length % 4)) % 4));
}
