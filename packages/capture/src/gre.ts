// GRE (RFC 2784, 2890, 1701) and what it carries: packets of an EtherType, Ethernet, mirrored frames (ERSPAN types I to
// III, draft-foschiano-erspan), PPP of PPTP (RFC 2637), what WCCP redirects (draft-mclaggan-wccp-v2rev1). Ethernet in IP
// (RFC 3378), too.

import { enterEtherType, etherTypes } from './ether-type.ts';
import {
  cutToLength,
  enterTunnel,
  type FrameReject,
  firstNibble,
  headerMissing,
  holds,
  type LayerCursor,
  layers,
  noteNetwork,
  uint16,
  uint32,
} from './layer-cursor.ts';

const gre = { protocolAt: 2, length: 4 } as const;
const flags = { checksum: 0x8000, routing: 0x4000, key: 0x2000, sequence: 0x1000, acknowledgment: 0x0080 } as const;
const versionBits = 0x0007;
/** What is zero in version 1; version 0 has bits that are to be ignored. */
const reservedBits1 = 0xcf78;
const fieldLength = 4;
/** A source route: address family, an offset, its length, its bytes; an empty one is the last. */
const sourceRoute = { lengthAt: 3, length: 4 } as const;
const protocols = { ppp: 0x880b, erspan: 0x88be, erspan3: 0x22eb, wccp: 0x883e } as const;
/** In version 2 a word before the packet says why it was redirected; its first four bits are not those of IP. */
const wccpRedirect = { length: 4 } as const;
const erspan2 = { version: 1, length: 8 } as const;
const erspan3 = { version: 2, formatAt: 10, subheaderAt: 11, length: 12, subheaderLength: 8 } as const;
/** What ERSPAN III mirrors: Ethernet frames, or IP packets. */
const erspanIp = 2;
const etherIp = { version: 3, length: 2 } as const;

/** Steps over a GRE header and what belongs to it. */
export function enterGre(cursor: LayerCursor): FrameReject | undefined {
  const { bytes, at } = cursor;
  if (!holds(cursor, gre.length)) return headerMissing(cursor);
  const bits = uint16(bytes, at);
  const protocol = uint16(bytes, at + gre.protocolAt);
  cursor.at = at + gre.length;
  switch (bits & versionBits) {
    case 0:
      return enterPlainGre(cursor, bits, protocol);
    case 1:
      return (bits & reservedBits1) === 0 && protocol === protocols.ppp ? enterPptp(cursor, bits) : 'not-tcp';
    default:
      return 'not-tcp';
  }
}

function enterPlainGre(cursor: LayerCursor, bits: number, protocol: number): FrameReject | undefined {
  if ((bits & (flags.checksum | flags.routing)) !== 0) cursor.at += fieldLength;
  if ((bits & flags.key) !== 0) {
    if (!holds(cursor, fieldLength)) return headerMissing(cursor);
    noteNetwork(cursor, uint32(cursor.bytes, cursor.at));
    cursor.at += fieldLength;
  }
  if ((bits & flags.sequence) !== 0) cursor.at += fieldLength;
  if ((bits & flags.routing) !== 0 && !skipSourceRoutes(cursor)) return headerMissing(cursor);
  if (!holds(cursor, 1)) return headerMissing(cursor);
  switch (protocol) {
    case etherTypes.transparentEthernet:
      return enterTunnel(cursor, layers.ethernet, 0);
    case protocols.erspan:
      // Type I has no header of its own, and is told from type II by the missing sequence number.
      return (bits & flags.sequence) === 0 ? enterTunnel(cursor, layers.ethernet, 0) : enterErspan2(cursor);
    case protocols.erspan3:
      return enterErspan3(cursor);
    case protocols.wccp:
      return enterTunnel(cursor, layers.ip, firstNibble(cursor, cursor.at) === 4 ? 0 : wccpRedirect.length);
    default:
      cursor.tunnels++;
      return enterEtherType(cursor, protocol) === undefined ? undefined : 'not-tcp';
  }
}

function skipSourceRoutes(cursor: LayerCursor): boolean {
  const bytes = cursor.bytes;
  while (holds(cursor, sourceRoute.length)) {
    const { at } = cursor;
    const length = bytes[at + sourceRoute.lengthAt]!;
    cursor.at = at + sourceRoute.length + length;
    if (length === 0 && uint16(bytes, at) === 0) return true;
  }
  return false;
}

function enterPptp(cursor: LayerCursor, bits: number): FrameReject | undefined {
  if ((bits & flags.key) === 0) return 'not-tcp';
  if (!holds(cursor, fieldLength)) return headerMissing(cursor);
  const payloadLength = uint16(cursor.bytes, cursor.at);
  cursor.at += fieldLength;
  // Without a sequence number there is no payload, only an acknowledgment.
  if ((bits & flags.sequence) === 0) return 'not-tcp';
  cursor.at += fieldLength;
  if ((bits & flags.acknowledgment) !== 0) cursor.at += fieldLength;
  if (!holds(cursor, 1)) return headerMissing(cursor);
  cutToLength(cursor, payloadLength);
  return enterTunnel(cursor, layers.ppp, 0);
}

function enterErspan2(cursor: LayerCursor): FrameReject | undefined {
  if (!holds(cursor, erspan2.length)) return headerMissing(cursor);
  if (firstNibble(cursor, cursor.at) !== erspan2.version) return 'not-tcp';
  return enterTunnel(cursor, layers.ethernet, erspan2.length);
}

function enterErspan3(cursor: LayerCursor): FrameReject | undefined {
  const { bytes, at } = cursor;
  if (!holds(cursor, erspan3.length)) return headerMissing(cursor);
  if (firstNibble(cursor, at) !== erspan3.version) return 'not-tcp';
  const format = (bytes[at + erspan3.formatAt]! >> 2) & 0x1f;
  const hasSubheader = (bytes[at + erspan3.subheaderAt]! & 0x01) !== 0;
  const length = erspan3.length + (hasSubheader ? erspan3.subheaderLength : 0);
  if (!holds(cursor, length)) return headerMissing(cursor);
  if (format !== 0 && format !== erspanIp) return 'not-tcp';
  return enterTunnel(cursor, format === erspanIp ? layers.ip : layers.ethernet, length);
}

/** Ethernet in IP: version 3, zeros, a frame. */
export function enterEtherIp(cursor: LayerCursor): FrameReject | undefined {
  const { bytes, at } = cursor;
  if (!holds(cursor, etherIp.length)) return headerMissing(cursor);
  if (uint16(bytes, at) !== etherIp.version << 12) return 'not-tcp';
  return enterTunnel(cursor, layers.ethernet, etherIp.length);
}
