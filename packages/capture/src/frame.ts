// A frame: what a network interface or a capture file gives, before anything is decoded.
// Link types: the LINKTYPE_ registry of https://www.tcpdump.org/linktypes.html.

/**
 * Whether the host that captured received the packet or sent it; `loopback` where it did both, `unknown` where the source
 * cannot tell.
 */
export type Direction = 'in' | 'out' | 'loopback' | 'unknown';

/**
 * One captured frame. A source may use one object and one buffer for all its frames, so a frame is valid only until
 * the handler that got it returns, or until the next frame is asked for.
 */
export interface Frame {
  /** LINKTYPE_ value, see {@link linkTypes}: how the frame begins. */
  linkType: number;
  /** When it was captured: integer microseconds since 1970. */
  timestampUs: number;
  /** The frame is `bytes[start, end)`; what stands around it is no concern of the reader's. */
  bytes: Uint8Array;
  start: number;
  end: number;
  /** Its length on the wire, in bytes; more than `end - start` where the capture cut it. */
  originalLength: number;
  direction: Direction;
}

/** The LINKTYPE_ values that {@link decodeSegment} reads. */
export const linkTypes = {
  /** BSD loopback: the address family in the byte order of the host that captured. */
  null: 0,
  ethernet: 1,
  /** ARCnet as BSD captures it. */
  arcnetBsd: 7,
  /** PPP, with or without the address and control bytes of HDLC. */
  ppp: 9,
  fddi: 10,
  /** Raw IP, as some systems number their DLT_RAW. */
  rawBsd: 12,
  rawOpenBsd: 14,
  /** PPP or Cisco HDLC on a serial line. */
  pppHdlc: 50,
  /** PPP over Ethernet, session frames. */
  pppoe: 51,
  /** Raw IP, version 4 or 6. */
  raw: 101,
  ciscoHdlc: 104,
  /** OpenBSD loopback: the address family in network byte order. */
  loop: 108,
  /** OpenBSD: packets inside of IPsec, as its interface `enc` shows them. */
  enc: 109,
  /** Linux cooked capture v1: what the interface `any` gives. */
  linuxSll: 113,
  /** ARCnet as Linux captures it: with an offset behind the addresses. */
  arcnetLinux: 129,
  /** PPP with the direction in place of the HDLC address. */
  pppPppd: 166,
  /** PPP behind a byte with the direction. */
  pppWithDirection: 204,
  ipv4: 228,
  ipv6: 229,
  /** Linux netfilter log messages. */
  nflog: 239,
  /** IP over InfiniBand, behind its global routing header. */
  ipoib: 242,
  /** Linux cooked capture v2. */
  linuxSll2: 276,
} as const;
