// The place of a decoder on its way through the headers of one packet. Each layer's function moves it behind its own
// header and says which layer follows, or returns the reason why it cannot.

import type { Direction } from './frame.ts';

/** What stands at the cursor. */
export const layers = {
  tcp: 0,
  ip: 1,
  ethernet: 2,
  mpls: 3,
  pppoe: 4,
  ppp: 5,
  nsh: 6,
  gre: 7,
  etherIp: 8,
  udp: 9,
} as const;

/** One of {@link layers}. */
export type Layer = (typeof layers)[keyof typeof layers];

/** One object, used for every packet: a header costs no allocation. */
export interface LayerCursor {
  bytes: Uint8Array;
  /** What begins at `at`. */
  layer: Layer;
  /** Where the next header begins. */
  at: number;
  /** Where the captured bytes of the layer end. */
  end: number;
  /** Bytes that belong behind `end` but that the capture cut off. */
  missing: number;
  /** Whether a layer passed has told its length. */
  isBounded: boolean;
  direction: Direction;
  /** Source and destination address stand one behind the other from here; each is `addressLength` bytes. */
  addressesAt: number;
  addressLength: number;
  /** Tunnels entered on the way, at most {@link maxTunnels}. */
  tunnels: number;
  /** Stands for the VLAN ids and network numbers passed on the way: fragments of several networks are never mixed. */
  network: number;
  /** Of the last fragment met: identification, offset in bytes, whether more follow, what it carries. */
  fragmentId: number;
  fragmentOffset: number;
  hasMoreFragments: boolean;
  fragmentProtocol: number;
}

/** How many tunnels may lie one in another. */
export const maxTunnels = 8;

/** A cursor that stands nowhere yet. */
export function newLayerCursor(): LayerCursor {
  return {
    bytes: new Uint8Array(0),
    layer: layers.tcp,
    at: 0,
    end: 0,
    missing: 0,
    isBounded: false,
    direction: 'unknown',
    addressesAt: 0,
    addressLength: 0,
    tunnels: 0,
    network: 0,
    fragmentId: 0,
    fragmentOffset: 0,
    hasMoreFragments: false,
    fragmentProtocol: 0,
  };
}

/** Why a frame gave no TCP segment. */
export type FrameReject = (typeof frameRejects)[number];

/**
 * All the reasons of {@link FrameReject}:
 * - `unsupported-link-type`: none of `linkTypes`.
 * - `truncated`: the frame ends within the headers, nearly always because the capture cut it.
 * - `not-ip`: another protocol than IP, ARP for one, or an encapsulation that is not read.
 * - `malformed-ip`: an IP header that contradicts itself or its frame.
 * - `too-deep`: more than eight tunnels one in another.
 * - `ip-fragment`: a part of a fragmented IP packet that may hold TCP.
 * - `not-tcp`: another protocol than TCP, or a tunnel that is not read or whose header is not what it should be.
 * - `malformed-tcp`: a TCP header that contradicts itself or its packet.
 */
export const frameRejects = [
  'unsupported-link-type',
  'truncated',
  'not-ip',
  'malformed-ip',
  'too-deep',
  'ip-fragment',
  'not-tcp',
  'malformed-tcp',
] as const;

/** What a layer has behind its own length is padding; what it lacks was cut off. */
export function cutToLength(cursor: LayerCursor, length: number): void {
  const layerEnd = cursor.at + length;
  cursor.isBounded = true;
  cursor.missing = Math.max(0, layerEnd - cursor.end);
  cursor.end = Math.min(cursor.end, layerEnd);
}

/** The length that a packet claims, or less: where a layer around it has told its own, there is no more than that. */
export function lengthWithin({ isBounded, at, end, missing }: LayerCursor, length: number): number {
  return isBounded ? Math.min(length, end - at + missing) : length;
}

/** Goes on `length` bytes behind, in the layer that begins there. */
export function enterLayer(cursor: LayerCursor, layer: Layer, length: number): undefined {
  cursor.at += length;
  cursor.layer = layer;
}

/** The same where what follows is a packet of its own, inside of this one. */
export function enterTunnel(cursor: LayerCursor, layer: Layer, length: number): undefined {
  cursor.tunnels++;
  cursor.at += length;
  cursor.layer = layer;
}

/** Takes down the number of a network, of a VLAN for one, on the way into it. */
export function noteNetwork(cursor: LayerCursor, number: number): void {
  cursor.network = (Math.imul(cursor.network, 0x01000193) + number + 1) | 0;
}

/** Whether the layer's header of `length` bytes was captured. */
export function holds({ at, end }: LayerCursor, length: number): boolean {
  return end - at >= length;
}

/** The first four bits of what begins at `at`, which are the version of an IP header; -1 behind the end. */
export function firstNibble({ bytes, end }: LayerCursor, at: number): number {
  return at < end ? bytes[at]! >> 4 : -1;
}

/** Whether an IP header of version 4 or 6 may begin at `at`. */
export function isIpAt(cursor: LayerCursor, at: number): boolean {
  const version = firstNibble(cursor, at);
  return version === 4 || version === 6;
}

/** A number of two bytes, in network order. */
export function uint16(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 256 + bytes[at + 1]!;
}

/** A number of four bytes, in network order. */
export function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** Why a tunnel's header does not fit: the capture cut it, or what is there is no tunnel. */
export function headerMissing({ missing }: LayerCursor): FrameReject {
  return missing > 0 ? 'truncated' : 'not-tcp';
}
