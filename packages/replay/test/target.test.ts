// One target under a virtual clock: order, buffer, limit, deadline. Every case ends with balanced counts.

import { describe, expect, test } from 'vitest';
import { latin1 } from '../../../test/kit/every-split.ts';
import { VirtualClock } from '../../../test/kit/virtual-clock.ts';
import { createReplayer, type ReplayerOptions } from '../src/index.ts';
import { aRequest } from './a-request.ts';
import { ScriptedForwarder } from './scripted-forwarder.ts';
import { counts, type Stage, stage } from './stage.ts';

/** Sends `1a` as connection 1, target /1a. */
function send({ replayer }: Stage, ...names: string[]): void {
  for (const name of names) replayer.send(aRequest({ connection: Number(name[0]), target: `/${name}` }));
}

describe('order within a connection', () => {
  test('the next one starts when the one before is answered', () => {
    const made = stage();
    send(made, '1a', '1b', '1c');
    expect(made.forwarder.order).toEqual(['/1a']);
    made.forwarder.end('/1a');
    expect(made.forwarder.order).toEqual(['/1a', '/1b']);
    made.forwarder.end('/1b');
    expect(made.forwarder.order).toEqual(['/1a', '/1b', '/1c']);
    made.forwarder.end('/1c');
    expect(counts(made)).toMatchObject({ answered: 3, overlapped: 0, waiting: 0 });
  });

  test('connections run side by side', () => {
    const made = stage();
    send(made, '1a', '2a', '1b', '3a', '2b');
    expect(made.forwarder.order).toEqual(['/1a', '/2a', '/3a']);
  });

  test('the next one starts when the one before has failed', () => {
    const made = stage();
    send(made, '1a', '1b');
    made.forwarder.end('/1a', 'reset');
    expect(made.forwarder.order).toEqual(['/1a', '/1b']);
    expect(counts(made).failed).toEqual({ reset: 1 });
  });

  test('one is held no longer than the order wait after it was due, then it is counted as overlapped', async () => {
    const made = stage({ orderWaitMs: 1000 });
    send(made, '1a');
    await made.clock.advance(300);
    send(made, '1b', '1c');
    await made.clock.advance(999);
    expect(made.forwarder.order).toEqual(['/1a']);
    await made.clock.advance(1);
    expect(made.forwarder.order).toEqual(['/1a', '/1b', '/1c']);
    expect(counts(made).overlapped).toBe(2);
  });

  test('after an overlap the next one waits for all before it', async () => {
    const made = stage({ orderWaitMs: 10 });
    send(made, '1a', '1b');
    await made.clock.advance(10);
    send(made, '1c');
    made.forwarder.end('/1a');
    expect(made.forwarder.order).toEqual(['/1a', '/1b']);
    made.forwarder.end('/1b');
    expect(made.forwarder.order).toEqual(['/1a', '/1b', '/1c']);
  });

  test('without order all start at once', () => {
    const made = stage({ keepOrder: false });
    send(made, '1a', '1b', '1c');
    expect(made.forwarder.order).toEqual(['/1a', '/1b', '/1c']);
    expect(counts(made).overlapped).toBe(0);
  });

  test('a slow target behind few connections gets all, delayed by at most the order wait', async () => {
    const made = stage({ connections: 512 });
    made.forwarder.answerAfterMs = 300;
    for (let ms = 0; ms < 3000; ms++) {
      made.replayer.send(aRequest({ connection: ms % 8, target: `/${ms}` }));
      await made.clock.advance(1);
    }
    await made.clock.advance(2000);
    expect(counts(made)).toMatchObject({ answered: 3000, limited: {}, failed: {}, waiting: 0 });
    for (const { dueMs, sentMs } of made.outcomes) expect(sentMs! - dueMs).toBeLessThanOrEqual(1000);
    for (let connection = 0; connection < 8; connection++) {
      const numbers = made.forwarder.given
        .map(({ request }) => Number(request.target.slice(1)))
        .filter((n) => n % 8 === connection);
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    }
  });

  test('the order wait does not count towards the age of the buffer', async () => {
    const made = stage({ connections: 1, bufferMs: 500, orderWaitMs: 1000 });
    send(made, '1a', '1b');
    await made.clock.advance(1499);
    expect(counts(made).limited).toEqual({});
    await made.clock.advance(1);
    expect(counts(made).limited).toEqual({ 'buffer-age': 1 });
  });
});

describe('what waits', () => {
  test('no more than `connections` are in flight', () => {
    const made = stage({ connections: 3, keepOrder: false });
    send(made, '1a', '1b', '1c', '1d', '1e');
    expect(made.forwarder.inFlight).toBe(3);
    made.forwarder.end('/1b');
    expect(made.forwarder.order).toEqual(['/1a', '/1b', '/1c', '/1d']);
    expect(made.forwarder.mostInFlight).toBe(3);
  });

  test('what is older than the buffer goes, the oldest first', async () => {
    const made = stage({ connections: 1, bufferMs: 100 });
    send(made, '1a', '2a');
    await made.clock.advance(50);
    send(made, '3a');
    await made.clock.advance(50);
    expect(made.outcomes).toMatchObject([
      { requestTarget: '/2a', result: 'limited', failure: 'buffer-age', endedMs: 100 },
    ]);
    made.forwarder.end('/1a');
    expect(made.forwarder.order).toEqual(['/1a', '/3a']);
  });

  test('a full backlog makes room by its oldest request', () => {
    const made = stage({ connections: 1, maxWaitingRequests: 2 });
    send(made, '1a', '2a', '3a', '4a');
    expect(made.outcomes).toMatchObject([{ requestTarget: '/2a', failure: 'buffer-full' }]);
    expect(counts(made)).toMatchObject({ waiting: 3, inFlight: 1 });
  });

  test('the oldest of a full backlog may be one that order holds', () => {
    const made = stage({ maxWaitingRequests: 2 });
    send(made, '1a', '1b', '1c', '1d');
    expect(made.outcomes).toMatchObject([{ requestTarget: '/1b', failure: 'buffer-full' }]);
    made.forwarder.end('/1a');
    expect(made.forwarder.order).toEqual(['/1a', '/1c']);
  });

  test('bytes in flight count: what cannot fit evicts nothing', () => {
    const made = stage({ connections: 1, maxWaitingBytes: 100_000 });
    const body = 'x'.repeat(60_000);
    made.replayer.send(aRequest({ target: '/big', body }));
    send(made, '2a');
    made.replayer.send(aRequest({ target: '/another', body }));
    expect(made.outcomes).toMatchObject([{ requestTarget: '/another', failure: 'buffer-full' }]);
    expect(counts(made).waiting).toBe(2);
  });

  test('bytes of what has ended are given back: the oldest makes room, not the newest', () => {
    const made = stage({ connections: 1, maxWaitingBytes: 100_000 });
    const big = { body: 'x'.repeat(60_000) };
    made.replayer.send(aRequest({ connection: 1, target: '/ended', ...big }));
    made.forwarder.end('/ended');
    send(made, '2a');
    made.replayer.send(aRequest({ connection: 3, target: '/older', ...big }));
    made.replayer.send(aRequest({ connection: 4, target: '/newer', ...big }));
    expect(made.outcomes.slice(1)).toMatchObject([{ requestTarget: '/older', failure: 'buffer-full' }]);
  });

  test('a separate body counts beside the captured bytes', () => {
    const one = stage();
    const other = stage();
    const request = aRequest({ body: 'x'.repeat(5000) });
    one.replayer.send({ ...request, body: request.bytes.subarray(request.bytes.length - 5000) });
    other.replayer.send({ ...request, body: latin1('x'.repeat(5000)) });
    expect(counts(one).waitingBytes).toBeGreaterThan(request.bytes.length);
    expect(counts(other).waitingBytes).toBe(counts(one).waitingBytes + 5000);
  });

  test('short fields count for what they take when they are parsed', () => {
    const one = stage();
    const other = stage();
    const request = aRequest({});
    one.replayer.send(request);
    other.replayer.send({ ...request, headers: [...request.headers, ...Array.from({ length: 200 }, () => 'a')] });
    expect(counts(other).waitingBytes).toBeGreaterThanOrEqual(counts(one).waitingBytes + 200 * 32);
  });

  test('memory of 10,000 requests to a target that hangs is given back', async () => {
    const made = stage({ connections: 10, bufferMs: 100, timeoutMs: 500 });
    for (let n = 0; n < 10_000; n++) made.replayer.send(aRequest({ connection: n, target: `/${n}` }));
    await made.clock.advance(500);
    expect(counts(made)).toMatchObject({
      waiting: 0,
      waitingBytes: 0,
      limited: { 'buffer-age': 9990 },
      failed: { timeout: 10 },
    });
  });
});

describe('the deadline', () => {
  test('counts from due, not from the send', async () => {
    const made = stage({ connections: 1, timeoutMs: 1000, bufferMs: 2000 });
    send(made, '1a', '2a');
    await made.clock.advance(600);
    made.forwarder.end('/1a');
    await made.clock.advance(400);
    expect(made.outcomes[1]).toMatchObject({ requestTarget: '/2a', failure: 'timeout', sentMs: 600, endedMs: 1000 });
  });

  test('the time that a token took counts', async () => {
    let grant: ((tokens: number) => void) | undefined;
    const lease = () =>
      new Promise<number>((resolve) => {
        grant = resolve;
      });
    const leaseSource = () => ({ lease, close: () => Promise.resolve() });
    const made = stage({ timeoutMs: 1000, bufferMs: 2000, leaseSource }, 'http://a|10');
    send(made, '1a');
    await made.clock.advance(500);
    grant?.(10);
    await made.clock.advance(500);
    expect(made.outcomes).toMatchObject([{ failure: 'timeout', sentMs: 500, endedMs: 1000 }]);
  });

  test('what never came to a socket is a connect-timeout', async () => {
    const made = stage({ timeoutMs: 1000 });
    made.forwarder.connectMs = 5000;
    send(made, '1a');
    await made.clock.advance(1000);
    expect(made.outcomes).toMatchObject([{ failure: 'connect-timeout', sentMs: undefined }]);
  });

  test('what waited until its deadline is not sent at all', async () => {
    const made = stage({ connections: 1, timeoutMs: 1000, bufferMs: 5000 });
    send(made, '1a', '2a');
    await made.clock.advance(1000);
    expect(made.forwarder.order).toEqual(['/1a']);
    expect(counts(made).failed).toEqual({ timeout: 2 });
  });

  test('an answer in time is not touched by the timer', async () => {
    const made = stage({ timeoutMs: 1000 });
    made.forwarder.answerAfterMs = 999;
    send(made, '1a');
    await made.clock.advance(5000);
    expect(counts(made)).toMatchObject({ answered: 1, failed: {} });
    expect(counts(made).latencyMs.p50).toBeGreaterThan(999);
    expect(counts(made).latencyMs.p50).toBeLessThan(999 * 1.07);
  });
});

describe('the limit', () => {
  test('five at once below the limit all go at once', async () => {
    const made = stage({}, 'http://a|10');
    await made.clock.advance(0);
    for (let n = 0; n < 5; n++) send(made, `${n}a`);
    expect(made.forwarder.given).toHaveLength(5);
  });

  test('30 s of excess: 10 in any second, 10 on average, the rest of it dropped by age', async () => {
    const made = stage({ keepOrder: false }, 'http://a|10');
    made.forwarder.answerAfterMs = 5;
    await made.clock.advance(0);
    for (let ms = 0; ms < 30_000; ms += 10) {
      send(made, '1a');
      await made.clock.advance(10);
    }
    const sent = made.forwarder.given.map(({ atMs }) => atMs);
    for (let at = 10; at < sent.length; at++) expect(sent[at]! - sent[at - 10]!).toBeGreaterThan(1000);
    expect(Math.abs(sent.length - 300)).toBeLessThanOrEqual(2);
    expect(made.replayer.ledger().targets[0]!.limited['buffer-age']).toBeGreaterThan(2500);
  });

  test('what was dropped does not slow down what comes after', async () => {
    const made = stage({ keepOrder: false, bufferMs: 10 }, 'http://a|2');
    await made.clock.advance(0);
    send(made, '1a', '1b', '1c');
    await made.clock.advance(1100);
    send(made, '2a', '2b');
    expect(made.forwarder.order).toEqual(['/1a', '/1b', '/2a', '/2b']);
  });

  test('a slow connect counts when it is over', async () => {
    const made = stage({ keepOrder: false, bufferMs: 5000 }, 'http://a|1');
    made.forwarder.connectMs = 700;
    await made.clock.advance(0);
    send(made, '1a', '1b');
    await made.clock.advance(1699);
    expect(made.forwarder.order).toEqual(['/1a']);
    await made.clock.advance(2);
    expect(made.forwarder.order).toEqual(['/1a', '/1b']);
  });

  test('no token, no request: the next lease lets it go', async () => {
    let grant: ((tokens: number) => void) | undefined;
    const lease = () => new Promise<number>((resolve) => (grant = resolve));
    const made = stage({ leaseSource: () => ({ lease, close: () => Promise.resolve() }) }, 'http://a|10');
    send(made, '1a');
    await made.clock.advance(500);
    expect(made.forwarder.order).toEqual([]);
    grant?.(1);
    await made.clock.advance(0);
    expect(made.forwarder.order).toEqual(['/1a']);
  });

  test('10% keeps whole connections', () => {
    const made = stage({ keepOrder: false }, 'http://a|10%');
    for (let connection = 0; connection < 3000; connection++) {
      for (let index = 0; index < 3; index++) made.replayer.send(aRequest({ connection: `s/${connection}`, index }));
    }
    const kept = new Map<string | number, number>();
    for (const { request } of made.forwarder.given)
      kept.set(request.connection, (kept.get(request.connection) ?? 0) + 1);
    for (const { connection } of made.outcomes) expect(kept.has(connection)).toBe(false);
    expect(kept.size).toBeGreaterThan(170); // 512 connections at once would be more
    expect(counts(made).skipped['not-in-share']).toBeGreaterThan(3000 * 3 * 0.87);
    expect(counts(made).skipped['not-in-share']).toBeLessThan(3000 * 3 * 0.93);
  });
});

describe('ends', () => {
  test('drain resolves when nothing waits or is in flight', async () => {
    const made = stage();
    await made.replayer.drain();
    send(made, '1a', '1b');
    let isDrained = false;
    const drained = made.replayer.drain().then(() => (isDrained = true));
    made.forwarder.end('/1a');
    await made.clock.advance(0);
    expect(isDrained).toBe(false);
    made.forwarder.end('/1b');
    await drained;
  });

  test('close counts what waited as skipped, what was in flight as failed, what comes later as skipped', async () => {
    const made = stage({ connections: 1 });
    send(made, '1a', '1b', '2a');
    await made.replayer.close();
    await made.replayer.close();
    send(made, '3a');
    expect(counts(made)).toMatchObject({ failed: { closed: 1 }, skipped: { closed: 3 }, waiting: 0 });
    expect(made.forwarder.isClosed).toBe(true);
  });

  test('an aborted signal closes, and drain rejects with its reason', async () => {
    const controller = new AbortController();
    const made = stage({ signal: controller.signal });
    send(made, '1a');
    const drained = made.replayer.drain();
    controller.abort(new Error('enough'));
    await expect(drained).rejects.toThrow('enough');
    expect(counts(made).failed).toEqual({ closed: 1 });
  });

  test('what is refused is skipped and holds nobody up', () => {
    const made = stage();
    made.replayer.send(aRequest({ method: 'CONNECT', target: 'a:443' }));
    send(made, '1a', '1b');
    made.forwarder.end('/1a', 'cannot-send');
    expect(made.forwarder.order).toEqual(['/1a', '/1b']);
    expect(counts(made).skipped).toEqual({ connect: 1, 'cannot-send': 1 });
  });

  test('outcomes are read as they come; beyond the bound they are dropped and counted', async () => {
    const made = stage({ maxQueuedOutcomes: 2 });
    const outcomes = made.replayer.outcomes();
    const first = outcomes.next();
    for (const name of ['1a', '2a', '3a', '4a']) {
      send(made, name);
      made.forwarder.end(`/${name}`);
    }
    expect((await first).value).toMatchObject({ requestTarget: '/1a', result: 'answered', status: 200 });
    expect(made.replayer.ledger().outcomesDropped).toBe(1);
    await made.replayer.close();
    const rest: string[] = [];
    for await (const { requestTarget } of outcomes) rest.push(requestTarget);
    expect(rest).toEqual(['/2a', '/3a']);
  });
});

test('one target that hangs costs the other nothing', () => {
  const clock = new VirtualClock();
  const forwarders: ScriptedForwarder[] = [];
  const replayer = createReplayer({
    targets: ['http://hangs', 'http://works'],
    connections: 2,
    clock,
    forwarder: () => {
      const forwarder = new ScriptedForwarder(clock);
      forwarders.push(forwarder);
      return forwarder;
    },
  });
  for (let n = 0; n < 10; n++) {
    replayer.send(aRequest({ target: `/${n}` }));
    forwarders[1]!.end(`/${n}`);
  }
  expect(replayer.ledger().targets).toMatchObject([
    { answered: 0, waiting: 10 },
    { answered: 10, waiting: 0 },
  ]);
});

describe('misuse is refused by name', () => {
  test.each<[string, Partial<ReplayerOptions>, RegExp]>([
    ['no target', { targets: [] }, /targets/],
    ['an invalid limit', { targets: ['http://a|ten'] }, /"http:\/\/a\|ten"/],
    [
      'a limit out of range',
      { targets: [{ url: 'http://a', limit: { kind: 'share', percent: 200 } }] },
      /limit of http:\/\/a/,
    ],
    ['one target twice', { targets: ['http://a', 'http://a|10'] }, /twice/],
    ['a negative age', { bufferMs: -1 }, /bufferMs is -1/],
    ['no connections', { connections: 0 }, /connections is 0/],
    ['not a number', { timeoutMs: Number.NaN }, /timeoutMs is NaN/],
  ])('%s', (_sentence, options, message) => {
    expect(() => createReplayer({ targets: ['http://a'], ...options })).toThrow(message);
  });
});
