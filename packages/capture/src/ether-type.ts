// What an EtherType says comes next, and the Ethernet header itself: VLAN tags (IEEE 802.1Q, 802.1ad), port tags
// (802.1BR, VN-Tag), customer frames in a provider's (802.1ah), Cisco FabricPath, LLC with IP or SNAP (RFC 1042).
// https://www.iana.org/assignments/ieee-802-numbers

import {
  enterLayer,
  enterTunnel,
  type FrameReject,
  holds,
  type LayerCursor,
  layers,
  noteNetwork,
  uint16,
} from './layer-cursor.ts';

/** The EtherTypes that are read. */
export const etherTypes = {
  ipv4: 0x0800,
  transparentEthernet: 0x6558,
  vlan: 0x8100,
  ipv6: 0x86dd,
  mpls: 0x8847,
  mplsMulticast: 0x8848,
  pppoeSession: 0x8864,
  bridgePortTag: 0x893f,
  serviceVlan: 0x88a8,
  backboneService: 0x88e7,
  fabricPath: 0x8903,
  vnTag: 0x8926,
  nsh: 0x894f,
  oldQinQ: 0x9100,
  olderQinQ: 0x9200,
} as const;
/** Below this the field is a length and an LLC header follows. */
const lowestEtherType = 0x0600;

const ethernet = { typeAt: 12, length: 14 } as const;
const vlanTag = { typeAt: 2, length: 4 } as const;
/** A word before the type; a word and a half. */
const vnTag = { typeAt: 4, length: 6 } as const;
const bridgePortTag = { typeAt: 6, length: 8 } as const;
/** Priority, flags, the 24 bits of the service's number; then the customer's frame. */
const backboneService = { length: 4 } as const;
/** A tree's number and a time to live; then the host's frame. */
const fabricPath = { length: 2 } as const;
const llc = { length: 3 } as const;
const llcSnap = { typeAt: 6, length: 8 } as const;
const lsapIp = 0x06;
const lsapSnap = 0xaa;
const unnumberedInformation = 0x03;

/** Steps over an Ethernet header and all tags behind it. */
export function enterEthernet(cursor: LayerCursor): FrameReject | undefined {
  const { bytes, at, end } = cursor;
  // The way of nearly every frame, kept short.
  if (end - at >= ethernet.length && uint16(bytes, at + ethernet.typeAt) === etherTypes.ipv4) {
    cursor.at = at + ethernet.length;
    cursor.layer = layers.ip;
    return undefined;
  }
  return enterByEtherType(cursor, ethernet.typeAt, ethernet.length);
}

/** Steps over a header with an EtherType, or an 802.3 length, at `typeAt`, and over every tag behind it. */
export function enterByEtherType(cursor: LayerCursor, typeAt: number, length: number): FrameReject | undefined {
  const bytes = cursor.bytes;
  for (;;) {
    if (cursor.end - cursor.at < length) return 'truncated';
    const type = bytes[cursor.at + typeAt]! * 256 + bytes[cursor.at + typeAt + 1]!;
    cursor.at += length;
    switch (type) {
      case etherTypes.ipv4:
      case etherTypes.ipv6:
        cursor.layer = layers.ip;
        return undefined;
      case etherTypes.vlan:
      case etherTypes.serviceVlan:
      case etherTypes.oldQinQ:
      case etherTypes.olderQinQ:
        if (holds(cursor, vlanTag.length)) noteNetwork(cursor, uint16(bytes, cursor.at) & 0x0fff);
        typeAt = vlanTag.typeAt;
        length = vlanTag.length;
        continue;
      case etherTypes.vnTag:
        typeAt = vnTag.typeAt;
        length = vnTag.length;
        continue;
      case etherTypes.bridgePortTag:
        typeAt = bridgePortTag.typeAt;
        length = bridgePortTag.length;
        continue;
      default:
        return type < lowestEtherType ? enterLlc(cursor) : enterEtherType(cursor, type);
    }
  }
}

/** Goes on with what `type` names, which begins at the cursor. */
export function enterEtherType(cursor: LayerCursor, type: number): FrameReject | undefined {
  switch (type) {
    case etherTypes.ipv4:
    case etherTypes.ipv6:
      return enterLayer(cursor, layers.ip, 0);
    case etherTypes.mpls:
    case etherTypes.mplsMulticast:
      return enterLayer(cursor, layers.mpls, 0);
    case etherTypes.pppoeSession:
      return enterLayer(cursor, layers.pppoe, 0);
    case etherTypes.nsh:
      return enterLayer(cursor, layers.nsh, 0);
    case etherTypes.backboneService:
      if (!holds(cursor, backboneService.length)) return 'truncated';
      noteNetwork(cursor, uint16(cursor.bytes, cursor.at + 2));
      return enterTunnel(cursor, layers.ethernet, backboneService.length);
    case etherTypes.fabricPath:
      if (!holds(cursor, fabricPath.length)) return 'truncated';
      return enterTunnel(cursor, layers.ethernet, fabricPath.length);
    default:
      return 'not-ip';
  }
}

/** Whether an Ethernet frame may begin at `at`: its type, or LLC header, is one that is read. */
export function isEthernetAt({ bytes, end }: LayerCursor, at: number): boolean {
  const behind = at + ethernet.length;
  if (behind > end) return false;
  const type = uint16(bytes, at + ethernet.typeAt);
  if (type >= lowestEtherType) return isEtherType(type);
  const lsap = bytes[behind];
  const isKnown = (lsap === lsapIp || lsap === lsapSnap) && bytes[behind + 1] === lsap;
  return behind + llc.length <= end && isKnown && bytes[behind + 2] === unnumberedInformation;
}

function isEtherType(type: number): boolean {
  switch (type) {
    case etherTypes.ipv4:
    case etherTypes.ipv6:
    case etherTypes.vlan:
    case etherTypes.serviceVlan:
    case etherTypes.oldQinQ:
    case etherTypes.olderQinQ:
    case etherTypes.mpls:
    case etherTypes.mplsMulticast:
    case etherTypes.pppoeSession:
    case etherTypes.nsh:
    case etherTypes.backboneService:
    case etherTypes.fabricPath:
    case etherTypes.bridgePortTag:
    case etherTypes.vnTag:
      return true;
    default:
      return false;
  }
}

/** IP has an LLC number of its own; by SNAP an EtherType follows, under the organisation of RFC 1042 or of 802.1H. */
export function enterLlc(cursor: LayerCursor): FrameReject | undefined {
  const { bytes, at } = cursor;
  if (!holds(cursor, llc.length)) return 'truncated';
  if (bytes[at] !== bytes[at + 1] || bytes[at + 2] !== unnumberedInformation) return 'not-ip';
  if (bytes[at] === lsapIp) return enterLayer(cursor, layers.ip, llc.length);
  if (bytes[at] !== lsapSnap) return 'not-ip';
  if (!holds(cursor, llcSnap.length)) return 'truncated';
  const isEncapsulated = bytes[at + 3] === 0 && bytes[at + 4] === 0 && (bytes[at + 5] === 0 || bytes[at + 5] === 0xf8);
  const type = uint16(bytes, at + llcSnap.typeAt);
  if (!isEncapsulated || type < lowestEtherType) return 'not-ip';
  return enterByEtherType(cursor, llcSnap.typeAt, llcSnap.length);
}
