// The long twin of test/fuzz/whole-way.test.ts: damaged captures by the ten thousand through everything that reads them.
import { expect, test } from 'vitest';
import { fuzzCaptures, fuzzConversations, fuzzFiles, lineOf, type Outcome } from '../fuzz/whole-way.ts';

test.each<[what: string, run: (count: number) => Promise<Outcome>, count: number]>([
  ['capture files', fuzzFiles, 20_000],
  ['frames of captures', fuzzCaptures, 100_000],
  ['conversations', fuzzConversations, 30_000],
])('%s', async (what, run, count) => {
  const outcome = await run(count);
  console.log(lineOf(what, outcome));
  expect(Math.min(outcome.requests, outcome.responses, outcome.rejects)).toBeGreaterThan(count / 5);
  expect(outcome.grownMb).toBeLessThan(20);
});
