// Tunnels in UDP: VXLAN (RFC 7348), VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe), Geneve (RFC 8926), GTP-U (3GPP TS 29.281),
// MPLS (RFC 7510), GRE (RFC 8086), AYIYA (draft-massar-v6ops-ayiya), Teredo (RFC 4380). A port alone proves nothing: each
// header must be what its standard says.

import { enterEtherType, etherTypes } from './ether-type.ts';
import {
  cutToLength,
  enterLayer,
  enterTunnel,
  type FrameReject,
  firstNibble,
  headerMissing,
  holds,
  isIpAt,
  type LayerCursor,
  layers,
  noteNetwork,
  uint16,
} from './layer-cursor.ts';

const udp = { destinationPortAt: 2, lengthAt: 4, length: 8 } as const;
/** What stands in the second half of the header. */
const networkNumberAt = 4;

const vxlan = { flagsAt: 0, numberFlag: 0x08, length: 8 } as const;
const vxlanGpe = { versionBits: 0x30, nextFlag: 0x04, unusedBits: 0xc2, nextAt: 3, length: 8 } as const;
const vxlanGpeProtocols = { ipv4: 1, ipv6: 2, ethernet: 3, nsh: 4, mpls: 5 } as const;
const geneve = {
  versionBits: 0xc0,
  wordBits: 0x3f,
  reservedBits: 0x3f,
  protocolAt: 2,
  reservedAt: 7,
  length: 8,
} as const;
const gtp = { lengthAt: 2, typeAt: 1, packet: 0xff, numberAt: 6, length: 8, optionalLength: 4, nextAt: 3 } as const;
/** Version 1, GTP and not its charging variant; the bit behind is spare. */
const gtpVersion = { bits: 0xf8, value: 0x30 } as const;
const gtpOptionalBits = 0x07;
const labelLength = 4;
const labelBottom = { at: 2, bit: 0x01 } as const;
/** Version 0; only checksum, key and sequence number may be there. */
const greInUdp = { zeroBits: 0x4fff, length: 4 } as const;
/** Lengths of identity (a power of two) and signature (words) stand in the upper halves; then what to do, what follows. */
const ayiya = { signatureAt: 1, operationAt: 2, forward: 1, nextAt: 3, length: 8 } as const;
const teredoAuthentication = { type: 1, idLengthAt: 2, valueLengthAt: 3, fixedLength: 13 } as const;
const teredoOrigin = { type: 0, length: 8 } as const;
const ipv6 = { payloadLengthAt: 4, sourceAt: 8, destinationAt: 24, length: 40 } as const;
const teredoPort = 3544;

/** Steps over a UDP header and that of the tunnel in it; whatever else UDP carries is not TCP. */
export function enterUdp(cursor: LayerCursor): FrameReject | undefined {
  const { bytes, at } = cursor;
  if (!holds(cursor, udp.length)) return headerMissing(cursor);
  const length = uint16(bytes, at + udp.lengthAt);
  // 0 is that of a jumbogram (RFC 2675), and of TSO.
  if (length !== 0 && length < udp.length) return 'not-tcp';
  if (length !== 0) cutToLength(cursor, length);
  const destinationPort = uint16(bytes, at + udp.destinationPortAt);
  const sourcePort = uint16(bytes, at);
  cursor.at = at + udp.length;
  const isKnown = isTunnelPort(destinationPort);
  if (!isKnown && !isTunnelPort(sourcePort))
    return isTeredoPacket(cursor) ? enterTunnel(cursor, layers.ip, 0) : 'not-tcp';
  return enterTunnelOf(cursor, isKnown ? destinationPort : sourcePort);
}

function isTunnelPort(port: number): boolean {
  switch (port) {
    case 2152:
    case teredoPort:
    case 4789:
    case 4754:
    case 4790:
    case 5072:
    case 6081:
    case 6635:
    case 8472:
      return true;
    default:
      return false;
  }
}

function enterTunnelOf(cursor: LayerCursor, port: number): FrameReject | undefined {
  switch (port) {
    case 2152:
      return enterGtp(cursor);
    case teredoPort:
      return enterTeredo(cursor);
    case 4754:
      return enterGreInUdp(cursor);
    case 4790:
      return enterVxlanGpe(cursor);
    case 5072:
      return enterAyiya(cursor);
    case 6081:
      return enterGeneve(cursor);
    case 6635:
      return enterMplsInUdp(cursor);
    default:
      return enterVxlan(cursor);
  }
}

function enterVxlan(cursor: LayerCursor): FrameReject | undefined {
  const { bytes, at } = cursor;
  if (!holds(cursor, vxlan.length)) return headerMissing(cursor);
  // All else is reserved, and to be ignored (section 5), or a group policy.
  if ((bytes[at + vxlan.flagsAt]! & vxlan.numberFlag) === 0) return 'not-tcp';
  noteNetwork(cursor, uint24(bytes, at + networkNumberAt));
  return enterTunnel(cursor, layers.ethernet, vxlan.length);
}

function enterGreInUdp(cursor: LayerCursor): FrameReject | undefined {
  if (!holds(cursor, greInUdp.length)) return headerMissing(cursor);
  if ((uint16(cursor.bytes, cursor.at) & greInUdp.zeroBits) !== 0) return 'not-tcp';
  return enterLayer(cursor, layers.gre, 0);
}

function enterAyiya(cursor: LayerCursor): FrameReject | undefined {
  const { bytes, at } = cursor;
  if (!holds(cursor, ayiya.length)) return headerMissing(cursor);
  const next = bytes[at + ayiya.nextAt];
  const isForwarded = (bytes[at + ayiya.operationAt]! & 0x0f) === ayiya.forward;
  if (!isForwarded || (next !== 41 && next !== 4)) return 'not-tcp';
  const identityLength = 1 << (bytes[at]! >> 4);
  const signatureLength = (bytes[at + ayiya.signatureAt]! >> 4) * 4;
  const length = ayiya.length + identityLength + signatureLength;
  if (firstNibble(cursor, at + length) !== (next === 41 ? 6 : 4)) return headerMissing(cursor);
  return enterTunnel(cursor, layers.ip, length);
}

function enterVxlanGpe(cursor: LayerCursor): FrameReject | undefined {
  const { bytes, at } = cursor;
  if (!holds(cursor, vxlanGpe.length)) return headerMissing(cursor);
  const bits = bytes[at]!;
  const isUnknown = (bits & (vxlanGpe.versionBits | vxlanGpe.unusedBits)) !== 0 || uint16(bytes, at + 1) !== 0;
  if (isUnknown || (bits & vxlan.numberFlag) === 0) return 'not-tcp';
  noteNetwork(cursor, uint24(bytes, at + networkNumberAt));
  switch ((bits & vxlanGpe.nextFlag) === 0 ? vxlanGpeProtocols.ethernet : bytes[at + vxlanGpe.nextAt]) {
    case vxlanGpeProtocols.ipv4:
    case vxlanGpeProtocols.ipv6:
      return enterTunnel(cursor, layers.ip, vxlanGpe.length);
    case vxlanGpeProtocols.ethernet:
      return enterTunnel(cursor, layers.ethernet, vxlanGpe.length);
    case vxlanGpeProtocols.nsh:
      return enterTunnel(cursor, layers.nsh, vxlanGpe.length);
    case vxlanGpeProtocols.mpls:
      return enterTunnel(cursor, layers.mpls, vxlanGpe.length);
    default:
      return 'not-tcp';
  }
}

function enterGeneve(cursor: LayerCursor): FrameReject | undefined {
  const { bytes, at } = cursor;
  if (!holds(cursor, geneve.length)) return headerMissing(cursor);
  const length = geneve.length + (bytes[at]! & geneve.wordBits) * 4;
  const areReservedZero = (bytes[at + 1]! & geneve.reservedBits) === 0 && bytes[at + geneve.reservedAt] === 0;
  if ((bytes[at]! & geneve.versionBits) !== 0 || !areReservedZero) return 'not-tcp';
  if (!holds(cursor, length)) return headerMissing(cursor);
  noteNetwork(cursor, uint24(bytes, at + networkNumberAt));
  const protocol = uint16(bytes, at + geneve.protocolAt);
  if (protocol === etherTypes.transparentEthernet) return enterTunnel(cursor, layers.ethernet, length);
  enterTunnel(cursor, layers.ip, length);
  return enterEtherType(cursor, protocol) === undefined ? undefined : 'not-tcp';
}

function enterGtp(cursor: LayerCursor): FrameReject | undefined {
  const { bytes, at } = cursor;
  if (!holds(cursor, gtp.length)) return headerMissing(cursor);
  const bits = bytes[at]!;
  if ((bits & gtpVersion.bits) !== gtpVersion.value || bytes[at + gtp.typeAt] !== gtp.packet) return 'not-tcp';
  cutToLength(cursor, gtp.length + uint16(bytes, at + gtp.lengthAt));
  noteNetwork(cursor, uint16(bytes, at + gtp.numberAt));
  cursor.at = at + gtp.length;
  if ((bits & gtpOptionalBits) !== 0) {
    if (!holds(cursor, gtp.optionalLength)) return headerMissing(cursor);
    let next = bytes[cursor.at + gtp.nextAt]!;
    cursor.at += gtp.optionalLength;
    // Each extension: its length in words, its bytes, the type of the next one.
    while (next !== 0) {
      const length = holds(cursor, 1) ? bytes[cursor.at]! * 4 : 0;
      if (length === 0 || !holds(cursor, length)) return headerMissing(cursor);
      cursor.at += length;
      next = bytes[cursor.at - 1]!;
    }
  }
  if (!isIpAt(cursor, cursor.at)) return headerMissing(cursor);
  return enterTunnel(cursor, layers.ip, 0);
}

/** A label stack with an IP packet at once behind its last label; pseudowires are known by less and are not taken. */
function enterMplsInUdp(cursor: LayerCursor): FrameReject | undefined {
  const { bytes, end } = cursor;
  let at = cursor.at;
  while (at + labelLength <= end) {
    const isBottom = (bytes[at + labelBottom.at]! & labelBottom.bit) !== 0;
    at += labelLength;
    if (isBottom && isIpAt(cursor, at)) return enterTunnel(cursor, layers.mpls, 0);
    if (isBottom) return headerMissing(cursor);
  }
  return headerMissing(cursor);
}

/** On the servers' port an authentication and an origin may stand before the packet. */
function enterTeredo(cursor: LayerCursor): FrameReject | undefined {
  const bytes = cursor.bytes;
  if (holds(cursor, 4) && uint16(bytes, cursor.at) === teredoAuthentication.type) {
    const { idLengthAt, valueLengthAt, fixedLength } = teredoAuthentication;
    cursor.at += fixedLength + bytes[cursor.at + idLengthAt]! + bytes[cursor.at + valueLengthAt]!;
  }
  if (holds(cursor, 2) && uint16(bytes, cursor.at) === teredoOrigin.type) cursor.at += teredoOrigin.length;
  if (!holds(cursor, ipv6.length)) return headerMissing(cursor);
  const length = ipv6.length + uint16(bytes, cursor.at + ipv6.payloadLengthAt);
  const available = cursor.end - cursor.at + cursor.missing;
  if (firstNibble(cursor, cursor.at) !== 6 || length > available) return 'not-tcp';
  return enterTunnel(cursor, layers.ip, 0);
}

/** Teredo's clients and relays choose their ports: there it is an IPv6 packet of just that length with a Teredo address. */
function isTeredoPacket(cursor: LayerCursor): boolean {
  const { bytes, at, end, missing } = cursor;
  if (!holds(cursor, ipv6.length) || firstNibble(cursor, at) !== 6) return false;
  if (ipv6.length + uint16(bytes, at + ipv6.payloadLengthAt) !== end - at + missing) return false;
  return isTeredoAddress(bytes, at + ipv6.sourceAt) || isTeredoAddress(bytes, at + ipv6.destinationAt);
}

/** 2001:0::/32. */
function isTeredoAddress(bytes: Uint8Array, at: number): boolean {
  return uint16(bytes, at) === 0x2001 && uint16(bytes, at + 2) === 0;
}

function uint24(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 65_536 + uint16(bytes, at + 1);
}
