// Unsigned numbers in network byte order. Callers have checked that the bytes are there. A u64 is read and written as
// two u32, without BigInt: numbers of this protocol stay within 2^53 - 1 (docs/wire-protocol.md, "Numbers").

const TWO_TO_32 = 0x1_0000_0000;
const HIGH_WORD_LIMIT = 0x20_0000;

/** Two bytes. */
export function readU16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

/** Four bytes. */
export function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** The number, or -1 where it is above 2^53 - 1 and so no number of this protocol. */
export function readU64(bytes: Uint8Array, at: number): number {
  const high = readU32(bytes, at);
  return high < HIGH_WORD_LIMIT ? high * TWO_TO_32 + readU32(bytes, at + 4) : -1;
}

/** Writes the low 16 bits. */
export function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

/** Writes the low 32 bits. */
export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Writes an integer from 0 to 2^53 - 1. */
export function writeU64(bytes: Uint8Array, at: number, value: number): void {
  writeU32(bytes, at, Math.floor(value / TWO_TO_32));
  writeU32(bytes, at + 4, value >>> 0);
}
