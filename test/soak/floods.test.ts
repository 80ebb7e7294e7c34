// A million packets of each kind that costs a reader the most: memory stays within the limits, and what was let go has a
// counter.
import { expect, test } from 'vitest';
import { flooded, lineOf, unbalanced } from '../floods/flooded-reader.ts';
import { floods } from '../floods/floods.ts';

test.each(floods.map((flood) => [flood.name, flood] as const))('%s', (_, flood) => {
  const count = flood.counts?.[0] ?? 1_000_000;
  const outcome = flooded(flood, count);
  const line = lineOf(flood, count, outcome);
  console.log(line);
  expect(flood.holds(outcome.counts, count), line).toBe(true);
  expect(unbalanced(outcome.counts), line).toBeUndefined();
  expect(outcome.peakMb).toBeLessThan(flood.limitMb);
  expect(outcome.leftMb).toBeLessThan(5);
});
