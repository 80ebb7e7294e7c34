// The short twins of test/soak/floods.test.ts: what costs the most is bounded, and what was let go has a counter.
import { expect, test } from 'vitest';
import { flooded, lineOf, unbalanced } from './flooded-reader.ts';
import { floods } from './floods.ts';

test.each(floods.map((flood) => [flood.name, flood] as const))('%s', (_, flood) => {
  const count = flood.counts?.[1] ?? 10_000;
  const outcome = flooded(flood, count);
  const line = lineOf(flood, count, outcome);
  expect(flood.holds(outcome.counts, count), line).toBe(true);
  expect(unbalanced(outcome.counts), line).toBeUndefined();
  expect(outcome.peakMb, line).toBeLessThan(flood.limitMb);
  expect(outcome.leftMb, line).toBeLessThan(15); // what is compiled and cached meanwhile counts, too
});
