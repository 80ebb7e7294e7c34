// What waits to leave: in order, copied, bounded ahead of the totals; large records until a receiver is known.
import { describe, expect, test } from 'vitest';
import { createRandom, seedOfThisRun } from '../../../test/kit/random.ts';
import { sequenceOf } from '../src/datagram.ts';
import { SendingQueue } from '../src/sending-queue.ts';
import { collector, numbered, record, SESSION, SOURCE, senderTotals } from './exchange.ts';
import { SendingRun } from './sending-run.ts';

const AHEAD_BYTES = 256 * 1024;
const TOTALS = senderTotals({ captured: 0, dropped: {} });

test('records of all sizes, offered and taken at random, leave once, in order, as they were; bytes balance', () => {
  const random = createRandom(seedOfThisRun());
  const queue = new SendingQueue({ session: SESSION });
  queue.releaseLarge();
  const { decoder, records } = collector();
  let sent = 0;
  const take = (count: number): void => {
    for (let at = 0; at < count && queue.peek(0) !== undefined; at++) decoder.push(queue.shift()!, SOURCE, 0);
  };
  for (let round = 0; round < 300; round++) {
    for (let count = random.below(40); count > 0; count--) {
      const { payload, ...rest } = numbered(
        sent++,
        random.chance(0.1) ? random.below(60_000) + 4 : 4 + random.below(900),
      );
      queue.add({ ...rest, payload }, 0);
      payload.fill(0);
    }
    take(random.below(120));
  }
  queue.flush();
  take(Number.POSITIVE_INFINITY);
  const note = `seed ${random.seed}`;
  expect([queue.bytes, queue.isEmpty], note).toEqual([0, true]);
  expect(records.length, note).toBe(sent);
  // Connections are 7: each keeps its order, and without a gap all of them do.
  for (const [at, { index, payload }] of records.entries()) {
    expect([index, ...payload.subarray(0, 4)], note).toEqual([
      at,
      at >>> 24,
      (at >>> 16) & 255,
      (at >>> 8) & 255,
      at & 255,
    ]);
  }
});

test('however much waits, totals have less than 256 KiB, and one record, before them', () => {
  const queue = new SendingQueue({ session: SESSION });
  for (let request = 0; request < 20_000; request++) queue.add(numbered(request, 1000), 0);
  expect(queue.bytes).toBeGreaterThan(20_000_000);
  const sequence = queue.addTotals(TOTALS, 0, 0);
  let before = 0;
  for (let left = queue.peek(0); left && sequenceOf(left) < sequence; left = queue.peek(0))
    before += queue.shift()!.length;
  expect(before).toBeGreaterThan(AHEAD_BYTES - 2 * 1200);
  expect(before).toBeLessThan(AHEAD_BYTES + 2 * 1200);
});

test('what is thrown away is numbered, so that the receiver knows that it is lost', () => {
  const queue = new SendingQueue({ session: SESSION });
  for (let request = 0; request < 1000; request++) queue.add(numbered(request, 1000), 0);
  expect(queue.counters().sent).toBeLessThan(1000);
  expect(queue.abandon(0)).toBe(1000);
  expect([queue.counters().sent, queue.bytes, queue.isEmpty]).toEqual([1000, 0, true]);
});

describe('a large record', () => {
  const large = (): SendingRun => {
    const run = new SendingRun();
    run.until(10);
    run.session.add(record({ payload: new Uint8Array(AHEAD_BYTES) }), run.nowMs);
    run.session.add(record({ index: 1 }), run.nowMs);
    return run;
  };
  const requests = (run: SendingRun): number => run.session.counters().sent;

  test('waits until the receiver is known to have heard of the session, and what is behind it waits, too', () => {
    const run = large().until(1500);
    expect([requests(run), run.session.isIdle]).toEqual([0, false]);
    // At the start, twice because a receiver that missed these holds something up, and each second.
    expect(run.left.map(({ atMs, totals }) => [atMs, totals !== undefined])).toEqual([
      [0, true],
      [110, true],
      [310, true],
      [1310, true],
    ]);
    run.report({ isConfirmed: false, highest: 1 }).until(1520);
    expect(requests(run)).toBe(0);
    run.report({ highest: 5 }).until(1600);
    expect([requests(run), run.session.isIdle]).toEqual([2, true]);
  });

  test('waits no longer than until nobody answers', () => {
    const run = large().until(1899);
    expect(requests(run)).toBe(0);
    run.until(2200);
    expect([requests(run), run.session.isIdle]).toEqual([2, true]);
  });

  test('leaves at the end in any case', () => {
    const run = large();
    run.session.finish(run.nowMs);
    run.until(3000);
    expect([requests(run), run.session.isFinished(3000)]).toEqual([2, true]);
  });
});
