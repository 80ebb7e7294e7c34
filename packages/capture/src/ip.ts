// From the IP header to the TCP header: IPv4 (RFC 791) with options, IPv6 (RFC 8200) with extension headers. Checksums
// are not verified: network cards compute them after the capture.

import type { FrameReject, LayerCursor } from './layer-cursor.ts';

const ipv4 = { totalLengthAt: 2, fragmentAt: 6, protocolAt: 9, addressesAt: 12, addressLength: 4, length: 20 } as const;
const ipv6 = { payloadLengthAt: 4, nextHeaderAt: 6, addressesAt: 8, addressLength: 16, length: 40 } as const;
/** The bits of more-fragments and fragment offset: all zero in a packet that is whole. */
const ipv4FragmentBits = 0x3fff;
const ipv6FragmentBits = 0xfff9;

const nextHeaders = {
  hopByHop: 0,
  tcp: 6,
  routing: 43,
  fragment: 44,
  authentication: 51,
  destination: 60,
  mobility: 135,
  hostIdentity: 139,
  shim6: 140,
} as const;
const fragmentHeader = { fragmentAt: 2, length: 8 } as const;
const smallestExtensionLength = 8;

/** Moves the cursor from the IP header to the TCP header; its end becomes the end of the packet by the IP length. */
export function enterIp(cursor: LayerCursor): FrameReject | undefined {
  if (cursor.at >= cursor.end) return 'truncated';
  switch (cursor.bytes[cursor.at]! >> 4) {
    case 4:
      return enterIpv4(cursor);
    case 6:
      return enterIpv6(cursor);
    default:
      return 'malformed-ip';
  }
}

function enterIpv4(cursor: LayerCursor): FrameReject | undefined {
  const { bytes, at, end } = cursor;
  if (end - at < ipv4.length) return 'truncated';
  const headerLength = (bytes[at]! & 0x0f) * 4;
  const totalLength = uint16(bytes, at + ipv4.totalLengthAt);
  // A length of 0 is that of a packet which the network card will still cut into segments (TSO).
  if (headerLength < ipv4.length || (totalLength !== 0 && totalLength < headerLength)) return 'malformed-ip';
  if ((uint16(bytes, at + ipv4.fragmentAt) & ipv4FragmentBits) !== 0) return 'ip-fragment';
  if (bytes[at + ipv4.protocolAt] !== nextHeaders.tcp) return 'not-tcp';
  if (end - at < headerLength) return 'truncated';
  if (totalLength !== 0) cutToLength(cursor, totalLength);
  cursor.addressesAt = at + ipv4.addressesAt;
  cursor.addressLength = ipv4.addressLength;
  cursor.at = at + headerLength;
  return undefined;
}

function enterIpv6(cursor: LayerCursor): FrameReject | undefined {
  const { bytes, at, end } = cursor;
  if (end - at < ipv6.length) return 'truncated';
  const payloadLength = uint16(bytes, at + ipv6.payloadLengthAt);
  // 0 is the length of a jumbogram (RFC 2675, BIG TCP), and of TSO: the frame has it.
  if (payloadLength !== 0) cutToLength(cursor, ipv6.length + payloadLength);
  cursor.addressesAt = at + ipv6.addressesAt;
  cursor.addressLength = ipv6.addressLength;
  cursor.at = at + ipv6.length;
  return skipExtensions(cursor, bytes[at + ipv6.nextHeaderAt]!);
}

function skipExtensions(cursor: LayerCursor, nextHeader: number): FrameReject | undefined {
  const bytes = cursor.bytes;
  while (nextHeader !== nextHeaders.tcp) {
    if (!isExtension(nextHeader)) return 'not-tcp';
    const { at, end } = cursor;
    if (end - at < smallestExtensionLength) return cursor.missing > 0 ? 'truncated' : 'malformed-ip';
    if (nextHeader === nextHeaders.fragment) {
      // An atomic fragment is a whole packet (RFC 6946).
      if ((uint16(bytes, at + fragmentHeader.fragmentAt) & ipv6FragmentBits) !== 0) return 'ip-fragment';
      cursor.at = at + fragmentHeader.length;
    } else if (nextHeader === nextHeaders.authentication) {
      cursor.at = at + (bytes[at + 1]! + 2) * 4;
    } else {
      cursor.at = at + (bytes[at + 1]! + 1) * 8;
    }
    nextHeader = bytes[at]!;
  }
  return undefined;
}

function isExtension(nextHeader: number): boolean {
  switch (nextHeader) {
    case nextHeaders.hopByHop:
    case nextHeaders.routing:
    case nextHeaders.fragment:
    case nextHeaders.authentication:
    case nextHeaders.destination:
    case nextHeaders.mobility:
    case nextHeaders.hostIdentity:
    case nextHeaders.shim6:
      return true;
    default:
      return false;
  }
}

/** What the frame has behind the packet is padding; what it lacks was cut off. */
function cutToLength(cursor: LayerCursor, length: number): void {
  const packetEnd = cursor.at + length;
  cursor.missing = Math.max(0, packetEnd - cursor.end);
  cursor.end = Math.min(cursor.end, packetEnd);
}

function uint16(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 256 + bytes[at + 1]!;
}
