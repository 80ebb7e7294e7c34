// The way down through a packet's layers: each step is the function of the layer at the cursor, until TCP is reached.

import { enterEthernet } from './ether-type.ts';
import { enterEtherIp, enterGre } from './gre.ts';
import { enterIp } from './ip.ts';
import { type FrameReject, type LayerCursor, layers, maxTunnels } from './layer-cursor.ts';
import { enterMpls } from './mpls.ts';
import { enterNsh } from './nsh.ts';
import { enterPpp, enterPppoe } from './ppp.ts';
import { enterUdp } from './udp-tunnel.ts';

/**
 * Moves the cursor from the layer where it stands to a TCP header, or says why there is none. Every step goes forward in
 * the bytes, and tunnels are counted, so that no packet takes long.
 */
export function walkToTcp(cursor: LayerCursor): FrameReject | undefined {
  while (cursor.layer !== layers.tcp) {
    const reject = cursor.layer === layers.ip ? enterIp(cursor) : enterOther(cursor);
    if (reject !== undefined) return reject;
    if (cursor.tunnels > maxTunnels) return 'too-deep';
  }
  return undefined;
}

function enterOther(cursor: LayerCursor): FrameReject | undefined {
  switch (cursor.layer) {
    case layers.ethernet:
      return enterEthernet(cursor);
    case layers.mpls:
      return enterMpls(cursor);
    case layers.pppoe:
      return enterPppoe(cursor);
    case layers.ppp:
      return enterPpp(cursor);
    case layers.nsh:
      return enterNsh(cursor);
    case layers.gre:
      return enterGre(cursor);
    case layers.etherIp:
      return enterEtherIp(cursor);
    default:
      return enterUdp(cursor);
  }
}
