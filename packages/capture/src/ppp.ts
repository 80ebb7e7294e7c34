// PPP frames (RFC 1661), with or without HDLC's address and control bytes (RFC 1662), PPP over Ethernet (RFC 2516), and
// Cisco's HDLC. Compressed TCP headers (RFC 1144) and multilink bundles (RFC 1990) are not read.

import { enterByEtherType } from './ether-type.ts';
import { cutToLength, enterLayer, type FrameReject, holds, type LayerCursor, layers, uint16 } from './layer-cursor.ts';

const addressAndControl = { address: 0xff, control: 0x03, length: 2 } as const;
const protocols = { ipv4: 0x0021, ipv6: 0x0057, mpls: 0x0281, mplsMulticast: 0x0283 } as const;
/** A protocol number is odd in its last byte and even in its first: one odd byte is a number with the zeros left out. */
const compressedBit = 0x01;
const pppoe = { versionAndType: 0x11, codeAt: 1, sessionData: 0, lengthAt: 4, length: 6 } as const;
const ciscoHdlc = { unicast: 0x0f, multicast: 0x8f, typeAt: 2, length: 4 } as const;

/** Steps over the protocol number, and over address and control where they are there. */
export function enterPpp(cursor: LayerCursor): FrameReject | undefined {
  const bytes = cursor.bytes;
  if (!holds(cursor, addressAndControl.length)) return 'truncated';
  const { address, control } = addressAndControl;
  if (bytes[cursor.at] === address && bytes[cursor.at + 1] === control) cursor.at += addressAndControl.length;
  if (!holds(cursor, 1)) return 'truncated';
  const isShort = (bytes[cursor.at]! & compressedBit) !== 0;
  if (!isShort && !holds(cursor, 2)) return 'truncated';
  const protocol = isShort ? bytes[cursor.at]! : uint16(bytes, cursor.at);
  switch (protocol) {
    case protocols.ipv4:
    case protocols.ipv6:
      return enterLayer(cursor, layers.ip, isShort ? 1 : 2);
    case protocols.mpls:
    case protocols.mplsMulticast:
      return enterLayer(cursor, layers.mpls, 2);
    default:
      return 'not-ip';
  }
}

/** Steps over the header of a session's frame. */
export function enterPppoe(cursor: LayerCursor): FrameReject | undefined {
  const { bytes, at } = cursor;
  if (!holds(cursor, pppoe.length)) return 'truncated';
  if (bytes[at] !== pppoe.versionAndType || bytes[at + pppoe.codeAt] !== pppoe.sessionData) return 'not-ip';
  cutToLength(cursor, pppoe.length + uint16(bytes, at + pppoe.lengthAt));
  return enterLayer(cursor, layers.ppp, pppoe.length);
}

/** A serial line: Cisco's framing, which has its own addresses, or PPP. */
export function enterSerial(cursor: LayerCursor): FrameReject | undefined {
  if (!holds(cursor, ciscoHdlc.length)) return 'truncated';
  const address = cursor.bytes[cursor.at];
  if (address === ciscoHdlc.unicast || address === ciscoHdlc.multicast) return enterCiscoHdlc(cursor);
  return enterLayer(cursor, layers.ppp, 0);
}

/** Cisco's HDLC: an address, a zero, an EtherType. */
export function enterCiscoHdlc(cursor: LayerCursor): FrameReject | undefined {
  return enterByEtherType(cursor, ciscoHdlc.typeAt, ciscoHdlc.length);
}
