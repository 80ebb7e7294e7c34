// Integers in the byte order of a capture file, which its first bytes tell.

/** The unsigned 16-bit integer at `at`. The caller has checked the length. */
export function uint16(bytes: Uint8Array, at: number, isLittleEndian: boolean): number {
  return isLittleEndian ? (bytes[at + 1]! << 8) | bytes[at]! : (bytes[at]! << 8) | bytes[at + 1]!;
}

/** The unsigned 32-bit integer at `at`. The caller has checked the length. */
export function uint32(bytes: Uint8Array, at: number, isLittleEndian: boolean): number {
  return isLittleEndian
    ? ((bytes[at + 3]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 1]! << 8) | bytes[at]!) >>> 0
    : ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
