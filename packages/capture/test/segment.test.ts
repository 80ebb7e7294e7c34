import { describe, expect, test } from 'vitest';
import { asLatin1 } from '../../../test/kit/every-split.ts';
import {
  ethernetFrame,
  ipv4Packet,
  ipv6Packet,
  type PacketFields,
  sll2Frame,
  sllFrame,
} from '../../../test/kit/packets.ts';
import { createRandom, seedOfThisRun } from '../../../test/kit/random.ts';
import { decodeSegment, type Frame, linkTypes, type Segment } from '../src/index.ts';

const get: PacketFields = { sequence: 0xfffffff0, acknowledgment: 7, flags: 'PA', payload: 'GET' };
const ipv4 = ipv4Packet(get);
const ipv6 = ipv6Packet(get);

function frameOf(bytes: Uint8Array, linkType: number, captured = bytes.length): Frame {
  // Frames stand in the middle of larger buffers, whose other bytes must not be read.
  const around = new Uint8Array(bytes.length + 32).fill(0x45);
  around.set(bytes, 16);
  const end = 16 + captured;
  return {
    linkType,
    timestampUs: 5,
    bytes: around,
    start: 16,
    end,
    originalLength: bytes.length,
    direction: 'unknown',
  };
}

function decode(bytes: Uint8Array, linkType: number, captured?: number): string {
  const segment = decodeSegment(frameOf(bytes, linkType, captured));
  return typeof segment === 'string' ? segment : `${payloadOf(segment)}${segment.missing ? `+${segment.missing}` : ''}`;
}

function payloadOf({ bytes, payloadStart, payloadEnd }: Segment): string {
  return asLatin1(bytes.subarray(payloadStart, payloadEnd));
}

function concat(...parts: (number[] | Uint8Array)[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const raw = linkTypes.raw;
const ethernet = linkTypes.ethernet;
const extension = (header: number, ...bytes: number[]) => ({ header, bytes: [0, ...bytes] });

test('what a layer around it has ended is no longer than that, whatever it claims', () => {
  const claiming = ipv4Packet(get);
  claiming[3]! += 6;
  const session = (length: number) => [0x11, 0, 0, 1, 0, length, 0, 0x21];
  const frame = concat(new Uint8Array(12), [0x88, 0x64], session(2 + claiming.length), claiming, new Uint8Array(6));
  expect(decode(frame, ethernet)).toBe('GET');
  expect(decode(frame, ethernet, frame.length - 7)).toBe('GE+1');
  expect(decode(claiming, raw)).toBe('GET+6');
});

describe('the payload is found, or the reason why there is none', () => {
  const rows: [sentence: string, bytes: Uint8Array, linkType: number, expected: string][] = [
    ['IPv4 in Ethernet, without the padding of a short frame', ethernetFrame(ipv4), ethernet, 'GET'],
    ['IPv6 in Ethernet', ethernetFrame(ipv6), ethernet, 'GET'],
    ['behind a VLAN tag', ethernetFrame(ipv4, [[0x8100, 5]]), ethernet, 'GET'],
    [
      'behind a service tag and a VLAN tag',
      ethernetFrame(ipv6, [
        [0x88a8, 5],
        [0x8100, 6],
      ]),
      ethernet,
      'GET',
    ],
    [
      'behind the older QinQ type',
      ethernetFrame(ipv4, [
        [0x9100, 5],
        [0x8100, 6],
      ]),
      ethernet,
      'GET',
    ],
    ['behind LLC and SNAP', concat(new Uint8Array(12), [0, 60, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0], ipv4), ethernet, 'GET'],
    [
      'another LLC protocol',
      concat(new Uint8Array(12), [0, 60, 0x42, 0x42, 3, 0, 0, 0, 8, 0], ipv4),
      ethernet,
      'not-ip',
    ],
    ['ARP', concat(new Uint8Array(12), [8, 6], ipv4), ethernet, 'not-ip'],
    ['Linux cooked v1', sllFrame(ipv4), linkTypes.linuxSll, 'GET'],
    ['Linux cooked v2', sll2Frame(ipv6), linkTypes.linuxSll2, 'GET'],
    ['NULL, little-endian', concat([2, 0, 0, 0], ipv4), linkTypes.null, 'GET'],
    ['NULL, big-endian', concat([0, 0, 0, 2], ipv4), linkTypes.null, 'GET'],
    ['NULL, IPv6 of macOS', concat([30, 0, 0, 0], ipv6), linkTypes.null, 'GET'],
    ['LOOP, IPv6 of OpenBSD', concat([0, 0, 0, 24], ipv6), linkTypes.loop, 'GET'],
    ['NULL, another family', concat([7, 0, 0, 0], ipv4), linkTypes.null, 'not-ip'],
    ['raw IPv4', ipv4, raw, 'GET'],
    ['raw IPv6, as BSD numbers it', ipv6, linkTypes.rawBsd, 'GET'],
    ['a link type of its own for IPv4', ipv4, linkTypes.ipv4, 'GET'],
    ['a link type of its own for IPv6', ipv6, linkTypes.ipv6, 'GET'],
    ['a link type that is not read', ipv4, 105, 'unsupported-link-type'],
    ['no bytes', new Uint8Array(0), ethernet, 'truncated'],
    ['half an Ethernet header', new Uint8Array(7), ethernet, 'truncated'],

    ['IPv4 options', ipv4Packet(get, { options: new Uint8Array(8) }), raw, 'GET'],
    ['IPv4 length 0 takes the frame', ipv4Packet(get, { totalLength: 0 }), raw, 'GET'],
    ['an IPv4 length that is too short for its header', ipv4Packet(get, { totalLength: 19 }), raw, 'malformed-ip'],
    ['an IPv4 length that leaves half a TCP header', ipv4Packet(get, { totalLength: 30 }), raw, 'malformed-tcp'],
    ['an IPv4 length that ends before the frame', ipv4Packet(get, { totalLength: 41 }), raw, 'G'],
    ['an IPv4 length behind the frame: the rest is missing', ipv4Packet(get, { totalLength: 50 }), raw, 'GET+7'],
    ['the first IPv4 fragment', ipv4Packet(get, { fragment: 0x2000 }), raw, 'ip-fragment'],
    ['a later IPv4 fragment', ipv4Packet(get, { fragment: 0x0001 }), raw, 'ip-fragment'],
    ['UDP', ipv4Packet(get, { protocol: 17 }), raw, 'not-tcp'],
    ['IP version 5', concat([0x55], ipv4.subarray(1)), raw, 'malformed-ip'],
    ['an IPv4 header of four words', concat([0x44], ipv4.subarray(1)), raw, 'malformed-ip'],

    ['IPv6 length 0 takes the frame', ipv6Packet(get, { payloadLength: 0 }), raw, 'GET'],
    ['a hop-by-hop header', ipv6Packet(get, { extensions: [extension(0, 0, 1, 4, 0, 0, 0, 0)] }), raw, 'GET'],
    [
      'destination options, routing and an authentication header',
      ipv6Packet(get, {
        extensions: [
          extension(60, 1, ...Array(14).fill(0)),
          extension(43, 0, ...Array(6).fill(0)),
          extension(51, 4, ...Array(22).fill(0)), // its length counts words, less two
        ],
      }),
      raw,
      'GET',
    ],
    ['an atomic fragment', ipv6Packet(get, { extensions: [extension(44, 0, 0, 0, 0, 0, 0, 1)] }), raw, 'GET'],
    [
      'an atomic fragment with reserved bits',
      ipv6Packet(get, { extensions: [extension(44, 0, 0, 6, 0, 0, 0, 1)] }),
      raw,
      'GET',
    ],
    ['a fragment', ipv6Packet(get, { extensions: [extension(44, 0, 0, 1, 0, 0, 0, 1)] }), raw, 'ip-fragment'],
    ['no next header', ipv6Packet(get, { extensions: [extension(59, 0, 0, 0, 0, 0, 0, 0)] }), raw, 'not-tcp'],
    [
      'an extension header that is longer than the packet',
      ipv6Packet(get, { extensions: [extension(0, 255)] }),
      raw,
      'malformed-tcp',
    ],

    ['TCP options', ipv4Packet({ ...get, options: new Uint8Array(12).fill(1) }), raw, 'GET'],
    ['a TCP header of four words', concat(ipv4.subarray(0, 32), [0x40], ipv4.subarray(33)), raw, 'malformed-tcp'],
    [
      'a TCP header that is longer than the packet',
      concat(ipv4.subarray(0, 32), [0xf0], ipv4.subarray(33)),
      raw,
      'malformed-tcp',
    ],
  ];
  test.each(rows)('%s', (_, bytes, linkType, expected) => {
    expect(decode(bytes, linkType)).toBe(expected);
  });
});

test('every field is read', () => {
  expect(decodeSegment(frameOf(ethernetFrame(ipv4), ethernet))).toMatchObject({
    flow: '\x0a\x00\x00\x01\x9c\x40\x0a\x00\x00\x02\x00\x50',
    sourcePort: 40_000,
    destinationPort: 80,
    sequence: 0xfffffff0,
    acknowledgment: 7,
    flags: 0x18,
    timestampUs: 5,
    direction: 'unknown',
  });
});

test('cooked frames tell the direction', () => {
  for (const [bytes, linkType, expected] of [
    [sllFrame(ipv4, 0), linkTypes.linuxSll, 'in'],
    [sllFrame(ipv4, 4), linkTypes.linuxSll, 'out'],
    [sllFrame(ipv4, 0, 772), linkTypes.linuxSll, 'loopback'],
    [sll2Frame(ipv4, 4, 772), linkTypes.linuxSll2, 'loopback'],
    [sll2Frame(ipv4, 0), linkTypes.linuxSll2, 'in'],
    [sll2Frame(ipv4, 4), linkTypes.linuxSll2, 'out'],
  ] as const) {
    expect(decodeSegment(frameOf(bytes, linkType))).toMatchObject({ direction: expected });
  }
});

test('a frame cut at any length gives what was captured, and what is missing', () => {
  const packet = ipv4Packet({ payload: 'GET /', options: new Uint8Array(4) });
  const headersLength = 20 + 24;
  for (let captured = 0; captured <= packet.length; captured++) {
    const payload = Math.max(0, captured - headersLength);
    const missing = 5 - payload;
    const expected = captured < 40 ? 'truncated' : `${'GET /'.slice(0, payload)}${missing > 0 ? `+${missing}` : ''}`;
    expect(decode(packet, raw, captured), `${captured} bytes`).toBe(expected);
  }
});

test('a frame of 64 KiB and more is ordinary', () => {
  const payload = new Uint8Array(80_000).fill(0x61);
  expect(decode(ipv6Packet({ payload }, { payloadLength: 0 }), raw)).toHaveLength(80_000);
  expect(decode(ipv4Packet({ payload: payload.subarray(0, 65_495) }), raw)).toHaveLength(65_495);
});

test('damaged frames give a reason or a payload within the frame', () => {
  const random = createRandom(seedOfThisRun());
  const originals = [
    ethernetFrame(ipv4, [[0x8100, 5]]),
    sllFrame(ipv6),
    ipv6Packet(get, { extensions: [extension(0, 0, 1, 4, 0, 0, 0, 0)] }),
  ];
  for (let round = 0; round < 5_000; round++) {
    const bytes = random.pick(originals).slice();
    for (let flips = random.below(6); flips >= 0; flips--) bytes[random.below(bytes.length)] = random.below(256);
    const frame = frameOf(bytes, random.pick(Object.values(linkTypes)), random.below(bytes.length + 1));
    const segment = decodeSegment(frame);
    if (typeof segment === 'string') continue;
    const { payloadStart, payloadEnd, missing } = segment;
    const isWithin =
      frame.start < payloadStart && payloadStart <= payloadEnd && payloadEnd <= frame.end && missing >= 0;
    expect(isWithin, `seed ${random.seed}, round ${round}`).toBe(true);
  }
});
