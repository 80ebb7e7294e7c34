// A million forged, mutated, repeated and cut datagrams against a receiver with a key, and as many reports against a
// sender: nothing delivered, nothing answered, memory flat, each counted under its reason. GOR_TEST_SEED repeats a run.
import { test } from 'vitest';
import { forgeDatagrams, forgeReports } from '../../packages/wire/test/forging.ts';
import { said } from '../fuzz/said.ts';
import { createRandom, seedOfThisRun } from '../kit/random.ts';

const FORGERIES = 1_000_000;

test('a million datagrams', () => {
  const random = createRandom(seedOfThisRun());
  said('datagrams', FORGERIES, random, JSON.stringify(forgeDatagrams(random, FORGERIES)));
});

test('a million reports', () => {
  const random = createRandom(seedOfThisRun());
  said('reports', FORGERIES, random, JSON.stringify(forgeReports(random, FORGERIES)));
});
