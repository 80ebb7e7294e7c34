// Random networks against the bytes that were sent: what is delivered stands at its true place, and without loss all of
// it is delivered.

import { expect, test } from 'vitest';
import { createRandom, type Random, seedOfThisRun } from '../../../test/kit/random.ts';
import { TcpAssembler } from '../src/index.ts';
import { Observed, segmentOf, type TestPacket } from './observed.ts';

interface Network {
  readonly loss: number;
  readonly duplication: number;
  /** By how many places a packet may move. */
  readonly reordering: number;
  readonly cutting: number;
}

function packetsOf(random: Random, sent: Uint8Array, first: number, network: Network): TestPacket[] {
  const placed: { place: number; packet: TestPacket }[] = [];
  for (let at = 0; at < sent.length; ) {
    // A retransmission may begin before, and end behind, what was sent first.
    const from = Math.max(0, at - (random.chance(0.2) ? random.below(40) : 0));
    const payload = sent.subarray(from, Math.min(sent.length, at + 1 + random.below(60)));
    const captured = random.chance(network.cutting) ? random.below(payload.length + 1) : payload.length;
    const packet: TestPacket = { sequence: (first + from) >>> 0, payload, captured };
    at = from + payload.length;
    const copies = 1 + (random.chance(network.duplication) ? 1 : 0);
    for (let copy = 0; copy < copies; copy++) {
      const place = placed.length + random.below(network.reordering + 1);
      if (!random.chance(network.loss)) placed.push({ place, packet });
    }
  }
  placed.sort((a, b) => a.place - b.place);
  return placed.map(({ packet }) => packet);
}

function run(random: Random, network: Network): { received: number; lost: number; sent: number } {
  const sent = random.bytes(200 + random.below(2_000));
  const first = random.chance(0.5) ? (0 - random.below(sent.length)) >>> 0 : random.below(2 ** 32);
  let offset = 0;
  let lost = 0;
  let ends = 0;
  const assembler = new TcpAssembler({
    limits: random.chance(0.3) ? { maxHeldSegmentsPerStream: random.below(8), maxHeldBytes: random.below(5_000) } : {},
    onConnection: () => ({
      client: {
        data: (bytes) => {
          expect(Buffer.compare(bytes, sent.subarray(offset, offset + bytes.length))).toBe(0);
          offset += bytes.length;
        },
        gap: (length) => {
          lost += length;
          offset += length;
        },
        end: () => ends++,
      },
    }),
  });
  const packets = [
    { flags: 'S', sequence: (first - 1) >>> 0 },
    ...packetsOf(random, sent, first, network),
    { flags: 'FA', sequence: (first + sent.length) >>> 0 },
  ];
  for (const [index, packet] of packets.entries())
    assembler.push(segmentOf({ ...packet, atMs: index * random.below(3) }));
  assembler.close();
  const counters = assembler.counters();
  const dropped = Object.values(counters.droppedBytes).reduce((sum, bytes) => sum + bytes, 0);
  expect(counters.deliveredBytes + counters.duplicateBytes + dropped).toBe(counters.payloadBytes);
  expect(counters).toMatchObject({ heldBytes: 0, heldSegments: 0, heldAllocatedBytes: 0, gapBytes: lost });
  if (counters.connections > 0) expect([offset, ends]).toEqual([sent.length, 1]);
  return { received: offset - lost, lost, sent: sent.length };
}

const networks: [string, Network][] = [
  ['a perfect network', { loss: 0, duplication: 0, reordering: 0, cutting: 0 }],
  ['duplicates', { loss: 0, duplication: 0.3, reordering: 3, cutting: 0 }],
  ['loss', { loss: 0.1, duplication: 0.1, reordering: 5, cutting: 0 }],
  ['frames cut by the capture', { loss: 0.05, duplication: 0.1, reordering: 5, cutting: 0.2 }],
  ['chaos', { loss: 0.3, duplication: 0.5, reordering: 200, cutting: 0.1 }],
];

test.each(networks)('%s', (_, network) => {
  const random = createRandom(seedOfThisRun());
  for (let round = 0; round < 100; round++) {
    try {
      const { received, sent } = run(random, network);
      if (network.loss === 0 && network.reordering === 0) expect(received).toBe(sent);
    } catch (error) {
      throw new Error(`GOR_TEST_SEED=${random.seed}, round ${round}`, { cause: error });
    }
  }
});

test('nonsense: any flags, numbers and times keep the balance and the order of the calls', () => {
  const random = createRandom(seedOfThisRun());
  const flags = ['', 'A', 'A', 'A', 'A', 'A', 'S', 'SA', 'FA', 'FA', 'R', 'RA', 'SF', 'SFRPAU'];
  // Mostly close together, so that they contradict each other.
  const near = [0, 0, 0, 3, 3, 5, 5, 8, 8, 12, 0xfffffffe, 0x04000010, 0x80000000];
  for (let round = 0; round < 400; round++) {
    const limit = (most: number): number => random.below(most);
    const observed = new Observed({
      limits: random.chance(0.5)
        ? {
            maxConnections: limit(3),
            maxHalfOpen: limit(3),
            maxEnded: limit(3),
            maxHeldSegments: limit(4),
            resetLingerMs: limit(50),
          }
        : {},
    });
    let atMs = 1_000_000;
    for (let count = 0; count < 60; count++) {
      atMs += random.pick([0, 1, 50, 200, 6_000, -3_000]);
      const payload = 'abcdefgh'.slice(0, random.below(9));
      const sequence = (random.pick(near) + random.below(6)) >>> 0;
      const acknowledgment = (random.pick(near) + random.below(6)) >>> 0;
      const captured = random.chance(0.3) ? random.below(payload.length + 1) : payload.length;
      const side = random.pick(['>', '<'] as const);
      const port = random.below(3) + 1;
      const ports = side === '>' ? { fromPort: port } : { toPort: port };
      try {
        observed.push({ side, ...ports, atMs, flags: random.pick(flags), sequence, acknowledgment, payload, captured });
        if (random.chance(0.1)) observed.advance(atMs + random.below(700_000));
      } catch (error) {
        throw new Error(`GOR_TEST_SEED=${random.seed}, round ${round}`, { cause: error });
      }
    }
    observed.close();
    checkOrder(observed.take());
  }
});

/** Of each stream: start first if anything, nothing after end, and end exactly once. */
function checkOrder(lines: readonly string[]): void {
  const streams = new Map<string, string[]>();
  for (const line of lines) {
    const [name = '', call = ''] = line.split(' ');
    streams.set(name, [...(streams.get(name) ?? []), call.startsWith('"') ? 'data' : call]);
  }
  for (const calls of streams.values()) {
    expect(calls.join(' ')).toMatch(/^((handshake|midstream)( data| gap)+ )?end$/);
  }
}
