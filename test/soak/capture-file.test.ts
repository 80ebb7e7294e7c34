// 200 MB of compressed pcapng, decoded and read: no more memory than a small file takes.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { readCapture } from '@gor/capture';
import { expect, test } from 'vitest';
import { captureBlocks, concatenated } from '../kit/captures.ts';
import { createRandom, seedOfThisRun } from '../kit/random.ts';

const DECODED_BYTES = 200 * 1024 * 1024;
const LIMIT_BYTES = 16 * 1024 * 1024;

test.each(['one member', 'many members'])('200 MB of pcapng in %s', async (kind) => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const random = createRandom(seedOfThisRun());
  const { section, interface: description, enhanced, block } = captureBlocks(true);
  const packets = Array.from({ length: 700 }, (_, at) =>
    enhanced({ data: random.bytes(1400 + (at % 100)), ticks: at }),
  );
  const head = concatenated(section(), description());
  const part = concatenated(...packets, block(5, new Uint8Array(40_000)));
  const parts = Math.ceil(DECODED_BYTES / part.length);
  // A stored block of deflate is bytes as they are, so that one member can be as long as it likes without a compressor.
  async function* oneMember(): AsyncGenerator<Uint8Array> {
    yield Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3);
    yield* storedBlocks(head);
    for (let count = 0; count < parts; count++) yield* storedBlocks(part);
  }
  async function* manyMembers(): AsyncGenerator<Uint8Array> {
    const member = gzipSync(part, { level: 1 });
    yield gzipSync(head);
    for (let count = 0; count < parts; count++) yield member;
  }
  let frames = 0;
  let most = 0;
  collectGarbage();
  const before = process.memoryUsage();
  const reading = async (): Promise<void> => {
    let batches = 0;
    for await (const batch of readCapture(kind === 'one member' ? oneMember() : manyMembers())) {
      for (const _ of batch) frames++;
      if (++batches % 200 !== 0) continue;
      await new Promise((resolve) => void setImmediate(resolve));
      collectGarbage();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      most = Math.max(most, heapUsed - before.heapUsed + arrayBuffers - before.arrayBuffers);
    }
  };
  // The one member has no end, as nothing computes its checksum: it is cut off.
  if (kind === 'one member') await expect(reading()).rejects.toThrow(`ends early, after ${parts * 700} whole frames`);
  else await reading();
  console.log(`${kind}: ${frames} frames, at most ${(most / 1024 / 1024).toFixed(1)} MiB more; seed ${random.seed}`);
  expect(frames).toBe(parts * 700);
  expect(most).toBeLessThan(LIMIT_BYTES);
});

function* storedBlocks(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_535) {
    const piece = bytes.subarray(at, at + 65_535);
    const [low, high] = [piece.length & 0xff, piece.length >>> 8];
    yield concatenated([0, low, high, low ^ 0xff, high ^ 0xff], piece);
  }
}
