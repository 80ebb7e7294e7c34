// Builds what stands around a packet on its way: link layers, labels and tags, tunnels. Byte by byte from the standards
// and not from our code: an independent oracle.

import {
  cooked,
  ethernet,
  etherType,
  labels,
  nflog,
  ppp,
  pppoe,
  serviceHeader,
  snap,
  typed,
} from './encapsulation-headers.ts';
import { ipv4Around, ipv6Around, join, udpDatagram, uint16, uint24, uint32, version } from './ip-packets.ts';

/** What an encapsulation takes and gives: an IP packet, an Ethernet frame, or a frame of a LINKTYPE_ number. */
export type Kind = 'ip' | 'ethernet' | number;

/** One way to put a packet or frame into another. */
export interface Encapsulation {
  readonly name: string;
  readonly takes: 'ip' | 'ethernet';
  readonly gives: Kind;
  /** How many tunnels it is; tags, labels and link layers are none. */
  readonly tunnels?: number;
  /** The most bytes that it can take. */
  readonly largest?: number;
  /** The same `number` (a VLAN id, a network number, flags) gives the same header. */
  readonly wrap: (inner: Uint8Array, number: number) => Uint8Array;
}

/** All tunnels, tags, labels and link layers that are read; for tables, and for properties that nest them. */
export const encapsulations: readonly Encapsulation[] = [
  // To a link type.
  { name: 'Ethernet', takes: 'ethernet', gives: 1, wrap: (frame) => frame },
  { name: 'NULL', takes: 'ip', gives: 0, wrap: (ip) => join([version(ip) === 4 ? 2 : 30, 0, 0, 0], ip) },
  { name: 'LOOP', takes: 'ip', gives: 108, wrap: (ip) => join([0, 0, 0, version(ip) === 4 ? 2 : 24], ip) },
  { name: 'ENC', takes: 'ip', gives: 109, wrap: (ip) => join([2, 0, 0, 0], [1, 2, 3, 4, 0, 0, 0, 0xc0], ip) },
  { name: 'raw IP', takes: 'ip', gives: 101, wrap: (ip) => ip },
  { name: 'PPP', takes: 'ip', gives: 9, wrap: (ip) => ppp(ip) },
  { name: 'PPP with address and control', takes: 'ip', gives: 9, wrap: (ip) => join([0xff, 3], ppp(ip)) },
  {
    name: 'PPP with a short protocol number',
    takes: 'ip',
    gives: 9,
    wrap: (ip) => join([0xff, 3, version(ip) === 4 ? 0x21 : 0x57], ip),
  },
  { name: 'PPP on a serial line', takes: 'ip', gives: 50, wrap: (ip) => join([0xff, 3], ppp(ip)) },
  { name: 'PPP on a serial line, bare', takes: 'ip', gives: 50, wrap: (ip) => ppp(ip) },
  { name: 'Cisco HDLC on a serial line', takes: 'ip', gives: 50, wrap: (ip) => join([0x8f, 0], typed(ip)) },
  { name: 'Cisco HDLC', takes: 'ip', gives: 104, wrap: (ip) => join([0x0f, 0], typed(ip)) },
  { name: 'PPPoE', takes: 'ip', gives: 51, wrap: (ip) => pppoe(ip) },
  { name: 'PPP of pppd', takes: 'ip', gives: 166, wrap: (ip) => join([1, 3], ppp(ip)) },
  { name: 'PPP with direction', takes: 'ip', gives: 204, wrap: (ip) => join([0, 0xff, 3], ppp(ip)) },
  { name: 'NFLOG', takes: 'ip', gives: 239, wrap: (ip) => nflog(ip, true) },
  { name: 'NFLOG, big-endian', takes: 'ip', gives: 239, wrap: (ip) => nflog(ip, false) },
  { name: 'cooked v1', takes: 'ip', gives: 113, wrap: (ip) => join(cooked(1), typed(ip)) },
  { name: 'cooked v1 of a GRE tunnel', takes: 'ip', gives: 113, wrap: (ip) => join(cooked(778), typed(ip)) },
  {
    name: 'cooked v1 of a GRE tunnel with Ethernet',
    takes: 'ethernet',
    gives: 113,
    wrap: (frame) => join(cooked(778), [0x65, 0x58], frame),
  },
  { name: 'cooked v1 with 802.2', takes: 'ip', gives: 113, wrap: (ip) => join(cooked(1), [0, 4], snap(ip)) },
  {
    name: 'cooked v2',
    takes: 'ip',
    gives: 276,
    wrap: (ip) => join(etherType(ip), [0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0], ip),
  },

  {
    name: 'ARCnet',
    takes: 'ip',
    gives: 129,
    wrap: (ip) => join([1, 2, 0, 3, version(ip) === 4 ? 0xd4 : 0xc4, 0, 0, 9], ip),
  },
  {
    name: 'ARCnet by RFC 1051',
    takes: 'ip',
    gives: 129,
    wrap: (ip) => (version(ip) === 4 ? join([1, 2, 0, 3, 0xf0], ip) : join([1, 2, 0, 3, 0xc4, 0, 0, 9], ip)),
  },
  {
    name: 'ARCnet of BSD',
    takes: 'ip',
    gives: 7,
    wrap: (ip) => join([1, 2, version(ip) === 4 ? 0xd4 : 0xc4, 0, 0, 9], ip),
  },
  {
    name: 'ARCnet of BSD, an exception frame',
    takes: 'ip',
    gives: 7,
    wrap: (ip) => join([1, 2, version(ip) === 4 ? 0xd4 : 0xc4, 0xff, 0, 0xff, 0xff, 0, 0, 9], ip),
  },

  { name: 'FDDI', takes: 'ip', gives: 10, wrap: (ip) => join([0x50], new Uint8Array(12).fill(2), snap(ip)) },
  {
    name: 'FDDI with a priority',
    takes: 'ip',
    gives: 10,
    wrap: (ip) => join([0x57], new Uint8Array(12).fill(2), snap(ip)),
  },
  {
    name: 'InfiniBand',
    takes: 'ip',
    gives: 242,
    wrap: (ip) => join(new Uint8Array(40), typed(ip).subarray(0, 2), [0, 0], ip),
  },

  // Into Ethernet.
  { name: 'Ethernet II', takes: 'ip', gives: 'ethernet', wrap: (ip) => ethernet(typed(ip)) },
  ...[0x8100, 0x88a8, 0x9100, 0x9200].map((type) => ({
    name: `a tag ${type.toString(16)}`,
    ...({ takes: 'ip', gives: 'ethernet' } as const),
    wrap: (ip: Uint8Array, number: number) => ethernet(join(uint16(type), uint16(number & 0xfff), typed(ip))),
  })),
  {
    name: 'two tags',
    ...({ takes: 'ip', gives: 'ethernet' } as const),
    wrap: (ip, number) => ethernet(join([0x88, 0xa8], uint16(number & 0xfff), [0x81, 0, 0xa0, 7], typed(ip))),
  },
  { name: 'VN-Tag', takes: 'ip', gives: 'ethernet', wrap: (ip) => ethernet(join([0x89, 0x26, 0, 0, 0, 1], typed(ip))) },
  {
    name: 'a bridge port tag',
    ...({ takes: 'ip', gives: 'ethernet' } as const),
    wrap: (ip) => ethernet(join([0x89, 0x3f, 0, 0, 0, 1, 0, 0], typed(ip))),
  },
  {
    name: 'SNAP',
    largest: 1_490,
    takes: 'ip',
    gives: 'ethernet',
    wrap: (ip) => ethernet(join(uint16(8 + ip.length), snap(ip))),
  },
  {
    name: 'LLC',
    largest: 1_490,
    takes: 'ip',
    gives: 'ethernet',
    wrap: (ip) => ethernet(join(uint16(3 + ip.length), [6, 6, 3], ip)),
  },
  {
    name: 'MPLS',
    takes: 'ip',
    gives: 'ethernet',
    wrap: (ip, number) => ethernet(join([0x88, 0x47], labels(number), ip)),
  },
  {
    name: 'multicast MPLS',
    ...({ takes: 'ip', gives: 'ethernet' } as const),
    wrap: (ip, number) => ethernet(join([0x88, 0x48], labels(number), ip)),
  },
  { name: 'PPPoE in Ethernet', takes: 'ip', gives: 'ethernet', wrap: (ip) => ethernet(join([0x88, 0x64], pppoe(ip))) },
  {
    name: 'a service header',
    ...({ takes: 'ip', gives: 'ethernet', tunnels: 1 } as const),
    wrap: (ip) => ethernet(join([0x89, 0x4f], serviceHeader(version(ip) === 4 ? 1 : 2), ip)),
  },
  {
    name: 'a service header around Ethernet',
    ...({ takes: 'ethernet', gives: 'ethernet', tunnels: 1 } as const),
    wrap: (frame) => ethernet(join([0x89, 0x4f], serviceHeader(3), frame)),
  },
  {
    name: '802.1ah',
    ...({ takes: 'ethernet', gives: 'ethernet', tunnels: 1 } as const),
    wrap: (frame, number) => ethernet(join([0x88, 0xe7, 0], uint24(number), frame)),
  },
  {
    name: 'FabricPath',
    ...({ takes: 'ethernet', gives: 'ethernet', tunnels: 1 } as const),
    wrap: (frame, number) => ethernet(join([0x89, 0x03], uint16(number & 0xffff), frame)),
  },
  {
    name: 'a pseudowire with a control word',
    ...({ takes: 'ethernet', gives: 'ethernet', tunnels: 1 } as const),
    wrap: (frame, number) => ethernet(join([0x88, 0x47], labels(number), [0, 0, 0, 0], frame)),
  },
  {
    name: 'a pseudowire without',
    ...({ takes: 'ethernet', gives: 'ethernet', tunnels: 1 } as const),
    wrap: (frame, number) => ethernet(join([0x88, 0x47], labels(number), frame)),
  },

  // Into IP.
  tunnel('IP in IPv4', 'ip', (ip) => ipv4Around(ip, version(ip) === 4 ? 4 : 41)),
  tunnel('IP in IPv6', 'ip', (ip) => ipv6Around(ip, version(ip) === 4 ? 4 : 41)),
  tunnel('IP in IPv6 behind an authentication header', 'ip', (ip) =>
    ipv6Around(join([version(ip) === 4 ? 4 : 41, 4], new Uint8Array(22), ip), 51),
  ),
  tunnel('IP in IPv4 behind an authentication header', 'ip', (ip) =>
    ipv4Around(join([version(ip) === 4 ? 4 : 41, 4], new Uint8Array(22), ip), 51),
  ),
  tunnel('MPLS in IP', 'ip', (ip, number) => ipv4Around(join(labels(number), ip), 137)),
  tunnel('GRE', 'ip', (ip) => ipv4Around(join([0, 0], typed(ip)), 47)),
  tunnel('GRE with checksum, key and sequence', 'ip', (ip, number) =>
    ipv6Around(join([0xb0, 0], etherType(ip), [1, 2, 0, 0], uint32(number), [0, 0, 0, 9], ip), 47),
  ),
  tunnel('GRE with source routes', 'ip', (ip) =>
    ipv4Around(join([0x40, 0], etherType(ip), [0, 0, 0, 0], [8, 0, 4, 4, 1, 2, 3, 4], [0, 0, 0, 0], ip), 47),
  ),
  tunnel('MPLS in GRE', 'ip', (ip, number) => ipv4Around(join([0, 0, 0x88, 0x47], labels(number), ip), 47)),
  tunnel('a redirected packet', 'ip', (ip) => ipv4Around(join([0, 0, 0x88, 0x3e, 5, 0x59, 0, 0x48], ip), 47)),
  tunnel('PPTP', 'ip', (ip) =>
    ipv4Around(join([0x30, 0x81, 0x88, 0x0b], uint16(2 + ip.length), [0, 1, 0, 0, 0, 2, 0, 0, 0, 1], ppp(ip)), 47),
  ),
  tunnel('PPTP without acknowledgment', 'ip', (ip) =>
    ipv4Around(join([0x30, 0x01, 0x88, 0x0b], uint16(4 + ip.length), [0, 1, 0, 0, 0, 2, 0xff, 3], ppp(ip)), 47),
  ),
  tunnel('Ethernet in GRE', 'ethernet', (frame) => ipv4Around(join([0, 0, 0x65, 0x58], frame), 47)),
  tunnel('ERSPAN I', 'ethernet', (frame) => ipv4Around(join([0, 0, 0x88, 0xbe], frame), 47)),
  tunnel('ERSPAN II', 'ethernet', (frame, number) =>
    ipv4Around(join([0x10, 0, 0x88, 0xbe, 0, 0, 0, 1], [0x10, 5, 0, 1], uint32(number & 0xfffff), frame), 47),
  ),
  tunnel('ERSPAN III', 'ethernet', (frame) =>
    ipv4Around(join([0x10, 0, 0x22, 0xeb, 0, 0, 0, 1], [0x20, 5, 0, 1, 1, 2, 3, 4, 0, 0, 0, 0], frame), 47),
  ),
  tunnel('ERSPAN III with a subheader', 'ethernet', (frame) =>
    ipv4Around(
      join([0x10, 0, 0x22, 0xeb, 0, 0, 0, 1], [0x20, 5, 0, 1, 1, 2, 3, 4, 0, 0, 0, 1], new Uint8Array(8), frame),
      47,
    ),
  ),
  tunnel('ERSPAN III around IP', 'ip', (ip) =>
    ipv4Around(join([0x10, 0, 0x22, 0xeb, 0, 0, 0, 1], [0x20, 5, 0, 1, 1, 2, 3, 4, 0, 0, 8, 0], ip), 47),
  ),
  tunnel('EtherIP', 'ethernet', (frame) => ipv4Around(join([0x30, 0], frame), 97)),
  tunnel('Ethernet in IPv6', 'ethernet', (frame) => ipv6Around(frame, 143)),
  tunnel('VXLAN', 'ethernet', (frame, number) => inUdp(join([8, 0, 0, 0], uint24(number), [0], frame), 4789)),
  tunnel('VXLAN on the port of old Linux', 'ethernet', (frame, number) =>
    inUdp(join([8, 0, 0, 0], uint24(number), [0], frame), 8472),
  ),
  tunnel('VXLAN with a group policy', 'ethernet', (frame, number) =>
    ipv6Around(udpDatagram(join([0x88, 0x48, 1, 2], uint24(number), [0], frame), 4789), 17),
  ),
  tunnel('VXLAN with something in what is reserved', 'ethernet', (frame, number) =>
    inUdp(join([0xff, 1, 0xd1, 0xf2], uint24(number), [3], frame), 4789),
  ),
  tunnel('VXLAN-GPE', 'ip', (ip, number) =>
    inUdp(join([0x0c, 0, 0, version(ip) === 4 ? 1 : 2], uint24(number), [0], ip), 4790),
  ),
  tunnel('VXLAN-GPE around Ethernet', 'ethernet', (frame, number) =>
    inUdp(join([0x0c, 0, 0, 3], uint24(number), [0], frame), 4790),
  ),
  tunnel('VXLAN-GPE without a protocol', 'ethernet', (frame, number) =>
    inUdp(join([0x08, 0, 0, 0], uint24(number), [0], frame), 4790),
  ),
  tunnel('Geneve', 'ip', (ip, number) => inUdp(join([0, 0], etherType(ip), uint24(number), [0], ip), 6081)),
  tunnel('Geneve with options around Ethernet', 'ethernet', (frame, number) =>
    inUdp(join([3, 0x40, 0x65, 0x58], uint24(number), [0], [1, 2, 0x80, 2], new Uint8Array(8), frame), 6081),
  ),
  tunnel('GTP-U', 'ip', (ip, number) => inUdp(join([0x30, 0xff], uint16(ip.length), uint32(number), ip), 2152)),
  tunnel('GTP-U with extensions', 'ip', (ip, number) =>
    inUdp(
      join(
        [0x36, 0xff, ...uint16(ip.length + 16), ...uint32(number)],
        [0, 7, 0, 0x85, 1, 0x10, 0, 0x40, 2, 0, 0, 0, 0, 0, 0, 0], // sequence number, next; two extensions
        ip,
      ),
      2152,
    ),
  ),
  tunnel('GRE in UDP', 'ip', (ip, number) => inUdp(join([0x20, 0], etherType(ip), uint32(number), ip), 4754)),
  tunnel('Ethernet in GRE in UDP', 'ethernet', (frame) => inUdp(join([0, 0, 0x65, 0x58], frame), 4754)),
  tunnel('AYIYA', 'ip', (ip) =>
    inUdp(join([0x41, 0x52, 0x11, version(ip) === 4 ? 4 : 41, 1, 2, 3, 4], new Uint8Array(16 + 20).fill(7), ip), 5072),
  ),
  tunnel('MPLS in UDP', 'ip', (ip, number) => inUdp(join(labels(number), ip), 6635)),
  // Around IP in an IPv6 packet of Teredo's own addresses.
  tunnel('Teredo', 'ip', (ip) => inUdp(teredoPacket(ip), 3544), 2),
  tunnel(
    'Teredo with authentication and origin',
    'ip',
    (ip) => inUdp(join([0, 1, 2, 4], new Uint8Array(6 + 9), [0, 0], new Uint8Array(6), teredoPacket(ip)), 3544),
    2,
  ),
  tunnel('Teredo between clients', 'ip', (ip) => inUdp(teredoPacket(ip), 51_234), 2),
];

function tunnel(name: string, takes: 'ip' | 'ethernet', wrap: Encapsulation['wrap'], tunnels = 1): Encapsulation {
  return { name, takes, gives: 'ip', tunnels, wrap };
}

function teredoPacket(ip: Uint8Array): Uint8Array {
  return ipv6Around(ip, version(ip) === 4 ? 4 : 41, [0x20, 1, 0, 0]);
}

function inUdp(payload: Uint8Array, port: number): Uint8Array {
  return ipv4Around(udpDatagram(payload, port), 17);
}
