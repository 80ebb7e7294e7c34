// The service header of a function chain (RFC 8300), behind Ethernet, GRE or VXLAN.

import { enterTunnel, type FrameReject, headerMissing, holds, type LayerCursor, layers } from './layer-cursor.ts';

/** Its length counts words, in the lower bits of its byte. */
const nsh = { lengthAt: 1, lengthBits: 0x3f, nextAt: 3, baseLength: 8 } as const;
const protocols = { ipv4: 1, ipv6: 2, ethernet: 3, nsh: 4, mpls: 5 } as const;

/** Steps over a service header and its metadata. */
export function enterNsh(cursor: LayerCursor): FrameReject | undefined {
  const { bytes, at } = cursor;
  if (!holds(cursor, nsh.baseLength)) return headerMissing(cursor);
  const length = (bytes[at + nsh.lengthAt]! & nsh.lengthBits) * 4;
  if (bytes[at]! >> 6 !== 0 || length < nsh.baseLength) return 'not-tcp';
  if (!holds(cursor, length)) return headerMissing(cursor);
  switch (bytes[at + nsh.nextAt]) {
    case protocols.ipv4:
    case protocols.ipv6:
      return enterTunnel(cursor, layers.ip, length);
    case protocols.ethernet:
      return enterTunnel(cursor, layers.ethernet, length);
    case protocols.nsh:
      return enterTunnel(cursor, layers.nsh, length);
    case protocols.mpls:
      return enterTunnel(cursor, layers.mpls, length);
    default:
      return 'not-tcp';
  }
}
