// From the start of a frame to the IP header: Ethernet with VLAN tags (IEEE 802.1Q, 802.1ad) and LLC/SNAP, Linux cooked
// captures v1 and v2, BSD loopback, raw IP. https://www.tcpdump.org/linktypes.html

import { type Frame, linkTypes } from './frame.ts';
import type { FrameReject, LayerCursor } from './layer-cursor.ts';

const etherTypes = { ipv4: 0x0800, ipv6: 0x86dd, vlan: 0x8100, serviceVlan: 0x88a8, oldQinQ: 0x9100 } as const;
/** Below this the field is a length and an LLC header follows. */
const lowestEtherType = 0x0600;

const ethernet = { typeAt: 12, length: 14 } as const;
const vlanTag = { typeAt: 2, length: 4 } as const;
const llcSnap = { typeAt: 6, length: 8 } as const;
/** `packetTypeAt`: of its last byte; the values are small. */
const sll = { packetTypeAt: 1, hardwareTypeAt: 2, protocolAt: 14, length: 16 } as const;
const sll2 = { protocolAt: 0, hardwareTypeAt: 8, packetTypeAt: 10, length: 20 } as const;
/** ARPHRD_LOOPBACK. */
const hardwareTypeLoopback = 772;
const loopback = { length: 4 } as const;
/** The packet type of cooked captures for what this host sent. */
const packetTypeOutgoing = 4;

/** AF_INET, and AF_INET6 as Linux, BSD, FreeBSD and macOS number it. */
const addressFamilies: readonly number[] = [2, 10, 24, 28, 30];

/** Puts the cursor at the IP header of the frame. */
export function enterLinkLayer(frame: Frame, cursor: LayerCursor): FrameReject | undefined {
  cursor.bytes = frame.bytes;
  cursor.at = frame.start;
  cursor.end = frame.end;
  cursor.missing = Math.max(0, frame.originalLength - (frame.end - frame.start));
  cursor.direction = frame.direction;
  switch (frame.linkType) {
    case linkTypes.ethernet:
      return enterByEtherType(cursor, ethernet.typeAt, ethernet.length);
    case linkTypes.linuxSll:
      // The packet type is 16 bits, all of its values fit the second byte.
      return enterCooked(cursor, sll);
    case linkTypes.linuxSll2:
      return enterCooked(cursor, sll2);
    case linkTypes.null:
    case linkTypes.loop:
      return enterLoopback(cursor);
    case linkTypes.raw:
    case linkTypes.rawBsd:
    case linkTypes.rawOpenBsd:
    case linkTypes.ipv4:
    case linkTypes.ipv6:
      return undefined;
    default:
      return 'unsupported-link-type';
  }
}

function enterCooked(cursor: LayerCursor, header: typeof sll | typeof sll2): FrameReject | undefined {
  const { bytes, at } = cursor;
  if (cursor.end - at < header.length) return 'truncated';
  const hardwareType = bytes[at + header.hardwareTypeAt]! * 256 + bytes[at + header.hardwareTypeAt + 1]!;
  const isOutgoing = bytes[at + header.packetTypeAt] === packetTypeOutgoing;
  cursor.direction = hardwareType === hardwareTypeLoopback ? 'loopback' : isOutgoing ? 'out' : 'in';
  return enterByEtherType(cursor, header.protocolAt, header.length);
}

/** Steps over the header and over every tag behind it, until the type names IP. */
function enterByEtherType(cursor: LayerCursor, typeAt: number, length: number): FrameReject | undefined {
  const bytes = cursor.bytes;
  for (;;) {
    if (cursor.end - cursor.at < length) return 'truncated';
    const type = bytes[cursor.at + typeAt]! * 256 + bytes[cursor.at + typeAt + 1]!;
    cursor.at += length;
    switch (type) {
      case etherTypes.ipv4:
      case etherTypes.ipv6:
        return undefined;
      case etherTypes.vlan:
      case etherTypes.serviceVlan:
      case etherTypes.oldQinQ:
        typeAt = vlanTag.typeAt;
        length = vlanTag.length;
        continue;
      default:
        if (type >= lowestEtherType || !isSnap(cursor)) return 'not-ip';
        typeAt = llcSnap.typeAt;
        length = llcSnap.length;
    }
  }
}

/** LLC header `aa aa 03` with the SNAP organisation 00 00 00: an EtherType follows (RFC 1042). */
function isSnap({ bytes, at, end }: LayerCursor): boolean {
  return (
    end - at >= llcSnap.length &&
    bytes[at] === 0xaa &&
    bytes[at + 1] === 0xaa &&
    bytes[at + 2] === 0x03 &&
    bytes[at + 3] === 0 &&
    bytes[at + 4] === 0 &&
    bytes[at + 5] === 0
  );
}

function enterLoopback(cursor: LayerCursor): FrameReject | undefined {
  const { bytes, at, end } = cursor;
  if (end - at < loopback.length) return 'truncated';
  // The families are small, so one of the outer bytes holds the value, whichever the byte order is.
  const middleIsZero = bytes[at + 1] === 0 && bytes[at + 2] === 0;
  const family = bytes[at]! + bytes[at + 3]!;
  if (!middleIsZero || !addressFamilies.includes(family)) return 'not-ip';
  cursor.at += loopback.length;
  return undefined;
}
