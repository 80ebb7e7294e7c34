// Mutated frames and capture files by the hundred thousand: nothing throws but what is documented, nothing hangs, all
// counters balance. GOR_TEST_SEED repeats a run.
import { CaptureError, CaptureReader, FrameDecoder, linkTypes, TcpAssembler } from '@gor/capture';
import { MemoryBudget, RequestParser } from '@gor/http';
import { expect, test } from 'vitest';
import { PIECES, REQUESTS } from '../fuzz/messages.ts';
import { said } from '../fuzz/said.ts';
import { captureBlocks, concatenated } from '../kit/captures.ts';
import { encapsulations } from '../kit/encapsulations.ts';
import { latin1 } from '../kit/every-split.ts';
import { fragmentsOf } from '../kit/ip-packets.ts';
import { mutated } from '../kit/mutation.ts';
import {
  ethernetFrame,
  ipv4Packet,
  ipv6Packet,
  type PacketFields,
  pcapFile,
  sll2Frame,
  sllFrame,
} from '../kit/packets.ts';
import { createRandom, seedOfThisRun } from '../kit/random.ts';
import { Watchdog } from '../kit/watchdog.ts';
import { sum } from '../live/programs.ts';

const EACH = 250_000;

test('frames through decoder and assembler into parsers', () => {
  const random = createRandom(seedOfThisRun());
  const budget = new MemoryBudget({ limitBytes: 100_000 });
  const counts = { begun: 0, requests: 0, rejected: 0 };
  const assembler = new TcpAssembler({
    limits: { maxConnections: 500, maxHalfOpen: 50, maxEnded: 50, maxHeldBytes: 100_000, maxHeldSegments: 200 },
    onConnection: () => {
      const parser = new RequestParser({ budget, onRequest: () => {}, onReject: () => {} });
      return {
        client: {
          start: (at) => (at === 'midstream' ? parser.startMidstream() : undefined),
          data: (bytes, timestampUs) => parser.push(bytes, timestampUs),
          gap: (length, timestampUs) => parser.gap(length, timestampUs),
          end: (_, timestampUs) => {
            parser.end(timestampUs);
            counts.begun += parser.counters.begun;
            counts.requests += parser.counters.requests;
            counts.rejected += sum(parser.counters.rejected);
          },
        },
      };
    },
  });
  const decoder = new FrameDecoder({ onSegment: (segment) => assembler.push(segment) });
  const originals = framesToMutate();
  using watchdog = new Watchdog(`frames, GOR_TEST_SEED=${random.seed}`);
  for (let count = 0; count < EACH; count++) {
    watchdog.begin(count);
    const { linkType, frame } = random.pick(originals);
    const bytes = mutated(frame, random, PIECES);
    const originalLength = bytes.length + (random.chance(0.1) ? random.below(3000) : 0);
    const timestampUs = count * 1000 - (random.chance(0.01) ? random.below(1e9) : 0);
    decoder.push({ linkType, timestampUs, bytes, start: 0, end: bytes.length, originalLength, direction: 'unknown' });
  }
  assembler.close();
  const frames = decoder.counters();
  const counters = assembler.counters();
  said(
    'frames',
    EACH,
    random,
    `${frames.segments} segments, ${counters.connections} connections, ${counts.requests} requests`,
  );
  const { held, joined, heldBytesPeak } = frames.fragments;
  expect(frames.seen).toBe(frames.segments + sum(frames.rejected) + held + joined);
  expect(joined).toBeGreaterThan(1_000);
  expect(heldBytesPeak).toBeLessThanOrEqual(4 * 1024 * 1024 + 2_000);
  expect(counters.payloadBytes).toBe(counters.deliveredBytes + counters.duplicateBytes + sum(counters.droppedBytes));
  expect(counters.heldAllocatedBytesPeak).toBeLessThanOrEqual(100_000);
  expect(counts.begun).toBe(counts.requests + counts.rejected);
  expect(budget).toMatchObject({ heldBytes: 0, heldMessages: 0 });
  expect(counts.requests).toBeGreaterThan(1000);
});

test('capture files into a reader', () => {
  const random = createRandom(seedOfThisRun());
  const frames = plainFrames().map(({ frame }) => ({ bytes: frame.subarray(0, 80) }));
  const originals = [true, false].flatMap((littleEndian) => {
    const { section, interface: description, enhanced, old, simple, block } = captureBlocks(littleEndian);
    const interfaces = [description({ options: [[9, [9]]] }), description({ linkType: 101, snapLength: 60 })];
    const packets = frames.map(({ bytes: data }, at) => {
      const fields = { data, ticks: at * 1e15, interfaceNumber: at % 2, options: [[2, [0, 0, 0, 1]] as const] };
      return at % 3 === 0 ? old(fields) : at % 3 === 1 ? enhanced(fields) : simple({ data });
    });
    const blocks = [section(), ...interfaces, block(5, new Uint8Array(8)), ...packets, section(), description()];
    return [pcapFile(frames, { littleEndian }), concatenated(...blocks, simple({ data: latin1('last') }))];
  });
  const counts = { frames: 0, broken: 0 };
  using watchdog = new Watchdog(`capture files, GOR_TEST_SEED=${random.seed}`);
  for (let count = 0; count < EACH; count++) {
    watchdog.begin(count);
    const bytes = mutated(random.pick(originals), random, PIECES);
    const reader = new CaptureReader();
    try {
      for (let at = 0; at < bytes.length; ) {
        const length = 1 + random.below(300);
        for (const frame of reader.read(bytes.subarray(at, at + length))) {
          counts.frames += 1;
          const isInside = frame.start <= frame.end && frame.end <= frame.bytes.length;
          if (!isInside || !Number.isSafeInteger(frame.timestampUs))
            throw new Error(`seed ${random.seed}, file ${count}`);
        }
        at += length;
      }
      reader.end();
    } catch (error) {
      if (!(error instanceof CaptureError)) throw new Error(`seed ${random.seed}, file ${count}`, { cause: error });
      counts.broken += 1;
    }
  }
  said('capture files', EACH, random, `${counts.frames} frames, ${counts.broken} broken files`);
  expect(counts.frames).toBeGreaterThan(EACH);
});

/** Packets in Ethernet and others, in every encapsulation, and fragments of them. */
function framesToMutate(): { linkType: number; frame: Uint8Array }[] {
  const packet = ipv4Packet({ fromPort: 40_001, flags: 'PA', payload: REQUESTS[1] ?? '' });
  const packets = encapsulations.flatMap(({ takes, gives, wrap }) => {
    const frame = wrap(takes === 'ip' ? packet : ethernetFrame(packet), 5);
    if (typeof gives === 'number') return [{ linkType: gives, frame }];
    if (gives === 'ethernet') return [{ linkType: linkTypes.ethernet, frame }];
    const fragments = fragmentsOf(frame, 64, 7).map((fragment) => ({ linkType: linkTypes.raw, frame: fragment }));
    return [{ linkType: linkTypes.raw, frame }, ...fragments];
  });
  return [...plainFrames(), ...packets];
}

function plainFrames(): { linkType: number; frame: Uint8Array }[] {
  const { ethernet, linuxSll, linuxSll2, raw } = linkTypes;
  return Array.from({ length: 60 }, (_, at) => {
    const fields: PacketFields = {
      fromPort: 40_000 + (at % 7),
      sequence: (at % 5) * 20,
      flags: ['S', 'A', 'PA', 'PA', 'FA', 'R'][at % 6] ?? 'A',
      payload: at % 6 === 0 ? '' : (REQUESTS[at % REQUESTS.length] ?? ''),
    };
    const packet =
      at % 3 === 0
        ? ipv6Packet(fields, { extensions: [{ header: 0, bytes: [6, 0, 1, 4, 0, 0, 0, 0] }] })
        : ipv4Packet(fields);
    const kinds = [
      { linkType: ethernet, frame: ethernetFrame(packet) },
      {
        linkType: ethernet,
        frame: ethernetFrame(packet, [
          [0x88a8, 5],
          [0x8100, 7],
        ]),
      },
      { linkType: linuxSll, frame: sllFrame(packet) },
      { linkType: linuxSll2, frame: sll2Frame(packet, 4) },
      { linkType: raw, frame: packet },
    ];
    return kinds[at % kinds.length] ?? { linkType: raw, frame: packet };
  });
}
