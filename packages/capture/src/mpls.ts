// MPLS label stacks (RFC 3032). Nothing in them says what they carry: IP is known by its version, and Ethernet
// pseudowires, with or without a control word (RFC 4448), by the type in the frame's header.

import { isEthernetAt } from './ether-type.ts';
import {
  enterLayer,
  enterTunnel,
  type FrameReject,
  firstNibble,
  holds,
  type LayerCursor,
  layers,
  uint16,
} from './layer-cursor.ts';

const label = { bottomAt: 2, bottomBit: 0x01, length: 4 } as const;
const controlWord = { length: 4 } as const;
const smallestIpv4 = 20;
const ipv6 = { payloadLengthAt: 4, length: 40 } as const;

/** Steps over the labels, and over a control word. */
export function enterMpls(cursor: LayerCursor): FrameReject | undefined {
  const bytes = cursor.bytes;
  let isBottom = false;
  while (!isBottom) {
    if (!holds(cursor, label.length)) return 'truncated';
    isBottom = (bytes[cursor.at + label.bottomAt]! & label.bottomBit) !== 0;
    cursor.at += label.length;
  }
  if (isPlausibleIp(cursor)) return enterLayer(cursor, layers.ip, 0);
  const isFrame = isEthernetAt(cursor, cursor.at);
  const isBehind = firstNibble(cursor, cursor.at) === 0 && isEthernetAt(cursor, cursor.at + controlWord.length);
  // Where both could be, a control word is told by its flags and length, which are zero but for the shortest frames.
  if (isBehind && (!isFrame || uint16(bytes, cursor.at) === 0))
    return enterTunnel(cursor, layers.ethernet, controlWord.length);
  if (isFrame) return enterTunnel(cursor, layers.ethernet, 0);
  return cursor.missing > 0 ? 'truncated' : 'not-ip';
}

/** A version alone is half a hardware address, too: the length must fit as well. */
function isPlausibleIp(cursor: LayerCursor): boolean {
  const { bytes, at, end, missing } = cursor;
  const available = end - at + missing;
  switch (firstNibble(cursor, at)) {
    case 4: {
      if (!holds(cursor, smallestIpv4)) return missing > 0;
      const headerLength = (bytes[at]! & 0x0f) * 4;
      const totalLength = uint16(bytes, at + 2);
      return (
        headerLength >= smallestIpv4 && (totalLength === 0 || totalLength >= headerLength) && totalLength <= available
      );
    }
    case 6:
      if (!holds(cursor, ipv6.length)) return missing > 0;
      return ipv6.length + uint16(bytes, at + ipv6.payloadLengthAt) <= available;
    default:
      return false;
  }
}
