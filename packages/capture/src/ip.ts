// From an IP header to what the packet carries: IPv4 (RFC 791) with options, IPv6 (RFC 8200) with extension headers, the
// authentication header (RFC 4302) in both, IP in IP (RFC 2003, 2473, 4213). Checksums are not verified: network cards
// compute them after the capture.

import {
  cutToLength,
  enterLayer,
  enterTunnel,
  type FrameReject,
  firstNibble,
  holds,
  type LayerCursor,
  layers,
  lengthWithin,
  uint16,
  uint32,
} from './layer-cursor.ts';

const ipv4 = {
  totalLengthAt: 2,
  identificationAt: 4,
  fragmentAt: 6,
  protocolAt: 9,
  addressesAt: 12,
  addressLength: 4,
  length: 20,
} as const;
const ipv6 = { payloadLengthAt: 4, nextHeaderAt: 6, addressesAt: 8, addressLength: 16, length: 40 } as const;
/** More-fragments and fragment offset: all zero in a packet that is whole. IPv4 counts in eight bytes, too. */
const ipv4FragmentBits = { any: 0x3fff, more: 0x2000, offset: 0x1fff } as const;
const ipv6FragmentBits = { any: 0xfff9, more: 0x0001, offset: 0xfff8 } as const;

const protocols = {
  hopByHop: 0,
  ipv4: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  routing: 43,
  fragment: 44,
  gre: 47,
  authentication: 51,
  destination: 60,
  etherIp: 97,
  mobility: 135,
  mpls: 137,
  hostIdentity: 139,
  shim6: 140,
  ethernet: 143,
} as const;
const fragmentHeader = { fragmentAt: 2, identificationAt: 4, length: 8 } as const;
const smallestExtensionLength = 8;

/** Moves the cursor behind the IP header and its extensions; its end becomes the end of the packet by the IP length. */
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
  const fragment = uint16(bytes, at + ipv4.fragmentAt);
  if (end - at < headerLength) return 'truncated';
  if (totalLength !== 0) cutToLength(cursor, lengthWithin(cursor, totalLength));
  cursor.addressesAt = at + ipv4.addressesAt;
  cursor.addressLength = ipv4.addressLength;
  cursor.at = at + headerLength;
  const protocol = bytes[at + ipv4.protocolAt]!;
  if ((fragment & ipv4FragmentBits.any) !== 0)
    return enterIpv4Fragment(cursor, uint16(bytes, at + ipv4.identificationAt), fragment, protocol);
  if (protocol !== protocols.tcp) return enterPayload(cursor, protocol);
  cursor.layer = layers.tcp;
  return undefined;
}

function enterIpv4Fragment(cursor: LayerCursor, id: number, fragment: number, protocol: number): FrameReject {
  cursor.fragmentId = id;
  cursor.fragmentOffset = (fragment & ipv4FragmentBits.offset) * 8;
  cursor.hasMoreFragments = (fragment & ipv4FragmentBits.more) !== 0;
  return enterFragment(cursor, protocol);
}

function enterIpv6(cursor: LayerCursor): FrameReject | undefined {
  const { bytes, at, end } = cursor;
  if (end - at < ipv6.length) return 'truncated';
  const payloadLength = uint16(bytes, at + ipv6.payloadLengthAt);
  // 0 is the length of a jumbogram (RFC 2675, BIG TCP), and of TSO: the frame has it.
  if (payloadLength !== 0) cutToLength(cursor, lengthWithin(cursor, ipv6.length + payloadLength));
  cursor.addressesAt = at + ipv6.addressesAt;
  cursor.addressLength = ipv6.addressLength;
  cursor.at = at + ipv6.length;
  return enterPayload(cursor, bytes[at + ipv6.nextHeaderAt]!);
}

/**
 * Goes on with what `protocol` names, which begins at the cursor, past extension headers. Fragments put together go on
 * here, too: the cursor then has their packet's addresses.
 */
export function enterPayload(cursor: LayerCursor, protocol: number): FrameReject | undefined {
  const bytes = cursor.bytes;
  let next = protocol;
  while (next !== protocols.tcp) {
    if (!isExtension(cursor, next)) return enterInner(cursor, next);
    const { at, end } = cursor;
    if (end - at < smallestExtensionLength) return cursor.missing > 0 ? 'truncated' : 'malformed-ip';
    const kind = next;
    next = bytes[at]!;
    if (kind === protocols.fragment) {
      const bits = uint16(bytes, at + fragmentHeader.fragmentAt);
      cursor.at = at + fragmentHeader.length;
      // An atomic fragment is a whole packet (RFC 6946).
      if ((bits & ipv6FragmentBits.any) === 0) continue;
      cursor.fragmentId = uint32(bytes, at + fragmentHeader.identificationAt);
      cursor.fragmentOffset = bits & ipv6FragmentBits.offset;
      cursor.hasMoreFragments = (bits & ipv6FragmentBits.more) !== 0;
      return enterFragment(cursor, next);
    }
    cursor.at = at + (kind === protocols.authentication ? (bytes[at + 1]! + 2) * 4 : (bytes[at + 1]! + 1) * 8);
  }
  cursor.layer = layers.tcp;
  return undefined;
}

/** What it is a part of can be known only where all parts are. */
function enterFragment(cursor: LayerCursor, protocol: number): FrameReject {
  cursor.fragmentProtocol = protocol;
  return leadsToTcp(cursor, protocol) ? 'ip-fragment' : 'not-tcp';
}

/** Anything but TCP: another packet inside, or nothing that is read. */
function enterInner(cursor: LayerCursor, protocol: number): FrameReject | undefined {
  switch (protocol) {
    case protocols.udp:
      return enterLayer(cursor, layers.udp, 0);
    case protocols.gre:
      return enterLayer(cursor, layers.gre, 0);
    case protocols.etherIp:
      return enterLayer(cursor, layers.etherIp, 0);
    case protocols.ipv4:
      return enterInnerIp(cursor, 4);
    case protocols.ipv6:
      return enterInnerIp(cursor, 6);
    case protocols.mpls:
      return enterTunnel(cursor, layers.mpls, 0);
    case protocols.ethernet:
      return enterTunnel(cursor, layers.ethernet, 0);
    default:
      return 'not-tcp';
  }
}

function enterInnerIp(cursor: LayerCursor, version: number): FrameReject | undefined {
  if (!holds(cursor, 1)) return cursor.missing > 0 ? 'truncated' : 'malformed-ip';
  if (firstNibble(cursor, cursor.at) !== version) return 'malformed-ip';
  return enterTunnel(cursor, layers.ip, 0);
}

function leadsToTcp(cursor: LayerCursor, protocol: number): boolean {
  switch (protocol) {
    case protocols.tcp:
    case protocols.udp:
    case protocols.gre:
    case protocols.etherIp:
    case protocols.ipv4:
    case protocols.ipv6:
    case protocols.mpls:
    case protocols.ethernet:
      return true;
    default:
      return isExtension(cursor, protocol);
  }
}

/** All but the authentication header are of IPv6 only. */
function isExtension({ addressLength }: LayerCursor, protocol: number): boolean {
  switch (protocol) {
    case protocols.authentication:
      return true;
    case protocols.hopByHop:
    case protocols.routing:
    case protocols.fragment:
    case protocols.destination:
    case protocols.mobility:
    case protocols.hostIdentity:
    case protocols.shim6:
      return addressLength === ipv6.addressLength;
    default:
      return false;
  }
}
