// Offsets and flags of the TCP header (RFC 9293, section 3.1).

/** Bits of the flag byte of a TCP header. */
export const tcpFlags = {
  fin: 0x01,
  syn: 0x02,
  rst: 0x04,
  psh: 0x08,
  ack: 0x10,
  urg: 0x20,
  ece: 0x40,
  cwr: 0x80,
} as const;

/** Byte offsets of the header's fields, and its length without options. */
export const tcpHeader = {
  sourcePortAt: 0,
  destinationPortAt: 2,
  sequenceAt: 4,
  acknowledgmentAt: 8,
  dataOffsetAt: 12,
  flagsAt: 13,
  windowAt: 14,
  length: 20,
} as const;

/**
 * The most bytes that can be under way in one flow, by what systems configure (RFC 7323 would allow 1 GiB). Data
 * farther than this from what is expected belongs to another connection with the same addresses and ports.
 */
export const largestWindowBytes = 64 * 1024 * 1024;
