// Damaged captures through everything that reads them: nothing throws or hangs, limits hold, all is counted. The long run
// is test/soak/fuzz-whole-way.test.ts.
import { expect, test } from 'vitest';
import { fuzzCaptures, fuzzConversations, fuzzFiles, lineOf, type Outcome } from './whole-way.ts';

test.each<[what: string, run: (count: number) => Promise<Outcome>, count: number]>([
  ['capture files', fuzzFiles, 300],
  ['frames of captures', fuzzCaptures, 1_500],
  ['conversations', fuzzConversations, 700],
])('%s', async (what, run, count) => {
  const outcome = await run(count);
  console.log(lineOf(what, outcome));
  expect(Math.min(outcome.requests, outcome.responses, outcome.rejects)).toBeGreaterThan(count / 10);
  expect(outcome.grownMb).toBeLessThan(20);
});
