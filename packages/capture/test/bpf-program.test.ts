import { describe, expect, test } from 'vitest';
import { ipv4Packet, ipv6Packet, type PacketFields } from '../../../test/kit/packets.ts';
import { bpfProgram, encodeBpf, mostBpfPorts } from '../src/bpf-program.ts';
import { type PacketFacts, runBpf } from './bpf-machine.ts';

const toWatched: PacketFields = { fromPort: 40_000, toPort: 80 };
const fromWatched: PacketFields = { fromPort: 8080, toPort: 40_000 };
const other: PacketFields = { fromPort: 40_000, toPort: 81 };
const ip4 = { protocol: 0x0800 };
const ip6 = { protocol: 0x86dd };
const outgoing = 4;
const tag = (type: number) => [0x40, 5, type >> 8, type & 0xff];
const tagged = (tags: readonly number[], packet: Uint8Array) => Uint8Array.from([...tags, ...packet]);
const extension = (header: number) => ({ header, bytes: [0, 0, 0, 0, 0, 0, 0, 0] });

// biome-ignore format: a table
const rows: readonly (readonly [name: string, packet: Uint8Array, facts: PacketFacts, passes: boolean])[] = [
  ['IPv4 to a port', ipv4Packet(toWatched), ip4, true],
  ['IPv4 from a port', ipv4Packet(fromWatched), ip4, true],
  ['IPv4 of other ports', ipv4Packet(other), ip4, false],
  ['IPv4 with options', ipv4Packet(toWatched, { options: new Uint8Array(40) }), ip4, true],
  ['IPv4 with options, of other ports', ipv4Packet(other, { options: new Uint8Array(40) }), ip4, false],
  ['UDP of the port', ipv4Packet(toWatched, { protocol: 17 }), ip4, false],
  ['a first fragment', ipv4Packet(toWatched, { fragment: 0x2000 }), ip4, true],
  ['a first fragment of other ports', ipv4Packet(other, { fragment: 0x2000 }), ip4, false],
  ['a later fragment, which has no ports', ipv4Packet(other, { fragment: 0x0001 }), ip4, true],
  ['a later fragment of UDP', ipv4Packet(toWatched, { fragment: 0x0001, protocol: 17 }), ip4, false],
  ['a packet that ends before its ports', ipv4Packet(toWatched).subarray(0, 21), ip4, false],
  ['nothing', new Uint8Array(0), ip4, false],

  ['IPv6 to a port', ipv6Packet(toWatched), ip6, true],
  ['IPv6 from a port', ipv6Packet(fromWatched), ip6, true],
  ['IPv6 of other ports', ipv6Packet(other), ip6, false],
  ...[0, 43, 44, 51, 60, 135, 139, 140].map((header) =>
    [`IPv6 with extension header ${header}`, ipv6Packet(other, { extensions: [extension(header)] }), ip6, true] as const),
  ['IPv6 without TCP', ipv6Packet(toWatched, { extensions: [extension(58)] }), ip6, false],

  ['ARP', ipv4Packet(toWatched), { protocol: 0x0806 }, false],
  ['LLC, whose type is a length', ipv4Packet(toWatched), { protocol: 0x0004 }, false],

  ['IPv4 in a second tag', tagged(tag(0x0800), ipv4Packet(toWatched)), { protocol: 0x8100 }, true],
  ['IPv4 in a second tag, of other ports', tagged(tag(0x0800), ipv4Packet(other)), { protocol: 0x88a8 }, false],
  ['IPv6 in a second tag', tagged(tag(0x86dd), ipv6Packet(toWatched)), { protocol: 0x9100 }, true],
  ['IPv4 in a third tag', tagged([...tag(0x8100), ...tag(0x0800)], ipv4Packet(toWatched)), { protocol: 0x88a8 }, true],
  ['IPv6 in a third tag, of other ports', tagged([...tag(0x8100), ...tag(0x86dd)], ipv6Packet(other)), { protocol: 0x88a8 }, false],
  ['ARP in a second tag', tagged(tag(0x0806), ipv4Packet(toWatched)), { protocol: 0x8100 }, false],
  ['sent IPv4 whose tag stands before it', ipv4Packet(fromWatched), { protocol: 0x8100, packetType: outgoing }, true],
  ['sent IPv4 whose tag stands before it, of other ports', ipv4Packet(other), { protocol: 0x8100, packetType: outgoing }, false],
  ['sent IPv6 whose tag stands before it', ipv6Packet(fromWatched), { protocol: 0x88a8, packetType: outgoing }, true],

  ['sent over Ethernet', ipv4Packet(fromWatched), { ...ip4, packetType: outgoing }, true],
  ['sent over loopback: it comes again', ipv4Packet(toWatched), { ...ip4, packetType: outgoing, hardwareType: 772 }, false],
  ['received over loopback', ipv4Packet(toWatched), { ...ip4, hardwareType: 772 }, true],
];

describe('ports 80 and 8080', () => {
  const program = bpfProgram([80, 8080]);
  test.each(rows)('%s', (_, packet, facts, passes) => {
    expect(runBpf(program, packet, facts)).toBe(passes ? 0xffffffff : 0);
  });
});

test('without ports all TCP passes, and nothing else', () => {
  const program = bpfProgram([]);
  expect(runBpf(program, ipv4Packet(other), ip4)).toBeGreaterThan(0);
  expect(runBpf(program, ipv6Packet(other), ip6)).toBeGreaterThan(0);
  expect(runBpf(program, ipv4Packet(other, { protocol: 17 }), ip4)).toBe(0);
});

test.each([1, 2, 200, mostBpfPorts])('each of %i ports passes on either side, its neighbours do not', (count) => {
  const ports = Array.from({ length: count }, (_, index) => 1000 + 3 * index);
  const program = bpfProgram(ports);
  expect(program.length).toBeLessThanOrEqual(4096);
  for (const port of ports.filter((_, index) => count <= 200 || index % 111 === 0 || index === count - 1)) {
    expect(runBpf(program, ipv4Packet({ toPort: port }), ip4)).toBeGreaterThan(0);
    expect(runBpf(program, ipv6Packet({ fromPort: port, toPort: 9 }), ip6)).toBeGreaterThan(0);
    expect(runBpf(program, ipv4Packet({ toPort: port + 1 }), ip4)).toBe(0);
  }
});

test('more ports than the kernel would take let all TCP pass', () => {
  const program = bpfProgram(Array.from({ length: mostBpfPorts + 1 }, (_, index) => index + 1));
  expect(runBpf(program, ipv4Packet({ toPort: 65_535 }), ip4)).toBeGreaterThan(0);
});

test('every jump fits its byte and stays in the program', () => {
  for (const count of [0, 1, 200, mostBpfPorts]) {
    const program = bpfProgram(Array.from({ length: count }, (_, index) => index + 1));
    for (const [at, { code, jt, jf, k }] of program.entries()) {
      const distances = code === 0x05 ? [k] : [jt, jf];
      for (const distance of distances) {
        expect(Number.isInteger(distance) && distance >= 0 && at + 1 + distance <= program.length).toBe(true);
      }
      expect(Math.max(jt, jf)).toBeLessThanOrEqual(255);
    }
    expect(program.at(-1)?.code).toBe(0x06);
  }
});

test('the bytes are those of struct sock_filter', () => {
  const bytes = encodeBpf([{ code: 0x15, jt: 1, jf: 2, k: 0x8100 }]);
  const view = new DataView(bytes.buffer);
  const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
  expect([view.getUint16(0, isLittleEndian), bytes[2], bytes[3], view.getUint32(4, isLittleEndian)]).toEqual([
    0x15, 1, 2, 0x8100,
  ]);
});
