import { expect, test } from 'vitest';
import { createRandom, seedOfThisRun } from '../../../test/kit/random.ts';
import { Latency } from '../src/latency.ts';

test('nothing measured, nothing told', () => {
  expect(new Latency().quantileMs(0.5)).toBeNull();
});

test('a quantile is never too low, and at most 1/16 and 1 us too high', () => {
  const seed = seedOfThisRun();
  const random = createRandom(seed);
  const latency = new Latency();
  const durations = Array.from({ length: 5000 }, () => 10 ** (random.next() * 8 - 3));
  for (const duration of durations) latency.add(duration);
  durations.sort((a, b) => a - b);
  for (const part of [0.001, 0.25, 0.5, 0.9, 0.99, 1]) {
    const exact = durations[Math.ceil(durations.length * part) - 1]!;
    expect(latency.quantileMs(part), `seed ${seed}`).toBeGreaterThanOrEqual(exact);
    expect(latency.quantileMs(part), `seed ${seed}`).toBeLessThanOrEqual(exact * (17 / 16) + 0.001);
  }
});

test.each([[0], [-1], [Number.MAX_SAFE_INTEGER]])('%d ms is counted somewhere', (duration) => {
  const latency = new Latency();
  latency.add(duration);
  expect(latency.quantileMs(0.5)).toBeGreaterThan(0);
});
