// The order within captured connections as a property: whatever comes, is answered, times out, is limited or dropped, the
// requests of a connection start in the order in which they were captured, and none is held longer than the order wait.

import { expect, test } from 'vitest';
import { createRandom, type Random, seedOfThisRun } from '../../../test/kit/random.ts';
import { VirtualClock } from '../../../test/kit/virtual-clock.ts';
import { createReplayer, type FailedReason, type Outcome } from '../src/index.ts';
import { aRequest, expectBalance } from './a-request.ts';
import { ScriptedForwarder } from './scripted-forwarder.ts';

const EPOCH_US = 1_790_000_000_000_000;

test.each([false, true])('the order of starting is never broken (behind a delay: %s)', async (isDelayed) => {
  const seen = { overlapped: 0, limited: 0, failed: 0, late: 0 };
  for (let turn = 0; turn < 60; turn++) {
    const random = createRandom(seedOfThisRun() + turn);
    const ledger = await randomRun(random, isDelayed);
    seen.overlapped += ledger.overlapped;
    seen.limited += ledger.limited['buffer-age'] ?? 0;
    seen.failed += ledger.failed.timeout ?? 0;
    seen.late += ledger.late;
  }
  // The runs went where the property is about something.
  for (const [name, count] of Object.entries(seen)) expect(count > 0, name).toBe(isDelayed || name !== 'late');
});

async function randomRun(random: Random, isDelayed: boolean) {
  const message = `seed ${random.seed}`;
  const clock = new VirtualClock();
  const forwarder = new ScriptedForwarder(clock);
  forwarder.connectMs = random.pick([0, 0, 3]);
  const outcomes: Outcome[] = [];
  const orderWaitMs = random.pick([0, 20, 100]);
  const replayer = createReplayer({
    targets: [random.pick(['http://a', 'http://a|30', 'http://a|300'])],
    connections: random.pick([1, 4, 512]),
    bufferMs: random.pick([10, 200]),
    timeoutMs: random.pick([60, 400]),
    maxWaitingRequests: random.pick([20, 1000]),
    delayMs: isDelayed ? random.pick([0, 30, 200]) : undefined,
    orderWaitMs,
    // Timers of a real machine go off late, and what comes in between must not overtake what is due.
    clock: {
      nowMs: clock.nowMs,
      schedule: (delayMs, callback) => clock.schedule(delayMs + random.pick([0, 0, 1, 7]), callback),
    },
    forwarder: () => forwarder,
    leaseSource: () => ({ lease: (tokens) => Promise.resolve(tokens), close: () => Promise.resolve() }),
    onOutcome: (outcome) => outcomes.push(outcome),
  });
  for (let at = 0; at < 150; at++) {
    await clock.advance(random.chance(0.02) ? 300 : random.below(5));
    for (let burst = random.chance(0.1) ? 10 : 1; burst > 0; burst--) {
      const connection = random.below(4);
      const timestampUs = EPOCH_US + Math.round((clock.nowMs() - random.below(80)) * 1000);
      const time = random.chance(0.9) ? { timestampUs, source: String(connection % 2) } : {};
      replayer.send(aRequest({ connection, target: `/${at}.${burst}`, ...time }));
    }
    endSome(forwarder, random);
  }
  forwarder.answerAfterMs = 5;
  await clock.advance(5000);
  const [ledger] = replayer.ledger().targets;
  expectBalance(ledger!);
  expect(ledger, message).toMatchObject({ waiting: 0, inFlight: 0 });
  expectOrder(forwarder, outcomes, message);
  expectOverlapsOnly(outcomes, orderWaitMs, message);
  await replayer.close();
  return ledger!;
}

/** Ends some of what is in flight, in any order. */
function endSome(forwarder: ScriptedForwarder, random: Random): void {
  const ends: (FailedReason | undefined)[] = [undefined, undefined, undefined, 'reset', 'closed-early', 'bad-answer'];
  for (const { request, isOver } of [...forwarder.given]) {
    if (!isOver && random.chance(0.15)) forwarder.end(request.target, random.pick(ends));
  }
}

/** Targets are numbers that grow within a connection. */
function expectOrder(forwarder: ScriptedForwarder, outcomes: readonly Outcome[], message: string): void {
  const started = new Map<string | number, [number, number]>();
  for (const { request } of forwarder.given) {
    const [at = 0, burst = 0] = request.target.slice(1).split('.').map(Number);
    const number: [number, number] = [at, -burst];
    const before = started.get(request.connection);
    if (before !== undefined) {
      expect(number[0] > before[0] || (number[0] === before[0] && number[1] > before[1]), message).toBe(true);
    }
    started.set(request.connection, number);
  }
  expect(new Set(outcomes.map(({ requestTarget }) => requestTarget)).size, message).toBe(outcomes.length);
}

/** What starts while one before it on its connection is in flight has waited its order wait, and is counted. */
function expectOverlapsOnly(outcomes: readonly Outcome[], orderWaitMs: number, message: string): void {
  const sent = outcomes.filter(({ sentMs }) => sentMs !== undefined);
  for (const one of sent.filter(({ isOverlapped }) => isOverlapped)) {
    expect(one.sentMs! - one.dueMs, message).toBeGreaterThanOrEqual(orderWaitMs - 1e-6);
  }
  for (const one of sent.filter(({ isOverlapped }) => !isOverlapped)) {
    const beside = sent.some(
      (other) => other.connection === one.connection && other.sentMs! < one.sentMs! && other.endedMs > one.sentMs!,
    );
    expect(beside, message).toBe(false);
  }
}
