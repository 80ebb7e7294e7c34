import { describe, expect, test } from 'vitest';
import { ipv4Packet, ipv6Packet } from '../../../test/kit/packets.ts';
import { createRandom, seedOfThisRun } from '../../../test/kit/random.ts';
import { decodeSegment, type Frame } from '../src/index.ts';
import { RingBlock } from '../src/ring-block.ts';
import { ringMemory, type StoredPacket } from './ring-memory.ts';

const ipv4 = ipv4Packet({ payload: 'GET' });
const ipv6 = ipv6Packet({ payload: 'GET' });
const loopback = 772;
const outgoing = 4;

/** Copies of all frames of the blocks, as they come. */
function readAll(block: RingBlock, blocks: number): Frame[] {
  const frames: Frame[] = [];
  for (let index = 0; index < blocks; index++) {
    block.enter(index);
    for (let frame = block.next(); frame !== undefined; frame = block.next()) frames.push({ ...frame });
  }
  return frames;
}

function expectBalance({ counters }: RingBlock, hint = ''): void {
  expect(counters.packets, hint).toBe(counters.frames + counters.echoes + counters.unread);
}

/** The payload that is decoded from a packet in the ring, or the reject's reason. */
function payloadOf(packet: StoredPacket): string {
  const blockBytes = 65_536;
  const block = new RingBlock(ringMemory([[packet]], blockBytes), blockBytes);
  const [frame] = readAll(block, 1);
  expectBalance(block);
  if (frame === undefined) return 'no frame';
  const segment = decodeSegment(frame);
  if (typeof segment === 'string') return segment;
  const payload = String.fromCharCode(...segment.bytes.subarray(segment.payloadStart, segment.payloadEnd));
  return segment.missing > 0 ? `${payload}+${segment.missing}` : payload;
}

test('the packets of all blocks come in order, each with its time, place, length and direction', () => {
  const memory = ringMemory([
    [
      { bytes: ipv4, seconds: 1_700_000_000, nanoseconds: 999_999_999 },
      { bytes: ipv6, packetType: outgoing },
    ],
    [],
    [{ bytes: ipv4, originalLength: 5000, packetType: 2 }],
  ]);
  const block = new RingBlock(memory, 4096);
  const frames = readAll(block, 3);
  const firstAt = 48 + 96;
  expect(frames).toMatchObject([
    { linkType: 101, timestampUs: 1_700_000_000_999_999, start: firstAt, end: firstAt + 43, direction: 'in' },
    { timestampUs: 0, originalLength: 63, direction: 'out' },
    { start: 8192 + firstAt, originalLength: 5000, direction: 'in' },
  ]);
  expect(block.counters).toMatchObject({ packets: 3, frames: 3, cut: 1, echoes: 0, unread: 0 });
});

test('over loopback each packet comes once, as received', () => {
  const sent = { bytes: ipv4, hardwareType: loopback, packetType: outgoing };
  const received = { ...sent, packetType: 0 };
  const block = new RingBlock(ringMemory([[sent, received, sent, received, sent]]), 4096);
  expect(readAll(block, 1).map((frame) => frame.direction)).toEqual(['loopback', 'loopback']);
  expect(block.counters).toMatchObject({ packets: 5, frames: 2, echoes: 3 });
});

describe('what stands at the network header', () => {
  const tag = (type: number, id = 5) => [id >> 8, id & 0xff, type >> 8, type & 0xff];
  const tagged = (tags: readonly number[], packet: Uint8Array) => Uint8Array.from([...tags, ...packet]);
  // Their lengths and names are those of a type, and behind that of a packet.
  const typeLike4 = ipv4Packet({ payload: 'x'.repeat(2008) });
  typeLike4.set([0x45, 0], 4); // identification
  const typeLike6 = ipv6Packet({ payload: 'x'.repeat(0x6000) });
  typeLike6.set([0x86, 0xdd], 2); // flow label
  // biome-ignore format: a table
  const rows: readonly (readonly [name: string, bytes: Uint8Array, protocol: number, expected: string])[] = [
    ['IPv4', ipv4, 0x0800, 'GET'],
    ['IPv6', ipv6, 0x86dd, 'GET'],
    ['the inner tag of two, as kernels tell it before 6.10', tagged(tag(0x0800), ipv4), 0x8100, 'GET'],
    ['the inner tag of two, as kernels tell it since then', tagged(tag(0x0800), ipv4), 0x0800, 'GET'],
    ['an inner tag of priority 2, which begins like IPv4', tagged(tag(0x0800, 0x4005), ipv4), 0x0800, 'GET'],
    ['an inner tag of priority 3, which begins like IPv6', tagged(tag(0x86dd, 0x6005), ipv6), 0x86dd, 'GET'],
    ['two of three tags', tagged([...tag(0x8100), ...tag(0x86dd)], ipv6), 0x8100, 'GET'],
    ['a tag behind which the frame is padded', tagged(tag(0x0800), Uint8Array.from([...ipv4, 0, 0, 0])), 0x8100, 'GET'],
    ['IPv4 before which its tag was stepped over already', ipv4, 0x8100, 'GET'],
    ['an IPv4 packet of 2,048 bytes, a length that reads like a type', typeLike4, 0x0800, 'x'.repeat(2008)],
    ['an IPv6 packet with a flow label that reads like a type', typeLike6, 0x86dd, 'x'.repeat(0x6000)],
    ['ARP', Uint8Array.from([0, 1, 8, 0, 6, 4, 0, 1, ...Array(20).fill(0)]), 0x0806, 'malformed-ip'],
    ['one byte', Uint8Array.from([0x45]), 0x0800, 'truncated'],
    ['nothing', new Uint8Array(0), 0x0800, 'truncated'],
  ];
  test.each(rows)('%s', (_, bytes, protocol, expected) => {
    expect(payloadOf({ bytes, protocol })).toBe(expected);
  });

  test('what the ring does not hold of a packet is missing, tags or not', () => {
    const packet = ipv4Packet({ payload: 'GET /' });
    const cut = packet.subarray(0, packet.length - 2);
    expect(payloadOf({ bytes: cut, originalLength: packet.length })).toBe('GET+2');
    const bytes = tagged(tag(0x0800), cut);
    expect(payloadOf({ bytes, originalLength: bytes.length + 2, protocol: 0x8100 })).toBe('GET+2');
  });
});

test('a handler that throws costs no frame but its own', () => {
  const block = new RingBlock(ringMemory([[{ bytes: ipv4 }, { bytes: ipv6 }, { bytes: ipv4 }]]), 4096);
  block.enter(0);
  const lengths: number[] = [];
  const read = () => {
    for (let frame = block.next(); frame !== undefined; frame = block.next()) {
      if (lengths.push(frame.end - frame.start) === 2) throw new Error('not this one');
    }
  };
  expect(read).toThrow();
  read();
  expect(lengths).toEqual([43, 63, 43]);
  expectBalance(block);
});

test('frames that were not asked for count as unread', () => {
  const block = new RingBlock(ringMemory([[{ bytes: ipv4 }, { bytes: ipv4 }, { bytes: ipv4 }], []]), 4096);
  block.enter(0);
  block.next();
  block.enter(1);
  expect(block.counters).toMatchObject({ packets: 3, frames: 1, unread: 2 });
});

describe('a broken block is given up where it is broken', () => {
  const first = 48;
  const second = first + 144; // a header and 43 bytes, aligned
  // biome-ignore format: a table
  const rows: readonly (readonly [name: string, wordAt: number, value: number, reason: string, frames: number])[] = [
    ['more packets than fit', 12, 0xffffffff, 'bad-block', 0],
    ['the first packet behind the block', 16, 4096, 'bad-block', 0],
    ['the first packet within the header', 16, 40, 'bad-block', 0],
    ['the first packet at an odd place', 16, 49, 'bad-block', 0],
    ['a packet that is its own next', first, 0, 'bad-offset', 1],
    ['a next packet far away', first, 0xfffffff8, 'bad-offset', 1],
    ['a next packet whose header does not fit', first, 4096 - first - 64, 'bad-offset', 1],
    ['a length up to behind the block', second + 12, 4096, 'bad-length', 1],
    ['a length of 4 GiB', second + 12, 0xffffffff, 'bad-length', 1],
    ['a network header within the own header', second + 24, 0, 'bad-length', 1],
  ];
  test.each(rows)('%s', (_, wordAt, value, reason, frames) => {
    const memory = ringMemory([[{ bytes: ipv4 }, { bytes: ipv4 }, { bytes: ipv4 }]]);
    new Uint32Array(memory)[Math.floor(wordAt / 4)] = value;
    const block = new RingBlock(memory, 4096);
    expect(readAll(block, 1)).toHaveLength(frames);
    expect(block.counters.rejected).toMatchObject({ [reason]: 1 });
    expectBalance(block);
  });
});

test('corrupted memory is never a crash, an endless loop or a frame that leaves its block', () => {
  const random = createRandom(seedOfThisRun());
  const packets = Array.from({ length: 20 }, (_, index) => ({
    bytes: random.pick([ipv4, ipv6]),
    packetType: index % 5,
  }));
  const original = new Uint8Array(ringMemory([packets, packets, packets]));
  const interesting = [12, 16, 48, 60, 72, 144, 192, 204, 216];
  for (let round = 0; round < 3_000; round++) {
    const bytes = new Uint8Array(original.length);
    bytes.set(random.chance(0.1) ? random.bytes(original.length) : original);
    for (let flips = random.below(8); flips >= 0; flips--) {
      const at = random.chance(0.5) ? random.pick(interesting) + random.below(4) : random.below(bytes.length);
      bytes[random.below(3) * 4096 + (at % 4096)] = random.below(256);
    }
    const block = new RingBlock(bytes.buffer, 4096);
    for (let index = 0; index < 3; index++) {
      block.enter(index);
      let frames = 0;
      for (let frame = block.next(); frame !== undefined; frame = block.next()) {
        const isWithin = index * 4096 <= frame.start && frame.start <= frame.end && frame.end <= (index + 1) * 4096;
        if (!isWithin || ++frames > 60) expect.unreachable(`seed ${random.seed}, round ${round}`);
        decodeSegment(frame);
      }
    }
    expectBalance(block, `seed ${random.seed}, round ${round}`);
  }
});
