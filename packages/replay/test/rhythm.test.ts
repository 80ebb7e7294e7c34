// The whole replayer under a virtual clock, with a delay: what is due later waits, bounded and counted, and goes out at the
// millisecond that it is due.

import { expect, test } from 'vitest';
import { createRandom, seedOfThisRun } from '../../../test/kit/random.ts';
import { Alarm } from '../src/alarm.ts';
import type { ReplayerOptions } from '../src/index.ts';
import { aRequest } from './a-request.ts';
import { counts, stage as openStage, type Stage } from './stage.ts';

const EPOCH_US = 1_790_000_000_000_000;

/** Behind a delay of 200 ms; each is answered at once. */
function stage(options: Partial<ReplayerOptions> = {}): Stage {
  const made = openStage({ delayMs: 200, ...options });
  made.forwarder.answerAfterMs = 0;
  return made;
}

/** One captured at this millisecond, `1a` on connection 1. */
function send({ replayer }: Stage, name: string, capturedMs?: number): void {
  const timestampUs = capturedMs === undefined ? {} : { timestampUs: EPOCH_US + Math.round(capturedMs * 1000) };
  replayer.send(aRequest({ connection: name[0]!, target: `/${name}`, ...timestampUs }));
}

const sentAt = ({ forwarder }: Stage) => forwarder.given.map(({ request, atMs }) => `${request.target} ${atMs}`);

test('each goes at its recorded spacing behind the delay, whenever it came', async () => {
  const made = stage();
  send(made, '1a', 0);
  await made.clock.advance(50);
  send(made, '2a', 20);
  send(made, '3a', 50);
  await made.clock.advance(400);
  expect(sentAt(made)).toEqual(['/1a 200', '/2a 220', '/3a 250']);
  expect(counts(made)).toMatchObject({ answered: 3, late: 0 });
  expect(made.replayer.ledger().rhythm).toEqual({ sources: 1, clockJumps: 0, forgottenSources: 0 });
});

test('the first ones came late, all at once: they are spaced as recorded, too, as soon as a shorter way is seen', async () => {
  const made = stage();
  await made.clock.advance(100);
  for (const [name, capturedMs] of [
    ['1a', 0],
    ['2a', 30],
    ['3a', 31],
    ['1b', 95],
  ] as const)
    send(made, name, capturedMs);
  await made.clock.advance(400);
  expect(sentAt(made)).toEqual(['/1a 205', '/2a 235', '/3a 236', '/1b 300']);
  expect(counts(made)).toMatchObject({ answered: 4, late: 0 });
});

test('a shorter way of one host says nothing about another, and breaks no order', async () => {
  const made = stage();
  await made.clock.advance(100);
  const from = (source: string, connection: string, capturedMs: number) =>
    made.replayer.send(
      aRequest({ connection, target: `/${source}${connection}`, source, timestampUs: EPOCH_US + capturedMs * 1000 }),
    );
  from('a', '1', 0);
  from('b', '1', 0);
  from('b', '2', 50);
  await made.clock.advance(400);
  expect(sentAt(made)).toEqual(['/a1 300', '/b2 300', '/b1 300']); // b1 when a1 is answered
});

test('what comes after its due time goes at once, has its whole time for an answer, and is counted', async () => {
  const made = stage({ timeoutMs: 100 });
  send(made, '1a', 0);
  await made.clock.advance(1000);
  send(made, '2a', 100);
  await made.clock.advance(0);
  expect(sentAt(made)).toEqual(['/1a 200', '/2a 1000']);
  expect(counts(made)).toMatchObject({ answered: 2, late: 1 });
  expect(made.outcomes[1]).toMatchObject({ dueMs: 1000, sentMs: 1000 });
});

test('without a capture time a request goes on arrival, but never before those of its connection', async () => {
  const made = stage();
  send(made, '1a', 0);
  send(made, '1b');
  send(made, '2a');
  await made.clock.advance(300);
  expect(sentAt(made)).toEqual(['/2a 0', '/1a 200', '/1b 200']);
  expect(counts(made).late).toBe(0);
});

test('capture times that go back do not change the order of a connection', async () => {
  const made = stage();
  for (const [name, capturedMs] of [
    ['1a', 0],
    ['1b', 30],
    ['1c', 10],
    ['2a', 10],
    ['1d', 31],
  ] as const)
    send(made, name, capturedMs);
  await made.clock.advance(300);
  expect(made.forwarder.order.filter((target) => target[1] === '1')).toEqual(['/1a', '/1b', '/1c', '/1d']);
});

test('without a delay nothing waits for its time, and nothing is late', async () => {
  const made = stage({ delayMs: undefined });
  send(made, '1a', 0);
  send(made, '2a', 99_999);
  await made.clock.advance(0);
  expect(sentAt(made)).toEqual(['/1a 0', '/2a 0']);
  expect(counts(made).late).toBe(0);
  expect(made.replayer.ledger().rhythm).toBeUndefined();
});

test('latency, the deadline and the order wait count from due', async () => {
  const made = stage({ delayMs: 1000, timeoutMs: 400, orderWaitMs: 100 });
  made.forwarder.answerAfterMs = 350;
  send(made, '1a', 0);
  await made.clock.advance(50);
  send(made, '1b', 50);
  await made.clock.advance(2000);
  expect(sentAt(made)).toEqual(['/1a 1000', '/1b 1150']);
  expect(counts(made)).toMatchObject({ answered: 1, failed: { timeout: 1 }, overlapped: 1, late: 0 });
  expect(made.outcomes.map(({ dueMs, endedMs }) => endedMs - dueMs)).toEqual([350, 400]);
});

test('a full backlog makes room by what is due first', async () => {
  const made = stage({ maxWaitingRequests: 2 });
  for (const name of ['1a', '1b', '1c', '1d']) send(made, name, name.charCodeAt(1) - 97);
  expect(counts(made)).toMatchObject({ limited: { 'buffer-full': 2 }, waiting: 2 });
  await made.clock.advance(300);
  expect(made.forwarder.order).toEqual(['/1c', '/1d']);
});

test('bytes count while they wait for their time', async () => {
  const made = stage({ maxWaitingBytes: 50_000 });
  for (let at = 0; at < 3; at++) {
    made.replayer.send(aRequest({ connection: at, target: `/${at}`, body: 'x'.repeat(20_000), timestampUs: EPOCH_US }));
  }
  expect(counts(made).waitingBytes).toBeGreaterThan(40_000);
  expect(counts(made)).toMatchObject({ limited: { 'buffer-full': 1 }, waiting: 2 });
  await made.clock.advance(300);
  expect(made.forwarder.order).toEqual(['/1', '/2']);
});

test('drain waits for what is not due yet; close skips it', async () => {
  const made = stage();
  send(made, '1a', 0);
  let isDrained = false;
  const drained = made.replayer.drain().then(() => (isDrained = true));
  await made.clock.advance(199);
  expect(isDrained).toBe(false);
  await made.clock.advance(1);
  await drained;
  send(made, '1b', 5000);
  await made.replayer.close();
  expect(counts(made)).toMatchObject({ answered: 1, skipped: { closed: 1 } });
});

test('a limit holds behind the delay, too', async () => {
  const made = stage({ targets: ['http://a|10'], bufferMs: 500 });
  for (let at = 0; at < 40; at++) send(made, `${at % 7}x`, at);
  await made.clock.advance(3000);
  const sent = made.forwarder.given.map(({ atMs }) => atMs);
  for (let at = 10; at < sent.length; at++) expect(sent[at]! - sent[at - 10]!).toBeGreaterThan(1000);
  expect(counts(made).limited['buffer-age']).toBeGreaterThan(20);
});

test('1,000 a second, random batches and jitter, two hosts: no spacing error, but while the shortest way is not known', async () => {
  const random = createRandom(seedOfThisRun());
  const message = `seed ${random.seed}`;
  const made = stage();
  const arrivals: { capturedMs: number; arrivalMs: number; host: number }[] = [];
  for (let ms = 0; ms < 3000; ms++) {
    const host = random.below(2);
    const heldMs = host === 0 ? 10 - (ms % 10) : random.below(4) * random.below(30);
    arrivals.push({ capturedMs: ms, arrivalMs: ms + heldMs, host });
  }
  arrivals.sort((one, other) => one.arrivalMs - other.arrivalMs);
  for (const { capturedMs, arrivalMs, host } of arrivals) {
    await made.clock.advance(arrivalMs - made.clock.nowMs());
    const timestampUs = EPOCH_US + 1000 * (capturedMs + host * 77_777);
    const source = String(host);
    made.replayer.send(
      aRequest({ connection: `${host}/${arrivalMs}`, target: `/${capturedMs}/${host}`, timestampUs, source }),
    );
  }
  await made.clock.advance(400);
  for (const host of [0, 1]) {
    const behind = made.forwarder.given
      .filter(({ request }) => request.source === String(host))
      .map(({ request, atMs }) => atMs - Number(request.target.split('/')[1]));
    expect(Math.max(...behind.slice(50)) - Math.min(...behind.slice(50)), message).toBeLessThan(0.01);
  }
  expect(counts(made), message).toMatchObject({ answered: 3000, late: 0, limited: {} });
});

test('what is due in months is waited for, not looked at all the time', async () => {
  const made = stage();
  const delays: number[] = [];
  const { schedule } = made.clock;
  const clock = {
    nowMs: made.clock.nowMs,
    schedule: (delayMs: number, callback: () => void) => {
      delays.push(delayMs);
      return schedule(delayMs, callback);
    },
  };
  const alarm = new Alarm(clock, () => {});
  alarm.setAtLatest(made.clock.nowMs() + 3e9, made.clock.nowMs());
  expect(delays).toEqual([2 ** 31 - 1]);
  alarm.clear();
});
