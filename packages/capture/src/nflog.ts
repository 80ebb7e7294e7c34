// Linux NFLOG: a packet among attributes of the netfilter rule that logged it. Lengths and types of the attributes are
// in the byte order of the host that captured. https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html

import { cutToLength, enterLayer, type FrameReject, holds, type LayerCursor, layers } from './layer-cursor.ts';

/** `family`: of IPv4, IPv6, or of a bridge, whose packets begin with IP as well where they are logged. */
const header = { versionAt: 1, version: 0, length: 4 } as const;
const attribute = { length: 4, alignment: 4 } as const;
/** NFULA_PACKET_HDR and NFULA_PAYLOAD. */
const types = { packetHeader: 1, payload: 9 } as const;
/** Behind the attribute's own header: the protocol, the hook. */
const packetHeader = { hookAt: 6, length: 7 } as const;

/** Goes to the packet, and takes the direction from the hook. */
export function enterNflog(cursor: LayerCursor): FrameReject | undefined {
  const { bytes } = cursor;
  if (!holds(cursor, header.length)) return 'truncated';
  if (bytes[cursor.at + header.versionAt] !== header.version) return 'not-ip';
  cursor.at += header.length;
  while (holds(cursor, attribute.length)) {
    const { at } = cursor;
    // The types are small and none is 0: the byte that is set tells the order.
    const isLittleEndian = bytes[at + 2] !== 0;
    const length = isLittleEndian ? bytes[at]! + bytes[at + 1]! * 256 : bytes[at]! * 256 + bytes[at + 1]!;
    const type = isLittleEndian ? bytes[at + 2] : bytes[at + 3];
    if (length < attribute.length) return 'not-ip';
    if (type === types.payload) {
      cutToLength(cursor, length);
      return enterLayer(cursor, layers.ip, attribute.length);
    }
    if (type === types.packetHeader && holds(cursor, packetHeader.length)) {
      cursor.direction = directionOf(bytes[at + packetHeader.hookAt]!);
    }
    cursor.at = at + Math.ceil(length / attribute.alignment) * attribute.alignment;
  }
  return cursor.missing > 0 ? 'truncated' : 'not-ip';
}

/** The hooks in the order of netfilter: before routing and to this host; forwarded; from this host and behind routing. */
function directionOf(hook: number): LayerCursor['direction'] {
  if (hook <= 1) return 'in';
  return hook === 3 || hook === 4 ? 'out' : 'unknown';
}
