// Corrupted ring memory, block after block, through the walker, the decoder and the assembler: no crash, no endless loop,
// no frame that leaves its block, and all counters balance. GOR_TEST_SEED repeats a run.
import { FrameDecoder, TcpAssembler } from '@gor/capture';
import { expect, test } from 'vitest';
import { RingBlock } from '../../packages/capture/src/ring-block.ts';
import { ringMemory, type StoredPacket } from '../../packages/capture/test/ring-memory.ts';
import { said } from '../fuzz/said.ts';
import { ipv4Packet, ipv6Packet, type PacketFields } from '../kit/packets.ts';
import { createRandom, type Random, seedOfThisRun } from '../kit/random.ts';
import { Watchdog } from '../kit/watchdog.ts';
import { sum } from '../live/programs.ts';

const BLOCKS = 1_000_000;
const BLOCK_BYTES = 4096;
const BLOCKS_IN_RING = 4;
/** A packet has a header of 68 bytes at least. */
const MOST_FRAMES = BLOCK_BYTES / 68;
/** What readers look at: in the block's header, and in each packet's. */
const BLOCK_FIELDS = [12, 16];
const PACKET_FIELDS = [0, 4, 8, 12, 16, 24, 26, 56, 58];
const EDGES = [0, 1, 0x7f, 0x80, 0xff];

test('blocks', () => {
  const random = createRandom(seedOfThisRun());
  const original = new Uint8Array(
    ringMemory(
      Array.from({ length: BLOCKS_IN_RING }, (_, at) => packets(at)),
      BLOCK_BYTES,
    ),
  );
  const memory = original.slice();
  const block = new RingBlock(memory.buffer, BLOCK_BYTES);
  const assembler = new TcpAssembler({
    limits: { maxConnections: 500, maxHalfOpen: 50, maxEnded: 50, maxHeldBytes: 100_000, maxHeldSegments: 200 },
    onConnection: () => ({ client: { data: () => {}, gap: () => {}, end: () => {} } }),
  });
  const decoder = new FrameDecoder({ onSegment: (segment) => assembler.push(segment) });
  using watchdog = new Watchdog(`blocks, GOR_TEST_SEED=${random.seed}`);
  for (let count = 0; count < BLOCKS; count++) {
    watchdog.begin(count);
    const index = random.below(BLOCKS_IN_RING);
    const start = index * BLOCK_BYTES;
    memory.set(original.subarray(start, start + BLOCK_BYTES), start);
    corrupt(memory.subarray(start, start + BLOCK_BYTES), random);
    block.enter(index);
    let frames = 0;
    for (let frame = block.next(); frame !== undefined; frame = block.next()) {
      const isWithin = start <= frame.start && frame.start <= frame.end && frame.end <= start + BLOCK_BYTES;
      if (!isWithin || !Number.isSafeInteger(frame.timestampUs) || ++frames > MOST_FRAMES) {
        throw new Error(`seed ${random.seed}, block ${count}`);
      }
      decoder.push(frame);
    }
  }
  assembler.close();
  const { counters } = block;
  const { seen, segments, rejected, fragments } = decoder.counters();
  const { payloadBytes, deliveredBytes, duplicateBytes, droppedBytes } = assembler.counters();
  said(
    'blocks',
    BLOCKS,
    random,
    `${counters.frames} frames, ${segments} segments, ${sum(counters.rejected)} blocks given up`,
  );
  expect(counters.packets).toBe(counters.frames + counters.echoes + counters.unread);
  expect(seen).toBe(counters.frames);
  expect(seen).toBe(segments + sum(rejected) + fragments.held + fragments.joined);
  expect(payloadBytes).toBe(deliveredBytes + duplicateBytes + sum(droppedBytes));
  for (const count of Object.values(counters.rejected)) expect(count).toBeGreaterThan(BLOCKS / 1000);
  expect(segments).toBeGreaterThan(BLOCKS);
});

function packets(block: number): StoredPacket[] {
  return Array.from({ length: 20 }, (_, at) => {
    const fields: PacketFields = {
      fromPort: 40_000 + (at % 7),
      sequence: block * 100 + at * 5,
      flags: ['S', 'A', 'PA', 'PA', 'FA', 'R'][at % 6] ?? 'A',
      payload: at % 6 === 0 ? '' : 'GET /',
    };
    const bytes = at % 3 === 0 ? ipv6Packet(fields) : ipv4Packet(fields);
    const tagged =
      at % 5 === 0 ? Uint8Array.from([0, 5, at % 3 === 0 ? 0x86 : 8, at % 3 === 0 ? 0xdd : 0, ...bytes]) : bytes;
    return {
      bytes: tagged,
      packetType: at % 5,
      hardwareType: at % 7 === 0 ? 772 : 1,
      seconds: 1_700_000_000,
      nanoseconds: at,
    };
  });
}

/** A few fields or bytes at random, seldom all of it. */
function corrupt(block: Uint8Array, random: Random): void {
  if (random.chance(0.01)) block.set(random.bytes(block.length));
  const view = new DataView(block.buffer, block.byteOffset, block.length);
  for (let changes = random.below(6); changes > 0; changes--) {
    const packetAt = 48 + 8 * random.below(400);
    const at = random.chance(0.2) ? random.pick(BLOCK_FIELDS) : packetAt + random.pick(PACKET_FIELDS);
    const kind = random.below(4);
    if (kind === 0) block[random.below(block.length)] = random.below(256);
    else if (kind === 1) block[at + random.below(4)] = random.pick(EDGES);
    else if (kind === 2) view.setUint32(at, random.below(2 ** 32), true);
    else view.setUint32(at, 8 * random.below(BLOCK_BYTES / 4), true);
  }
}
