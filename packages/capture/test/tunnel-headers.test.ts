// A port or a protocol number alone makes no tunnel: what its standard does not allow is refused with a reason.

import { expect, test } from 'vitest';
import { ipv4Around, ipv6Around, join, udpDatagram } from '../../../test/kit/ip-packets.ts';
import { ethernetFrame, ipv4Packet, ipv6Packet, sllFrame } from '../../../test/kit/packets.ts';
import { decodeSegment, linkTypes } from '../src/index.ts';

const ip = ipv4Packet({ payload: 'GET' });
const ip6 = ipv6Packet({ payload: 'GET' });
const frame = ethernetFrame(ip);
const { raw, ethernet, linuxSll, nflog, ppp, pppoe, enc, ciscoHdlc, arcnetBsd, arcnetLinux, fddi, ipoib } = linkTypes;

function decode(bytes: Uint8Array, linkType: number): string {
  const around = { start: 0, end: bytes.length, originalLength: bytes.length, timestampUs: 0 };
  const outcome = decodeSegment({ linkType, bytes, ...around, direction: 'unknown' });
  return typeof outcome === 'string' ? outcome : outcome.direction;
}

const inUdp = (port: number, header: number[], inner: Uint8Array = frame, fromPort?: number): Uint8Array =>
  ipv4Around(udpDatagram(join(header, inner), port, fromPort), 17);
const inGre = (header: number[], inner: Uint8Array = ip): Uint8Array => ipv4Around(join(header, inner), 47);
const inEthernet = (type: number[], inner: Uint8Array): Uint8Array => join(new Uint8Array(12), type, inner);
const teredo = ipv6Around(ip6, 41, [0x20, 1, 0, 0]);
const vxlan = [8, 0, 0, 0, 0, 0, 5, 0];

// biome-ignore format: a table
const rows: [sentence: string, bytes: Uint8Array, linkType: number, expected: string][] = [
  ['VXLAN as it should be', inUdp(4789, vxlan), raw, 'unknown'],
  ['VXLAN by the port it comes from', inUdp(5000, vxlan, frame, 4789), raw, 'unknown'],
  ['VXLAN on another port', inUdp(4788, vxlan), raw, 'not-tcp'],
  ['VXLAN without the flag of its number', inUdp(4789, [0, 0, 0, 0, 0, 0, 5, 0]), raw, 'not-tcp'],
  ['VXLAN with unknown flags', inUdp(4789, [0x48, 0, 0, 0, 0, 0, 5, 0]), raw, 'unknown'],
  ['VXLAN with something in the reserved bytes', inUdp(4789, [8, 0, 1, 0, 0, 0, 5, 0]), raw, 'unknown'],
  ['VXLAN with something in the last reserved byte', inUdp(4789, [8, 0, 0, 0, 0, 0, 5, 1]), raw, 'unknown'],
  ['VXLAN with something in all that is reserved, around a tag', inUdp(4789, [0xff, 1, 2, 3, 0, 0, 5, 1], inEthernet([0x81, 0, 0, 5, 8, 0], ip)), raw, 'unknown'],
  ['VXLAN with something in all that is reserved, without its number', inUdp(4789, [0xf7, 1, 2, 3, 0, 0, 5, 1]), raw, 'not-tcp'],
  ['VXLAN with something in the reserved bytes, around ARP', inUdp(4789, [8, 0, 1, 0, 0, 0, 5, 0], inEthernet([8, 6], ip)), raw, 'not-ip'],
  ['VXLAN with something in the reserved bytes, and too little behind it', inUdp(4789, [8, 0, 1, 0, 0, 0, 5, 0], frame.subarray(0, 13)), raw, 'truncated'],
  ['GRE in UDP', inUdp(4754, [0, 0, 8, 0], ip), raw, 'unknown'],
  ['GRE in UDP by the port it comes from', inUdp(5000, [0, 0, 8, 0], ip, 4754), raw, 'unknown'],
  ['GRE in UDP with something in the reserved bits', inUdp(4754, [0, 8, 8, 0], ip), raw, 'not-tcp'],
  ['GRE in UDP of version 1', inUdp(4754, [0x30, 1, 0x88, 0x0b, 0, 47, 0, 1, 0, 0, 0, 1, 0, 0x21], ip), raw, 'not-tcp'],
  ['GRE in UDP without its header', inUdp(4754, [0, 0, 8], new Uint8Array(0)), raw, 'not-tcp'],
  ['AYIYA that asks for something', inUdp(5072, [0, 0, 2, 41, 0, 0, 0, 1, 9], ip6), raw, 'not-tcp'],
  ['AYIYA around neither IPv4 nor IPv6', inUdp(5072, [0, 0, 1, 59, 0, 0, 0, 1, 9], ip6), raw, 'not-tcp'],
  ['AYIYA around another version than it says', inUdp(5072, [0, 0, 1, 41, 0, 0, 0, 1, 9], ip), raw, 'not-tcp'],
  ['AYIYA with more identity than there is', inUdp(5072, [0xf0, 0, 1, 41, 0, 0, 0, 1, 9], ip6), raw, 'not-tcp'],
  ['AYIYA without its header', inUdp(5072, [0, 0, 1, 41, 0, 0, 0], new Uint8Array(0)), raw, 'not-tcp'],
  ['VXLAN around ARP', inUdp(4789, vxlan, inEthernet([8, 6], ip)), raw, 'not-ip'],
  ['VXLAN-GPE of another version', inUdp(4790, [0x1c, 0, 0, 1, 0, 0, 5, 0], ip), raw, 'not-tcp'],
  ['VXLAN-GPE around an unknown protocol', inUdp(4790, [0x0c, 0, 0, 9, 0, 0, 5, 0], ip), raw, 'not-tcp'],
  ['Geneve of another version', inUdp(6081, [0x40, 0, 8, 0, 0, 0, 5, 0], ip), raw, 'not-tcp'],
  ['Geneve with something in the reserved bits', inUdp(6081, [0, 1, 8, 0, 0, 0, 5, 0], ip), raw, 'not-tcp'],
  ['Geneve around an unknown protocol', inUdp(6081, [0, 0, 8, 6, 0, 0, 5, 0], ip), raw, 'not-tcp'],
  ['Geneve with more options than bytes', inUdp(6081, [0x3f, 0, 8, 0, 0, 0, 5, 0], ip), raw, 'not-tcp'],
  ['GTP of the next version', inUdp(2152, [0x50, 0xff, 0, 43, 0, 0, 0, 1], ip), raw, 'not-tcp'],
  ['GTP for charging', inUdp(2152, [0x20, 0xff, 0, 43, 0, 0, 0, 1], ip), raw, 'not-tcp'],
  ['a GTP echo', inUdp(2152, [0x30, 1, 0, 43, 0, 0, 0, 1], ip), raw, 'not-tcp'],
  ['GTP with an empty extension', inUdp(2152, [0x34, 0xff, 0, 48, 0, 0, 0, 1, 0, 0, 0, 5, 0], ip), raw, 'not-tcp'],
  ['GTP around something else', inUdp(2152, [0x30, 0xff, 0, 43, 0, 0, 0, 1, 0], ip), raw, 'not-tcp'],
  ['MPLS in UDP without a last label', inUdp(6635, [0, 0, 0, 63], new Uint8Array(0)), raw, 'not-tcp'],
  ['MPLS in UDP around something else', inUdp(6635, [0, 0, 1, 63], frame), raw, 'not-tcp'],
  ['Teredo around IPv4', inUdp(3544, [], ip), raw, 'not-tcp'],
  ['Teredo around more than there is', inUdp(3544, [], ip6.subarray(0, 50)), raw, 'not-tcp'],
  ['IPv6 in UDP without a Teredo address', inUdp(9999, [], ip6), raw, 'not-tcp'],
  ['IPv6 in UDP with bytes behind it', inUdp(9999, [], join(teredo, [0])), raw, 'not-tcp'],
  ['a UDP length under eight', ipv4Around(join([0, 9, 0x12, 0xb5, 0, 7, 0, 0], vxlan, frame), 17), raw, 'not-tcp'],
  ['a UDP length of 0 takes the packet', ipv4Around(join([0, 9, 0x12, 0xb5, 0, 0, 0, 0], vxlan, frame), 17), raw, 'unknown'],
  ['a UDP length before the end of the packet', ipv4Around(join(udpDatagram(teredo, 9999), [1, 2, 3]), 17), raw, 'unknown'],
  ['a UDP length behind the end of the packet', ipv4Around(udpDatagram(join(teredo, [1]), 9999).subarray(0, -1), 17), raw, 'not-tcp'],
  ['L2TP', inUdp(1701, [0, 2, 0, 1, 0, 1, 0xff, 3, 0, 0x21], ip), raw, 'not-tcp'],
  ['ESP', ipv4Around(join([0, 0, 0, 1, 0, 0, 0, 1], ip), 50), raw, 'not-tcp'],
  ['TCP in an ICMP error', ipv4Around(join([3, 1, 0, 0, 0, 0, 0, 0], ip), 1), raw, 'not-tcp'],

  ['GRE of version 2', inGre([0, 2, 8, 0]), raw, 'not-tcp'],
  ['GRE around ARP', inGre([0, 0, 8, 6]), raw, 'not-tcp'],
  ['GRE with nothing behind it', inGre([0, 0, 8, 0], new Uint8Array(0)), raw, 'not-tcp'],
  ['GRE with source routes that do not end', inGre([0x40, 0, 8, 0, 0, 0, 0, 0, 8, 0, 0, 200]), raw, 'not-tcp'],
  ['PPTP that only acknowledges', inGre([0x20, 0x81, 0x88, 0x0b, 0, 0, 0, 1, 0, 0, 0, 1]), raw, 'not-tcp'],
  ['PPTP around IP', inGre([0x30, 1, 8, 0, 0, 43, 0, 1, 0, 0, 0, 1]), raw, 'not-tcp'],
  ['ERSPAN II of another version', inGre([0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x20, 0, 0, 0, 0, 0, 0, 0], frame), raw, 'not-tcp'],
  ['ERSPAN III of another version', inGre([0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], frame), raw, 'not-tcp'],
  ['EtherIP of another version', ipv4Around(join([0x20, 0], frame), 97), raw, 'not-tcp'],
  ['IPv6 where IPv4 is announced', ipv4Around(ip6, 4), raw, 'malformed-ip'],
  ['IPv4 where IPv6 is announced', ipv6Around(ip, 41), raw, 'malformed-ip'],
  ['an extension header of IPv6 in IPv4', ipv4Around(join([6, 0, 1, 4, 0, 0, 0, 0], ip.subarray(20)), 0), raw, 'not-tcp'],

  ['MPLS around neither IP nor Ethernet', inEthernet([0x88, 0x47, 0, 0, 1, 63], new Uint8Array(60)), ethernet, 'not-ip'],
  ['a pseudowire to an address that looks like IPv4', inEthernet([0x88, 0x47, 0, 0, 1, 63], join([0x45, 0, 1], frame.subarray(3))), ethernet, 'unknown'],
  ['a pseudowire without a control word, with a type where one behind it would have it', inEthernet([0x88, 0x47, 0, 0, 1, 63], ethernetFrame(ipv4Packet({ payload: new Uint8Array(0x0800 - 40) }))), ethernet, 'unknown'],
  ['a pseudowire with a control word, with a type where one without would have it', inEthernet([0x88, 0x47, 0, 0, 1, 63, 0, 0, 0, 9], join(frame.subarray(0, 8), [8, 0, 1, 2], frame.subarray(12))), ethernet, 'unknown'],
  ['a packet redirected by WCCP 1, which has no header', inGre([0, 0, 0x88, 0x3e]), raw, 'unknown'],
  ['FabricPath that ends in its header', inEthernet([0x89, 3, 1], new Uint8Array(0)), ethernet, 'truncated'],
  ['FDDI, a frame that manages the ring', join([0xc2], new Uint8Array(12), [0xaa, 0xaa, 3, 0, 0, 0, 8, 0], ip), fddi, 'not-ip'],
  ['FDDI that ends in its header', new Uint8Array(12).fill(0x50), fddi, 'truncated'],
  ['InfiniBand around ARP', join(new Uint8Array(40), [8, 6, 0, 0], ip), ipoib, 'not-ip'],
  ['ARCnet around ARP', join([1, 2, 0, 3, 0xd5, 0, 0, 9], ip), arcnetLinux, 'not-ip'],
  ['ARCnet with the first part of a packet', join([1, 2, 0, 3, 0xd4, 3, 0, 9], ip), arcnetLinux, 'not-ip'],
  ['ARCnet with a part of a packet in an exception frame', join([1, 2, 0xd4, 0xff, 0, 0xff, 0xff, 3, 0, 9], ip), arcnetBsd, 'not-ip'],
  ['ARCnet without the rest of its header', Uint8Array.of(1, 2, 0, 3, 0xd4, 0, 0), arcnetLinux, 'truncated'],
  ['ARCnet without a protocol', Uint8Array.of(1, 2), arcnetBsd, 'truncated'],
  ['PPPoE around IP that claims more than the session frame has', inEthernet([0x88, 0x64, 0x11, 0, 0, 1, 0, 45, 0, 0x21], join(ip.subarray(0, 3), [49], ip.subarray(4), [0, 0, 0, 0, 0, 0])), ethernet, 'unknown'],
  ['PPPoE discovery', inEthernet([0x88, 0x64, 0x11, 9, 0, 0, 0, 4], new Uint8Array(60)), ethernet, 'not-ip'],
  ['PPPoE of another version', inEthernet([0x88, 0x64, 0x21, 0, 0, 1, 0, 45, 0, 0x21], ip), ethernet, 'not-ip'],
  ['a service header of another version', inEthernet([0x89, 0x4f, 0x4f, 0xc2, 1, 1, 0, 0, 0, 1], ip), ethernet, 'not-tcp'],
  ['a service header that is too short', inEthernet([0x89, 0x4f, 0x0f, 0xc1, 1, 1, 0, 0, 0, 1], ip), ethernet, 'not-tcp'],
  ['SNAP of another organisation', inEthernet([0, 60, 0xaa, 0xaa, 3, 0, 0, 0x0c, 8, 0], ip), ethernet, 'not-ip'],
  ['SNAP of 802.1H', inEthernet([0, 60, 0xaa, 0xaa, 3, 0, 0, 0xf8, 8, 0], ip), ethernet, 'unknown'],
  ['compressed TCP in PPP', join([0xff, 3, 0, 0x2d], ip), ppp, 'not-ip'],
  ['PPP that negotiates', join([0xff, 3, 0xc0, 0x21], ip), ppp, 'not-ip'],
  ['PPPoE without a session', join([0x11, 9, 0, 0, 0, 4], ip), pppoe, 'not-ip'],
  ['Cisco HDLC keepalives', join([0x8f, 0, 0x80, 0x35], new Uint8Array(20)), ciscoHdlc, 'not-ip'],
  ['ENC of another family', join([7, 0, 0, 0], new Uint8Array(8), ip), enc, 'not-ip'],
  ['a protocol of Linux in a cooked frame', join(sllFrame(ip).subarray(0, 14), [0, 1], ip), linuxSll, 'not-ip'],

  ['NFLOG of the output hook', join([2, 0, 0, 0, 8, 0, 1, 0, 8, 0, 3, 0, 4 + ip.length, 0, 9, 0], ip), nflog, 'out'],
  ['NFLOG of a forwarded packet', join([2, 0, 0, 0, 8, 0, 1, 0, 8, 0, 2, 0, 4 + ip.length, 0, 9, 0], ip), nflog, 'unknown'],
  ['NFLOG without a packet', join([2, 0, 0, 0, 8, 0, 1, 0, 8, 0, 3, 0]), nflog, 'not-ip'],
  ['NFLOG of another version', join([2, 1, 0, 0, 4 + ip.length, 0, 9, 0], ip), nflog, 'not-ip'],
  ['an NFLOG attribute shorter than its header', join([2, 0, 0, 0, 3, 0, 1, 0], ip), nflog, 'not-ip'],
  ['pppd sends', join([1, 3, 0, 0x21], ip), linkTypes.pppPppd, 'out'],
  ['PPP with direction receives', join([0, 0, 0x21], ip), linkTypes.pppWithDirection, 'in'],
];

test.each(rows)('%s', (_, bytes, linkType, expected) => {
  expect(decode(bytes, linkType)).toBe(expected);
});
