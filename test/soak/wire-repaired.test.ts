// A million requests, sealed, over a network that loses at random: what is missing is sent again, and arrives.
import { expect, test } from 'vitest';
import { expectAccounted, runRepairCase } from '../../packages/wire/test/repair-case.ts';
import { seedOfThisRun } from '../kit/random.ts';

/** Nine of ten are requests. */
const RECORDS = 1_120_000;

test.each<[loss: number, share: number]>([
  [0.01, 0],
  [0.05, 0.0001],
])('%d lost on the way: at most %d in the end', (loss, share) => {
  const seed = seedOfThisRun();
  const [ends, account] = runRepairCase({ link: { loss }, isSealed: true, isRepaired: true }, seed, RECORDS);
  expectAccounted(ends, account, `GOR_TEST_SEED=${seed}`);
  const lost = account.sent - account.delivered;
  console.log(
    `${account.sent} sent, ${ends.forward.counts.lost} datagrams lost, ${ends.again.datagrams} sent again, ${lost} requests lost (seed ${seed})`,
  );
  expect(account.sent).toBeGreaterThanOrEqual(1_000_000);
  expect(lost).toBeLessThanOrEqual(account.sent * share);
});
