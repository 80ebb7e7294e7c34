// Mutated capture files of every format: nothing but CaptureError is thrown, nothing hangs, every frame lies in its bytes.
// The long run is test/soak/fuzz-capture.test.ts.
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { captureBlocks, concatenated } from '../../../test/kit/captures.ts';
import { latin1 } from '../../../test/kit/every-split.ts';
import { pcapFile } from '../../../test/kit/packets.ts';
import { createRandom, type Random, seedOfThisRun } from '../../../test/kit/random.ts';
import { CaptureError, CaptureReader, readCapture } from '../src/index.ts';

const frames = Array.from({ length: 8 }, (_, at) => ({ bytes: latin1('x'.repeat(at * 5)) }));
const files = [true, false].flatMap((littleEndian) => {
  const { section, interface: description, enhanced, old, simple, block } = captureBlocks(littleEndian);
  const pieces = [
    ...[section(), description({ options: [[9, [9]]] }), description({ linkType: 101, snapLength: 6 })],
    ...frames.map(({ bytes: data }, at) =>
      enhanced({ data, ticks: 1e9 * at, interfaceNumber: at % 2, options: [[2, [1, 0, 0, 0]]] }),
    ),
    ...[
      block(5, [0, 0, 0, 0]),
      old({ data: latin1('old') }),
      section(),
      description(),
      simple({ data: latin1('simple') }),
    ],
  ];
  return [
    concatenated(...pieces),
    pcapFile(frames, { littleEndian }),
    pcapFile(frames, { littleEndian, magic: 0xa1b23c4d }),
  ];
});

test('pcap and pcapng into the reader', () => {
  const random = createRandom(seedOfThisRun());
  const counts = { frames: 0, broken: 0 };
  for (let count = 0; count < 20_000; count++) {
    const bytes = mutated(random.pick(files), random);
    try {
      const reader = new CaptureReader();
      for (let at = 0; at < bytes.length; ) {
        const length = 1 + random.below(200);
        for (const frame of reader.read(bytes.subarray(at, at + length))) {
          counts.frames++;
          const isInside = frame.start <= frame.end && frame.end <= frame.bytes.length;
          if (!isInside || !Number.isSafeInteger(frame.timestampUs)) throw new Error('a frame out of its bytes');
        }
        at += length;
      }
      reader.end();
    } catch (error) {
      if (!(error instanceof CaptureError)) throw new Error(`seed ${random.seed}, file ${count}`, { cause: error });
      counts.broken++;
    }
  }
  expect(counts.frames).toBeGreaterThan(20_000);
  expect(counts.broken).toBeGreaterThan(1_000);
});

test('gzip, damaged outside or inside, into the whole way', async () => {
  const random = createRandom(seedOfThisRun());
  const compressed = files.map((file) => gzipSync(file));
  const counts = { frames: 0, broken: 0 };
  for (let count = 0; count < 1_000; count++) {
    const bytes = random.chance(0.7)
      ? mutated(random.pick(compressed), random)
      : gzipSync(mutated(random.pick(files), random));
    async function* chunks(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 50) yield bytes.subarray(at, at + 50);
    }
    try {
      for await (const batch of readCapture(chunks())) for (const _ of batch) counts.frames++;
    } catch (error) {
      if (!(error instanceof CaptureError)) throw new Error(`seed ${random.seed}, file ${count}`, { cause: error });
      counts.broken++;
    }
  }
  expect(counts.frames).toBeGreaterThan(1_000);
  expect(counts.broken).toBeGreaterThan(100);
});

/** One to three bytes changed, cut out, put in or doubled; sometimes cut off. */
function mutated(original: Uint8Array, random: Random): Uint8Array {
  let bytes = original;
  for (let left = 1 + random.below(3); left > 0; left--) {
    const at = random.below(bytes.length);
    const length = random.below(Math.min(12, bytes.length - at) + 1);
    const changed = random.pick([
      [bytes.subarray(0, at), [random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)])], bytes.subarray(at + 1)],
      [bytes.subarray(0, at), bytes.subarray(at + length)],
      [bytes.subarray(0, at + length), bytes.subarray(at)],
      [bytes.subarray(0, at), random.bytes(length), bytes.subarray(at)],
    ]);
    bytes = concatenated(...changed);
  }
  return random.chance(0.1) ? bytes.subarray(0, random.below(bytes.length)) : bytes;
}
