import { expect, test } from 'vitest';
import { earlierSequence, sequenceAdd, sequenceDistance } from '../src/sequence.ts';

test.each([
  [0, 0, 0],
  [1, 5, 4],
  [5, 1, -4],
  [0xffffffff, 0, 1],
  [0, 0xffffffff, -1],
  [0xfffffff0, 0x10, 0x20],
  [0x80000000, 0x7fffffff, -1],
])('from %i to %i it is %i', (from, to, distance) => {
  expect(sequenceDistance(from, to)).toBe(distance);
  expect(sequenceAdd(from, distance)).toBe(to);
  expect(earlierSequence(from, to)).toBe(distance < 0 ? to : from);
  expect(earlierSequence(to, from)).toBe(distance < 0 ? to : from);
});
