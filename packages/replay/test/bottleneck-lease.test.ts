import { expect, test } from 'vitest';
import { BottleneckLease } from '../src/bottleneck-lease.ts';

test('the first lease comes at once, the next ones a lease apart', async () => {
  const lease = new BottleneckLease(100, 10);
  const startMs = performance.now();
  const arrivals = await Promise.all(
    [100, 10, 10].map(async (tokens) => [await lease.lease(tokens), performance.now() - startMs]),
  );
  expect(arrivals.map(([granted]) => granted)).toEqual([100, 10, 10]);
  expect(arrivals[1]![1]).toBeGreaterThan(90);
  expect(arrivals[2]![1]).toBeGreaterThan(185);
  await lease.close();
});

test('leases that wait at the close grant nothing, nor do later ones', async () => {
  const lease = new BottleneckLease(0.1, 1);
  const leases = [lease.lease(1), lease.lease(1), lease.lease(1)];
  expect(await leases[0]).toBe(1);
  await lease.close();
  await lease.close();
  expect(await Promise.all(leases)).toEqual([1, 0, 0]);
  expect(await lease.lease(1)).toBe(0);
});
