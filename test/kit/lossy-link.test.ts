import { expect, test } from 'vitest';
import { LossyLink } from './lossy-link.ts';
import { createRandom } from './random.ts';

function run(seed: number): { arrived: number[]; counts: LossyLink['counts'] } {
  const arrived: number[] = [];
  const link = new LossyLink({
    random: createRandom(seed),
    loss: 0.2,
    duplicate: 0.1,
    reorder: 0.5,
    onDeliver: (datagram) => arrived.push(datagram[0]!),
  });
  for (let nowMs = 0; nowMs < 200; nowMs++) {
    link.send(Uint8Array.of(nowMs), nowMs);
    link.advance(nowMs);
  }
  link.advance(1000);
  return { arrived, counts: link.counts };
}

test('the same seed gives the same run, another seed another', () => {
  expect(run(1)).toEqual(run(1));
  expect(run(1).arrived).not.toEqual(run(2).arrived);
});

test('what is sent is lost or arrives, doubled ones twice, some of it out of order', () => {
  const { arrived, counts } = run(7);
  expect(counts.delivered).toBe(counts.sent - counts.lost + counts.duplicated);
  expect(counts.lost).toBeGreaterThan(20);
  expect(counts.duplicated).toBeGreaterThan(5);
  expect(arrived).not.toEqual([...arrived].sort((a, b) => a - b));
});
