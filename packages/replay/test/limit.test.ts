import { describe, expect, test } from 'vitest';
import { createRandom, seedOfThisRun } from '../../../test/kit/random.ts';
import { mostWithin } from '../../../test/kit/send-times.ts';
import { Limit } from '../src/limit.ts';

/** Sends arrivals through a limit as a target does, waking up late by up to `lateMs`; returns arrival and send times. */
function play(limit: Limit, arrivalsMs: readonly number[], lateMs: () => number): number[] {
  const sentMs: number[] = [];
  let nowMs = 0;
  for (let at = 0; at < arrivalsMs.length; at++) {
    nowMs = Math.max(nowMs, arrivalsMs[at]!);
    for (let nextMs = limit.nextAtMs(nowMs); nextMs > nowMs; nextMs = limit.nextAtMs(nowMs)) nowMs = nextMs + lateMs();
    limit.settle(limit.take(nowMs), nowMs);
    sentMs.push(nowMs);
    const isNextWaiting = at + 1 < arrivalsMs.length && arrivalsMs[at + 1]! <= nowMs;
    if (!isNextWaiting) limit.nothingWaits();
  }
  return sentMs;
}

const prompt = (): number => 0;

describe('the bound, over random arrivals and late wake-ups', () => {
  const seed = seedOfThisRun();
  for (const rate of [0.5, 1, 2.5, 10, 333, 5000]) {
    test(`${rate} a second (seed ${seed})`, () => {
      const random = createRandom(seed + rate);
      const arrivals: number[] = [];
      for (let atMs = 0; arrivals.length < Math.max(200, rate * 6); ) {
        // Bursts, lulls, and long silences.
        atMs += random.chance(0.02) ? random.next() * 3000 : random.chance(0.3) ? 0 : (random.next() * 2000) / rate;
        arrivals.push(atMs);
      }
      const sent = play(new Limit(rate), arrivals, () => (random.chance(0.05) ? random.next() * 30 : random.next()));
      expect(mostWithin(sent, 1000)).toBeLessThanOrEqual(Math.ceil(rate));
      expect(mostWithin(sent, (Math.ceil(rate) / rate) * 1000)).toBeLessThanOrEqual(Math.ceil(rate));
      for (let at = 0; at < sent.length; at++) expect(sent[at]).toBeGreaterThanOrEqual(arrivals[at]!);
    });
  }
});

test('while fewer came in any one second, nothing waits', () => {
  const seed = seedOfThisRun();
  const random = createRandom(seed);
  const arrivals: number[] = [];
  for (let secondMs = 0; secondMs < 100_000; secondMs += 1000) {
    // At most 5 in each clock second make at most 10 in any second.
    const inThisSecond = Array.from({ length: random.below(6) }, () => secondMs + random.next() * 999);
    arrivals.push(...inThisSecond.sort((a, b) => a - b));
  }
  expect(play(new Limit(10), arrivals, prompt), `seed ${seed}`).toEqual(arrivals);
});

test('five at once below the limit all go at once', () => {
  expect(play(new Limit(10), [7, 7, 7, 7, 7], prompt)).toEqual([7, 7, 7, 7, 7]);
});

test('under lasting excess the first burst goes at once, the rest evenly', () => {
  const sent = play(new Limit(10), new Array<number>(40).fill(0), prompt);
  expect(sent.slice(0, 10)).toEqual(new Array(10).fill(0));
  expect(sent.slice(10).map((ms) => Math.round(ms))).toEqual(
    Array.from({ length: 30 }, (_, k) => Math.round(1000.05 + k * 100.2)),
  );
});

for (const [rate, lateMs] of [
  [0.5, 1],
  [2.5, 1],
  [10, 1],
  [1000, 1],
  [50_000, 1],
] as const) {
  test(`the mean of 30 s of excess is ${rate} a second within 0.5%, with wake-ups up to ${lateMs} ms late`, () => {
    const random = createRandom(1);
    const burst = Math.ceil(rate);
    const count = burst + Math.ceil(rate * 30);
    const sent = play(new Limit(rate), new Array<number>(count).fill(0), () => random.next() * lateMs);
    const seconds = (sent.at(-1)! - sent[burst]!) / 1000;
    expect(Math.abs((count - 1 - burst) / seconds / rate - 1)).toBeLessThan(0.005);
  });
}

test('after excess, a lull brings the rhythm back', () => {
  const sent = play(new Limit(2), [0, 0, 0, 5000, 5001, 9000], prompt);
  expect(sent.map(Math.round)).toEqual([0, 0, 1000, 5000, 5001, 9000]);
});

test('a send that is not yet on a socket holds its place until it is', () => {
  const limit = new Limit(1);
  const ticket = limit.take(0);
  expect(limit.nextAtMs(5000)).toBe(Number.POSITIVE_INFINITY);
  limit.settle(ticket, 6000);
  expect(limit.nextAtMs(6000)).toBeGreaterThan(7000);
  expect(limit.nextAtMs(6000)).toBeLessThan(7001);
});
