// From the start of a frame to the first header inside: Ethernet, Linux cooked captures v1 and v2, BSD loopback and ENC,
// PPP and Cisco HDLC, ARCnet, FDDI, IP over InfiniBand, NFLOG, raw IP. https://www.tcpdump.org/linktypes.html

import { enterArcnet } from './arcnet.ts';
import { enterByEtherType, enterEthernet, enterLlc, etherTypes } from './ether-type.ts';
import { type Frame, linkTypes } from './frame.ts';
import { enterLayer, type FrameReject, type LayerCursor, layers, uint16 } from './layer-cursor.ts';
import { enterNflog } from './nflog.ts';
import { enterCiscoHdlc, enterSerial } from './ppp.ts';

/** `packetTypeAt`: of its last byte; the values are small. */
const sll = { packetTypeAt: 1, hardwareTypeAt: 2, protocolAt: 14, length: 16 } as const;
const sll2 = { protocolAt: 0, hardwareTypeAt: 8, packetTypeAt: 10, length: 20 } as const;
/** ARPHRD_LOOPBACK, ARPHRD_IPGRE, ARPHRD_IP6GRE. */
const hardwareTypes = { loopback: 772, ipGre: 778, ip6Gre: 823 } as const;
/** ETH_P_802_2: an LLC header follows. */
const protocol8022 = 0x0004;
/** Address family in the first word; security association and flags behind it. */
const loopback = { length: 4 } as const;
const encapsulation = { length: 12 } as const;
/** Where the protocol stands: behind two addresses, with Linux's framing behind an offset, too. */
const arcnetProtocolAt = { bsd: 2, linux: 4 } as const;
/** Frame control and two addresses; frames of other kinds than LLC's manage the ring. */
const fddi = { kindBits: 0xf0, llcKind: 0x50, length: 13 } as const;
/** A global routing header, an EtherType, two bytes that are reserved. */
const ipoib = { typeAt: 40, length: 44 } as const;
const pppDirection = { sent: 1, length: 1 } as const;
/** The packet type of cooked captures for what this host sent. */
const packetTypeOutgoing = 4;

/** AF_INET, and AF_INET6 as Linux, BSD, FreeBSD and macOS number it. */
const addressFamilies: readonly number[] = [2, 10, 24, 28, 30];

/** Puts the cursor at the first header behind that of the link. */
export function enterLinkLayer(frame: Frame, cursor: LayerCursor): FrameReject | undefined {
  cursor.bytes = frame.bytes;
  cursor.at = frame.start;
  cursor.end = frame.end;
  cursor.missing = Math.max(0, frame.originalLength - (frame.end - frame.start));
  cursor.isBounded = false;
  cursor.direction = frame.direction;
  cursor.tunnels = 0;
  cursor.network = 0;
  return frame.linkType === linkTypes.ethernet ? enterEthernet(cursor) : enterOtherLink(cursor, frame.linkType);
}

function enterOtherLink(cursor: LayerCursor, linkType: number): FrameReject | undefined {
  switch (linkType) {
    case linkTypes.linuxSll:
      // The packet type is 16 bits, all of its values fit the second byte.
      return enterCooked(cursor, sll);
    case linkTypes.linuxSll2:
      return enterCooked(cursor, sll2);
    case linkTypes.null:
    case linkTypes.loop:
      return enterFamily(cursor, loopback.length);
    case linkTypes.enc:
      return enterFamily(cursor, encapsulation.length);
    case linkTypes.raw:
    case linkTypes.rawBsd:
    case linkTypes.rawOpenBsd:
    case linkTypes.ipv4:
    case linkTypes.ipv6:
      return enterLayer(cursor, layers.ip, 0);
    case linkTypes.ppp:
      return enterLayer(cursor, layers.ppp, 0);
    case linkTypes.pppHdlc:
      return enterSerial(cursor);
    case linkTypes.pppoe:
      return enterLayer(cursor, layers.pppoe, 0);
    case linkTypes.pppPppd:
    case linkTypes.pppWithDirection:
      return enterDirectedPpp(cursor, linkType);
    case linkTypes.ciscoHdlc:
      return enterCiscoHdlc(cursor);
    case linkTypes.nflog:
      return enterNflog(cursor);
    default:
      return enterRareLink(cursor, linkType);
  }
}

function enterRareLink(cursor: LayerCursor, linkType: number): FrameReject | undefined {
  switch (linkType) {
    case linkTypes.arcnetBsd:
      return enterArcnet(cursor, arcnetProtocolAt.bsd);
    case linkTypes.arcnetLinux:
      return enterArcnet(cursor, arcnetProtocolAt.linux);
    case linkTypes.fddi:
      return enterFddi(cursor);
    case linkTypes.ipoib:
      return enterByEtherType(cursor, ipoib.typeAt, ipoib.length);
    default:
      return 'unsupported-link-type';
  }
}

function enterCooked(cursor: LayerCursor, header: typeof sll | typeof sll2): FrameReject | undefined {
  const { bytes, at } = cursor;
  if (cursor.end - at < header.length) return 'truncated';
  const hardwareType = uint16(bytes, at + header.hardwareTypeAt);
  const isOutgoing = bytes[at + header.packetTypeAt] === packetTypeOutgoing;
  cursor.direction = hardwareType === hardwareTypes.loopback ? 'loopback' : isOutgoing ? 'out' : 'in';
  const protocol = uint16(bytes, at + header.protocolAt);
  const isGre = hardwareType === hardwareTypes.ipGre || hardwareType === hardwareTypes.ip6Gre;
  // On GRE interfaces the type is GRE's, which has one for Ethernet, too.
  if (isGre && protocol === etherTypes.transparentEthernet) return enterLayer(cursor, layers.ethernet, header.length);
  // Other small numbers are protocols of Linux's own, not 802.3 lengths.
  if (protocol < 0x0600 && protocol !== protocol8022) return 'not-ip';
  return enterByEtherType(cursor, header.protocolAt, header.length);
}

function enterFddi(cursor: LayerCursor): FrameReject | undefined {
  const { bytes, at, end } = cursor;
  if (end - at < fddi.length) return 'truncated';
  if ((bytes[at]! & fddi.kindBits) !== fddi.llcKind) return 'not-ip';
  cursor.at = at + fddi.length;
  return enterLlc(cursor);
}

function enterFamily(cursor: LayerCursor, length: number): FrameReject | undefined {
  const { bytes, at, end } = cursor;
  if (end - at < length) return 'truncated';
  // The families are small, so one of the outer bytes holds the value, whichever the byte order is.
  const middleIsZero = bytes[at + 1] === 0 && bytes[at + 2] === 0;
  const family = bytes[at]! + bytes[at + 3]!;
  if (!middleIsZero || !addressFamilies.includes(family)) return 'not-ip';
  return enterLayer(cursor, layers.ip, length);
}

/** The first byte says who sent the frame; with pppd's own link type it stands in place of the HDLC address. */
function enterDirectedPpp(cursor: LayerCursor, linkType: number): FrameReject | undefined {
  const { bytes, at, end } = cursor;
  if (end - at < pppDirection.length) return 'truncated';
  cursor.direction = bytes[at] === 0 ? 'in' : 'out';
  const hasControl = linkType === linkTypes.pppPppd && bytes[at + 1] === 0x03;
  return enterLayer(cursor, layers.ppp, pppDirection.length + (hasControl ? 1 : 0));
}
