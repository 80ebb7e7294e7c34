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
  const reject = cursor.layer === layers.ip ? enterIp(cursor) : undefined;
  return reject !== undefined || cursor.layer === layers.tcp ? reject : walkOn(cursor);
}

/** By itself, so that the way of plain packets stays short enough to be compiled into one. */
function walkOn(cursor: LayerCursor): FrameReject | undefined {
  let reject: FrameReject | undefined;
  while (reject === undefined && cursor.layer !== layers.tcp) {
    reject = cursor.tunnels > maxTunnels ? 'too-deep' : enterNext(cursor);
  }
  return reject;
}

function enterNext(cursor: LayerCursor): FrameReject | undefined {
  switch (cursor.layer) {
    case layers.ip:
      return enterIp(cursor);
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
