import { expect, test } from 'vitest';
import { Pacer } from '../src/pacer.ts';
import { datagramsOf, numbered } from './exchange.ts';

const small = datagramsOf([numbered(0, 1132)])[0]!;
const [fragment] = datagramsOf([numbered(0, 5000)]);
const huge = datagramsOf([numbered(0, 65_000)], { maxDatagramBytes: 65_507 })[0]!;

/** How many of these leave in a time, asked each half millisecond. */
function leaving(datagram: Uint8Array, forMs: number, repairs: boolean): number {
  const pacer = new Pacer(0, repairs);
  let left = 0;
  for (let nowMs = 0; nowMs <= forMs; nowMs += 0.5) while (pacer.take(datagram, nowMs)) left++;
  return left;
}

test.each([
  ['datagrams of 1,200 bytes: 40 at once, then 40 a millisecond', small, false, 40, 4040],
  ['fragments where nothing is sent again: 16', fragment!, false, 16, 1616],
  ['fragments where what is lost is sent again: 40', fragment!, true, 40, 4040],
  ['datagrams of 64 KB: one at once, and one as often as the bucket is full', huge, false, 1, 67],
])('%s', (_, datagram, repairs, atOnce, in100Ms) => {
  expect(leaving(datagram, 0, repairs)).toBe(atOnce);
  expect(Math.abs(leaving(datagram, 100, repairs) - in100Ms)).toBeLessThanOrEqual(2);
});

test('it says how long to wait, and then lets go', () => {
  const pacer = new Pacer(0, false);
  while (pacer.take(small, 0));
  const waitMs = pacer.waitMs(small, 0);
  expect(waitMs).toBeCloseTo(1 / 40);
  expect(pacer.take(small, waitMs / 2)).toBe(false);
  expect(pacer.take(small, waitMs + 0.001)).toBe(true);
});

test('a clock that stands still or jumps gives no more than a burst', () => {
  const pacer = new Pacer(1000, false);
  while (pacer.take(small, 1000));
  let left = 0;
  while (pacer.take(small, 900)) left++;
  while (pacer.take(small, 1e9)) left++;
  expect(left).toBe(40);
});
