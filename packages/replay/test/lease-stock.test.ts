import { expect, test } from 'vitest';
import { type LeaseSource, LeaseStock, leaseTokensAt } from '../src/lease-stock.ts';

interface Lease {
  readonly tokens: number;
  readonly grant: (tokens: number) => Promise<void>;
  readonly refuse: () => Promise<void>;
}

function callbacksRan(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function aSource(): { source: LeaseSource; leases: Lease[] } {
  const leases: Lease[] = [];
  const lease = (tokens: number): Promise<number> =>
    new Promise((resolve, reject) => {
      leases.push({
        tokens,
        grant: (granted) => {
          resolve(granted);
          return callbacksRan();
        },
        refuse: () => {
          reject(new Error('away'));
          return callbacksRan();
        },
      });
    });
  return { source: { lease, close: () => Promise.resolve() }, leases };
}

test('a second and two leases are asked for at the start, then a tenth at a time, two ahead, until as much is there again', async () => {
  const { source, leases } = aSource();
  const stock = new LeaseStock(source, 100, () => {});
  expect(leases.map(({ tokens }) => tokens)).toEqual([120]);
  expect(stock.take()).toBe(false);
  await leases[0]!.grant(120);
  let taken = 0;
  while (stock.take()) taken++;
  expect(taken).toBe(120);
  expect(leases.map(({ tokens }) => tokens)).toEqual([120, 10, 10]);
  // Nobody takes any more: what was used comes back all the same, so that the next burst need not wait.
  for (let at = 1; at < leases.length; at++) await leases[at]!.grant(10);
  expect(leases).toHaveLength(1 + 12);
  expect(stock.available).toBe(120);
  expect(stock.take()).toBe(true);
  expect(leases).toHaveLength(1 + 12);
});

test('who waits is told when tokens come, not when none do', async () => {
  const { source, leases } = aSource();
  let refills = 0;
  const stock = new LeaseStock(source, 1, () => refills++);
  await leases[0]!.grant(0);
  expect(refills).toBe(0);
  expect(stock.take()).toBe(false);
  await leases[1]!.grant(1);
  expect(refills).toBe(1);
  expect(stock.take()).toBe(true);
});

test('an authority that is away is asked again by the next request', async () => {
  const { source, leases } = aSource();
  const stock = new LeaseStock(source, 5, () => {});
  await leases[0]!.refuse();
  expect(stock.take()).toBe(false);
  expect(leases).toHaveLength(3);
  await leases[1]!.grant(1);
  expect(stock.take()).toBe(true);
});

test.each([
  [0.5, 1],
  [1, 1],
  [10, 1],
  [25, 3],
  [50_000, 5000],
])('at %d a second a lease has %d tokens', (rate, tokens) => {
  expect(leaseTokensAt(rate)).toBe(tokens);
});
