// How many blocks of a ring wait, wherever in it the reader stands.
import { expect, test } from 'vitest';
import { readyBlocks } from '../src/ring-fill.ts';

const blockBytes = 64;
const blocks = 7;

/** A ring of which these blocks are the reader's. */
function ring(...ready: number[]): Uint32Array {
  const words = new Uint32Array((blocks * blockBytes) / 4).fill(0xffff_fffe);
  for (const block of ready) words[(block * blockBytes + 8) / 4] = 0x2000_0001; // the kernel sets other bits, too
  return words;
}

test('every number of blocks, behind every block that was read last', () => {
  for (let lastRead = -1; lastRead < blocks; lastRead++) {
    for (let count = 0; count <= (lastRead < 0 ? blocks : blocks - 1); count++) {
      const ready = Array.from({ length: count }, (_, index) => (lastRead + 1 + index) % blocks);
      expect(readyBlocks(ring(...ready), blockBytes, lastRead), `${count} behind ${lastRead}`).toBe(count);
    }
  }
});

test('the block that is being read does not count', () => {
  expect(readyBlocks(ring(3, 4, 5), blockBytes, 3)).toBe(2);
  expect(readyBlocks(ring(0, 1, 2, 3, 4, 5, 6), blockBytes, 3)).toBe(6);
});

test('a ring of one block, and one that is gone', () => {
  expect(readyBlocks(ring().subarray(0, blockBytes / 4), blockBytes, -1)).toBe(0);
  expect(readyBlocks(ring(0).subarray(0, blockBytes / 4), blockBytes, -1)).toBe(1);
  expect(readyBlocks(new Uint32Array(0), blockBytes, 4)).toBe(0);
});
