// Mutated streams of requests and responses by the hundred thousand: nothing throws, nothing hangs, all counters balance.
// GOR_TEST_SEED repeats a run.
import { HttpConnection, MemoryBudget, RequestParser } from '@gor/http';
import { expect, test } from 'vitest';
import { PIECES, REQUESTS, RESPONSES } from '../fuzz/messages.ts';
import { said } from '../fuzz/said.ts';
import { mutated } from '../kit/mutation.ts';
import { createRandom, seedOfThisRun } from '../kit/random.ts';
import { Watchdog } from '../kit/watchdog.ts';
import { sum } from '../live/programs.ts';

const EACH = 250_000;

test('streams of requests into a parser', () => {
  const random = createRandom(seedOfThisRun());
  const budget = new MemoryBudget({ limitBytes: 10_000 });
  let whole = 0;
  using watchdog = new Watchdog(`streams, GOR_TEST_SEED=${random.seed}`);
  for (let count = 0; count < EACH; count++) {
    watchdog.begin(count);
    const parser = new RequestParser({
      budget,
      onRequest: () => whole++,
      onReject: () => {},
      midstream: random.chance(0.2),
    });
    const bytes = mutated(
      Buffer.concat([random.pick(REQUESTS), random.pick(REQUESTS), random.pick(REQUESTS)]),
      random,
      PIECES,
    );
    for (let at = 0; at < bytes.length; ) {
      const length = 1 + random.below(random.chance(0.2) ? 4 : 200);
      parser.push(bytes.subarray(at, at + length), count);
      at += length;
      if (random.chance(0.02)) parser.gap(random.below(100), count);
    }
    parser.end(count);
    const {
      begun,
      requests: read,
      rejected,
      pushedBytes,
      deliveredBytes,
      rejectedBytes,
      skippedBytes,
    } = parser.counters;
    const isBalanced = begun === read + sum(rejected) && pushedBytes === deliveredBytes + rejectedBytes + skippedBytes;
    if (!isBalanced) expect(parser.counters, `seed ${random.seed}, stream ${count}`).toBe('balanced');
  }
  said('streams', EACH, random, `${whole} requests`);
  expect(budget.heldBytes).toBe(0);
  expect(whole).toBeGreaterThan(EACH);
});

test('both streams of connections into their pairing', () => {
  const random = createRandom(seedOfThisRun());
  const [budget, responseBudget] = [new MemoryBudget({ limitBytes: 10_000 }), new MemoryBudget({ limitBytes: 10_000 })];
  const counts = { requests: 0, responses: 0 };
  using watchdog = new Watchdog(`connections, GOR_TEST_SEED=${random.seed}`);
  for (let count = 0; count < EACH; count++) {
    watchdog.begin(count);
    const connection = new HttpConnection({
      ...{ budget, responseBudget, onRequest: () => counts.requests++, onReject: () => {} },
      ...(random.chance(0.8) ? { onResponse: () => counts.responses++ } : {}),
    });
    const sides = [connection.client, connection.server] as const;
    const bytes = [REQUESTS, RESPONSES].map((messages) =>
      mutated(Buffer.concat([random.pick(messages), random.pick(messages), random.pick(messages)]), random, PIECES),
    );
    const at = [0, 0];
    for (let nowUs = count; at[0]! < bytes[0]!.length || at[1]! < bytes[1]!.length; nowUs += random.below(50_000)) {
      const side = random.below(2);
      const length = 1 + random.below(random.chance(0.2) ? 4 : 200);
      if (random.chance(0.02)) sides[side]!.gap(length, nowUs);
      else sides[side]!.data(bytes[side]!.subarray(at[side], at[side]! + length), nowUs);
      at[side]! += length;
    }
    for (const side of sides) side.end(random.pick(['fin', 'reset']), count);
    const { requestCounters: ofClient, responseCounters: ofServer } = connection;
    const isBalanced =
      ofClient.begun === ofClient.requests + sum(ofClient.rejected) &&
      ofServer.begun === ofServer.responses + sum(ofServer.rejected) &&
      [ofClient, ofServer].every(
        ({ pushedBytes, deliveredBytes, rejectedBytes, skippedBytes }) =>
          pushedBytes === deliveredBytes + rejectedBytes + skippedBytes,
      );
    if (!isBalanced) expect([ofClient, ofServer], `seed ${random.seed}, connection ${count}`).toBe('balanced');
  }
  said('connections', EACH, random, `${counts.requests} requests, ${counts.responses} responses`);
  expect([budget.heldBytes, responseBudget.heldBytes]).toEqual([0, 0]);
  expect(counts.responses).toBeGreaterThan(EACH / 2);
});
