// ARCnet frames: IP by RFC 1201, whose header can split a packet, and by RFC 1051, which has none. Packets that are split
// over several frames are not put together. https://www.tcpdump.org/linktypes.html

import { enterLayer, type FrameReject, holds, type LayerCursor, layers } from './layer-cursor.ts';

const protocols = { ip1051: 0xf0, ip: 0xd4, ipv6: 0xc4 } as const;
/** Split flag and sequence number; exception frames repeat them behind four bytes. */
const split = { whole: 0, exception: 0xff, exceptionLength: 4, length: 3 } as const;

/** Steps over source, destination, on Linux an offset, the protocol and, where there is one, its header. */
export function enterArcnet(cursor: LayerCursor, protocolAt: number): FrameReject | undefined {
  const { bytes, at } = cursor;
  if (!holds(cursor, protocolAt + 1)) return 'truncated';
  const protocol = bytes[at + protocolAt];
  const length = protocolAt + 1;
  if (protocol === protocols.ip1051) return enterLayer(cursor, layers.ip, length);
  if (protocol !== protocols.ip && protocol !== protocols.ipv6) return 'not-ip';
  if (!holds(cursor, length + split.length)) return 'truncated';
  const skipped = bytes[at + length] === split.exception ? split.exceptionLength : 0;
  if (!holds(cursor, length + skipped + split.length)) return 'truncated';
  if (bytes[at + length + skipped] !== split.whole) return 'not-ip';
  return enterLayer(cursor, layers.ip, length + skipped + split.length);
}
