import { expect, test } from 'vitest';
import { Pacer } from '../src/pacer.ts';
import { datagramsOf, numbered } from './exchange.ts';

const small = datagramsOf([numbered(0, 1132)])[0]!;
const [fragment] = datagramsOf([numbered(0, 5000)]);
const huge = datagramsOf([numbered(0, 65_000)], { maxDatagramBytes: 65_507 })[0]!;

/** How many of these leave in a time, asked each half millisecond. */
function leaving(datagram: Uint8Array, forMs: number): number {
  const pacer = new Pacer(0);
  let left = 0;
  for (let nowMs = 0; nowMs <= forMs; nowMs += 0.5) while (pacer.take(datagram, nowMs)) left++;
  return left;
}

test.each([
  { name: 'datagrams of 1,200 bytes: 40 at once, then 40 a millisecond', datagram: small, atOnce: 40, in100Ms: 4040 },
  { name: 'fragments: 16', datagram: fragment!, atOnce: 16, in100Ms: 1616 },
  {
    name: 'datagrams of 64 KB: one at once, and one as often as the bucket is full',
    datagram: huge,
    atOnce: 1,
    in100Ms: 67,
  },
])('$name', ({ datagram, atOnce, in100Ms }) => {
  expect(leaving(datagram, 0)).toBe(atOnce);
  expect(Math.abs(leaving(datagram, 100) - in100Ms)).toBeLessThanOrEqual(2);
});

test('it says how long to wait, and then lets go', () => {
  const pacer = new Pacer(0);
  while (pacer.take(small, 0));
  const waitMs = pacer.waitMs(small, 0);
  expect(waitMs).toBeCloseTo(1 / 40);
  expect(pacer.take(small, waitMs / 2)).toBe(false);
  expect(pacer.take(small, waitMs + 0.001)).toBe(true);
});

test('a clock that stands still or jumps gives no more than a burst', () => {
  const pacer = new Pacer(1000);
  while (pacer.take(small, 1000));
  let left = 0;
  while (pacer.take(small, 900)) left++;
  while (pacer.take(small, 1e9)) left++;
  expect(left).toBe(40);
});
