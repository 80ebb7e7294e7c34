// `sessions`: each captured connection has one of its own to the target, with real sockets on loopback.

import type { Socket } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { usedMb } from '../../../test/kit/memory.ts';
import { OK } from '../../../test/kit/odd-server.ts';
import { createRandom, seedOfThisRun } from '../../../test/kit/random.ts';
import { createReplayer, type Replayer, type ReplayerOptions } from '../src/index.ts';
import { aRequest, expectBalance, type RequestFields } from './a-request.ts';
import { type ConnectionServer, openConnectionServer, targetsOf } from './connection-server.ts';

function replayerTo({ port }: ConnectionServer, options: Partial<ReplayerOptions> = {}): Replayer {
  return createReplayer({ targets: [`http://127.0.0.1:${port}`], sessions: true, mark: false, ...options });
}

/** Sends a request, and waits until it is over. */
async function carried(replayer: Replayer, fields: RequestFields): Promise<void> {
  replayer.send(aRequest(fields));
  await replayer.drain();
}

function ledgerOf(replayer: Replayer) {
  const ledger = replayer.ledger().targets[0]!;
  expectBalance(ledger);
  return ledger;
}

const countsOf = (replayer: Replayer) => ledgerOf(replayer).sessionSockets;
const grouping = ({ connections }: ConnectionServer): string[] =>
  connections.map((connection) => targetsOf(connection).join(' '));
const NONE = { evicted: 0, closedByTarget: 0, expired: 0, beside: 0 };

describe('each captured connection is one connection to the target', () => {
  test('with its requests in their order, closed in order when the captured one ended', async () => {
    await using server = await openConnectionServer();
    await using replayer = replayerTo(server);
    const sent: string[][] = Array.from({ length: 20 }, () => []);
    for (let nth = 0; nth < 5; nth++) {
      for (let connection = 0; connection < 20; connection++) {
        const target = `/${connection}/${nth}`;
        sent[connection]!.push(target);
        replayer.send(aRequest({ connection, target }));
      }
    }
    await replayer.drain();
    expect(grouping(server).sort()).toEqual(sent.map((targets) => targets.join(' ')).sort());
    expect(server.open).toBe(20);
    for (let connection = 0; connection < 20; connection += 2) replayer.endConnection(connection);
    await expect.poll(() => server.open).toBe(10);
    for (const { end, requests } of server.connections) {
      expect(end).toBe(Number(requests[0]!.split('/')[1]) % 2 === 0 ? 'fin' : 'open');
    }
    for (let connection = 1; connection < 20; connection += 2) replayer.endConnection(connection);
    await expect.poll(() => server.open).toBe(0);
    expect(server.connections.map(({ end }) => end)).toEqual(Array.from({ length: 20 }, () => 'fin'));
    expect(countsOf(replayer)).toEqual({ open: 0, opened: 20, ...NONE });
  });

  test('each target has its own, and without sessions they are shared and not in the ledger', async () => {
    await using one = await openConnectionServer();
    await using two = await openConnectionServer();
    await using replayer = replayerTo(one, { targets: [one, two].map(({ port }) => `http://127.0.0.1:${port}`) });
    await using shared = replayerTo(one, { sessions: false });
    for (const connection of [1, 2]) await carried(replayer, { connection, target: `/${connection}` });
    expect([grouping(one), grouping(two)]).toEqual([
      ['/1', '/2'],
      ['/1', '/2'],
    ]);
    for (const connection of [1, 2]) await carried(shared, { connection, target: '/shared' });
    shared.endConnection(1);
    expect(grouping(one)).toEqual(['/1', '/2', '/shared /shared']);
    expect(ledgerOf(shared)).not.toHaveProperty('sessionSockets');
  });

  test('it stays when its answers say how long they keep it, and behind HEAD', async () => {
    const short = OK.replace('\r\n\r\n', '\r\nKeep-Alive: timeout=0\r\n\r\n');
    await using server = await openConnectionServer((socket, request) => {
      socket.write(request.startsWith('HEAD') ? short.slice(0, -2) : short);
    });
    await using replayer = replayerTo(server);
    for (const method of ['GET', 'HEAD', 'GET']) await carried(replayer, { method, target: `/${method}` });
    await new Promise((resolve) => void setTimeout(resolve, 1800)); // longer than shared sockets stay idle
    await carried(replayer, { target: '/later' });
    expect(grouping(server)).toEqual(['/GET /HEAD /GET /later']);
    expect(countsOf(replayer)).toEqual({ open: 1, opened: 1, ...NONE });
  });
});

describe('bytes', () => {
  test.each<[string, RequestFields]>([
    ['close', { headers: ['A', 'b', 'Connection', 'close'] }],
    ['close among other options', { headers: ['cOnnection', 'TE, Close', 'TE', 'trailers'] }],
    ['keep-alive', { headers: ['Connection', 'Keep-Alive'] }],
    ['HTTP/1.0 without it', { version: '1.0', headers: ['A', 'b'] }],
    ['HTTP/1.0 with keep-alive', { version: '1.0', headers: ['Connection', 'keep-alive'] }],
  ])('Connection goes out as captured: %s', async (_sentence, fields) => {
    await using server = await openConnectionServer();
    await using replayer = replayerTo(server);
    const request = aRequest(fields);
    replayer.send(request);
    replayer.send({ ...request, connection: 2, bodyStart: undefined });
    await replayer.drain();
    const captured = Buffer.from(request.bytes).toString('latin1');
    expect(server.connections.map(({ requests }) => requests)).toEqual([[captured], [captured]]);
  });

  test('Host and mark as ever', async () => {
    await using server = await openConnectionServer();
    await using replayer = replayerTo(server, { mark: true });
    await carried(replayer, { headers: ['Host', 'p', 'Connection', 'close'] });
    const host = `Host: 127.0.0.1:${server.port}`;
    expect(server.connections[0]!.requests).toEqual([
      `GET / HTTP/1.1\r\n${host}\r\nConnection: close\r\nGor-Replayed: 1\r\n\r\n`,
    ]);
  });
});

describe('the end of a captured connection', () => {
  test('before its only request is answered: it closes behind the answer', async () => {
    let answer = (): void => {};
    await using server = await openConnectionServer((socket) => {
      answer = () => socket.write(OK);
    });
    await using replayer = replayerTo(server);
    replayer.send(aRequest());
    replayer.endConnection(1);
    await expect.poll(() => server.connections[0]?.requests.length).toBe(1);
    expect(server.connections[0]!.end).toBe('open');
    answer();
    await replayer.drain();
    await expect.poll(() => server.connections[0]!.end).toBe('fin');
    expect(ledgerOf(replayer)).toMatchObject({ answered: 1, sessionSockets: { open: 0, opened: 1, ...NONE } });
  });

  test('while requests wait behind one another: the last of them closes it', async () => {
    await using server = await openConnectionServer((socket) => void setTimeout(() => socket.write(OK), 20));
    await using replayer = replayerTo(server);
    for (const target of ['/1', '/2', '/3']) replayer.send(aRequest({ target }));
    replayer.endConnection(1);
    replayer.endConnection(1);
    await replayer.drain();
    await expect.poll(() => server.open).toBe(0);
    expect(grouping(server)).toEqual(['/1 /2 /3']);
    expect(server.connections[0]!.end).toBe('fin');
  });

  test('while requests wait for the limit: what is dropped of them holds nothing up', async () => {
    await using server = await openConnectionServer();
    await using replayer = replayerTo(server, { targets: [`http://127.0.0.1:${server.port}|1`], bufferMs: 100 });
    for (const target of ['/1', '/2', '/3']) replayer.send(aRequest({ target }));
    replayer.endConnection(1);
    await replayer.drain();
    expect(ledgerOf(replayer)).toMatchObject({ answered: 1, limited: { 'buffer-age': 2 } });
    await expect.poll(() => server.connections[0]!.end).toBe('fin');
  });

  test('a request that comes after it opens another one', async () => {
    await using server = await openConnectionServer();
    await using replayer = replayerTo(server);
    await carried(replayer, { target: '/1' });
    replayer.endConnection(1);
    await carried(replayer, { target: '/late' });
    expect(grouping(server)).toEqual(['/1', '/late']);
    expect(countsOf(replayer)).toEqual({ open: 1, opened: 2, ...NONE });
    replayer.endConnection(1);
    await expect.poll(() => server.open).toBe(0);
  });

  test('of a connection that was never heard of, or again, is nothing', async () => {
    await using server = await openConnectionServer();
    const replayer = replayerTo(server);
    replayer.endConnection('nobody');
    await carried(replayer, {});
    replayer.endConnection(1);
    replayer.endConnection(1);
    await replayer.close();
    replayer.endConnection(1);
    expect(countsOf(replayer)).toEqual({ open: 0, opened: 1, ...NONE });
  });
});

describe('a request beside its predecessor has a socket of its own', () => {
  test.each<[string, Partial<ReplayerOptions>, number]>([
    ['after the order wait', { orderWaitMs: 30 }, 1],
    ['where order is not kept', { keepOrder: false }, 0],
  ])('%s, closed behind its answer; the connection keeps its first one', async (_sentence, options, overlapped) => {
    const waiting: Socket[] = [];
    await using server = await openConnectionServer((socket, request) => {
      if (request.includes('/slow')) waiting.push(socket);
      else socket.write(OK);
    });
    await using replayer = replayerTo(server, options);
    for (const target of ['/slow', '/beside']) replayer.send(aRequest({ target }));
    await expect.poll(() => server.connections[1]?.end).toBe('fin');
    waiting[0]!.write(OK);
    await replayer.drain();
    await carried(replayer, { target: '/next' });
    expect(grouping(server)).toEqual(['/slow /next', '/beside']);
    expect(countsOf(replayer)).toEqual({ open: 1, opened: 2, ...NONE, beside: 1 });
    expect(ledgerOf(replayer).overlapped).toBe(overlapped);
    replayer.endConnection(1);
    await expect.poll(() => server.open).toBe(0);
  });
});

describe('a target that closes first: the next request opens another, counted', () => {
  test.each<[string, (socket: Socket) => void, object]>([
    [
      'after its answer, having said so',
      (socket) => socket.end(OK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')),
      { answered: 3 },
    ],
    ['after its answer, without a word', (socket) => socket.end(OK), { answered: 3 }],
    [
      'some time after its answer',
      (socket) => socket.write(OK, () => void setTimeout(() => socket.end(), 10)),
      { answered: 3 },
    ],
    [
      'by a reset after its answer',
      (socket) => socket.write(OK, () => void setTimeout(() => socket.resetAndDestroy(), 10)),
      { answered: 3 },
    ],
    ['with bytes that nobody asked for', (socket) => socket.write(OK + OK), { answered: 3 }],
    ['before its answer', (socket) => socket.end(), { answered: 1, failed: { 'closed-early': 2 } }],
    ['with what is no answer', (socket) => socket.write('hello\r\n\r\n'), { answered: 1, failed: { 'bad-answer': 2 } }],
  ])('%s', async (_sentence, odd, expected) => {
    await using server = await openConnectionServer((socket, _request, connection) => {
      if (connection < 2) odd(socket);
      else socket.write(OK);
    });
    await using replayer = replayerTo(server);
    for (const target of ['/1', '/2', '/3']) {
      await carried(replayer, { target });
      await new Promise((resolve) => void setTimeout(resolve, 40));
    }
    expect(grouping(server)).toEqual(['/1', '/2', '/3']);
    expect(ledgerOf(replayer)).toMatchObject(expected);
    expect(countsOf(replayer)).toEqual({ open: 1, opened: 3, ...NONE, closedByTarget: 2 });
    replayer.endConnection(1);
    await expect.poll(() => server.open).toBe(0);
  });

  test('where the captured one ended too it is not counted', async () => {
    await using server = await openConnectionServer((socket) => socket.end(OK));
    await using replayer = replayerTo(server);
    for (let n = 0; n < 3; n++) {
      await carried(replayer, { headers: ['Connection', 'close'] });
      replayer.endConnection(1);
    }
    expect(countsOf(replayer)).toMatchObject({ opened: 3, ...NONE });
  });

  test('a deadline or a refusal is no closing of the target', async () => {
    await using server = await openConnectionServer((socket, request) => {
      if (!request.includes('/slow')) socket.write(OK);
    });
    await using replayer = replayerTo(server, { timeoutMs: 100 });
    for (const target of ['/1', '/slow', '/2']) await carried(replayer, { target });
    expect(grouping(server)).toEqual(['/1 /slow', '/2']);
    expect(ledgerOf(replayer)).toMatchObject({ answered: 2, failed: { timeout: 1 } });
    expect(countsOf(replayer)).toEqual({ open: 1, opened: 2, ...NONE });
  });
});

describe('bounds', () => {
  test('the least recently used idle one makes room', async () => {
    await using server = await openConnectionServer();
    await using replayer = replayerTo(server, { maxSessionSockets: 3 });
    for (const connection of [1, 2, 3, 1, 4, 1, 2]) {
      await carried(replayer, { connection, target: `/${connection}` });
      expect(countsOf(replayer)!.open).toBeLessThanOrEqual(3);
    }
    expect(grouping(server)).toEqual(['/1 /1 /1', '/2', '/3', '/4', '/2']);
    await expect.poll(() => server.open).toBe(3);
    expect(countsOf(replayer)).toEqual({ open: 3, opened: 5, ...NONE, evicted: 2 });
  });

  test('busy ones are never closed for it: in flight there may be more', async () => {
    const held: Socket[] = [];
    await using server = await openConnectionServer((socket) => void held.push(socket));
    await using replayer = replayerTo(server, { maxSessionSockets: 2, connections: 4 });
    for (let connection = 0; connection < 6; connection++) replayer.send(aRequest({ connection }));
    await expect.poll(() => held.length).toBe(4);
    expect(countsOf(replayer)).toMatchObject({ open: 4, evicted: 0 });
    for (const socket of held.splice(0)) socket.write(OK);
    await expect.poll(() => held.length).toBe(2);
    for (const socket of held.splice(0)) socket.write(OK);
    await replayer.drain();
    expect(ledgerOf(replayer)).toMatchObject({ answered: 6, sessionSockets: { opened: 6 } });
    expect(countsOf(replayer)!.evicted).toBeGreaterThan(0);
  });

  test('10,000 connections opened and ended leave nothing', async () => {
    await using server = await openConnectionServer();
    await using replayer = replayerTo(server);
    const round = async (from: number, count: number): Promise<void> => {
      for (let connection = from; connection < from + count; connection++) {
        replayer.send(aRequest({ connection }));
        replayer.endConnection(connection);
        if (connection % 200 === 199) await replayer.drain();
      }
      await replayer.drain();
      await expect.poll(() => server.open).toBe(0);
      (server.connections as unknown[]).length = 0;
    };
    await round(0, 2000);
    const beforeMb = usedMb();
    await round(2000, 8000);
    expect(usedMb() - beforeMb).toBeLessThan(4);
    expect(ledgerOf(replayer)).toMatchObject({
      answered: 10_000,
      sessionSockets: { open: 0, opened: 10_000, ...NONE },
    });
    expect(process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap')).toEqual([]);
  });

  test('there is a timer only while there is a connection', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      await using server = await openConnectionServer();
      await using replayer = replayerTo(server);
      await carried(replayer, {});
      vi.advanceTimersByTime(10_000);
      expect([vi.getTimerCount(), countsOf(replayer)!.open]).toEqual([1, 1]);
      replayer.endConnection(1);
      while (server.open > 0) await new Promise((resolve) => void setTimeout(resolve, 5));
      vi.advanceTimersByTime(250);
      expect(vi.getTimerCount()).toBe(0);
      await carried(replayer, {});
      vi.advanceTimersByTime(11 * 60_000);
      expect(countsOf(replayer)).toMatchObject({ open: 0, expired: 1 });
    } finally {
      vi.useRealTimers();
    }
  });

  test('closing the replayer closes what is idle and what is busy', async () => {
    await using server = await openConnectionServer((socket, request) => {
      if (request.includes('/idle')) socket.write(OK);
    });
    const replayer = replayerTo(server);
    for (const connection of [1, 2]) await carried(replayer, { connection, target: '/idle' });
    replayer.send(aRequest({ connection: 2, target: '/busy' }));
    replayer.send(aRequest({ connection: 3, target: '/busy' }));
    replayer.endConnection(3);
    await Promise.all([replayer.close(), replayer.close()]);
    expect(ledgerOf(replayer)).toMatchObject({ answered: 2, failed: { closed: 2 }, sessionSockets: { open: 0 } });
    await expect.poll(() => server.open).toBe(0);
  });
});

test.each([
  [{ sessions: true, forwarder: 'undici' } as const, TypeError, 'sessions is true and forwarder is "undici"'],
  [{ sessions: true, maxSessionSockets: 0 }, RangeError, 'maxSessionSockets is 0; it must be a number of 1 or more'],
])('%j is refused', (options, kind, message) => {
  const create = (): Replayer => createReplayer({ targets: ['http://a'], ...options });
  expect(create).toThrow(kind);
  expect(create).toThrow(message);
});

/** Sends, ends and answers in any order: the captured grouping is what the server sees. */
async function expectGrouping(seed: number): Promise<void> {
  const random = createRandom(seed);
  await using server = await openConnectionServer((socket) => {
    if (random.chance(0.5)) socket.write(OK);
    else setTimeout(() => socket.write(OK), random.below(10));
  });
  const sent = new Map<string, string[]>();
  const pending = new Map<number, { waiting: number; isEnded: boolean; epoch: number }>();
  const over = (entry: { waiting: number; isEnded: boolean; epoch: number }): void => {
    if (!entry.isEnded || entry.waiting > 0) return;
    entry.isEnded = false;
    entry.epoch += 1;
  };
  await using replayer = replayerTo(server, {
    orderWaitMs: 60_000,
    onOutcome: ({ connection }) => {
      const entry = pending.get(Number(connection))!;
      entry.waiting -= 1;
      over(entry);
    },
  });
  for (let step = 0; step < 300; step++) {
    const connection = random.below(12);
    const entry = pending.get(connection) ?? { waiting: 0, isEnded: false, epoch: 0 };
    pending.set(connection, entry);
    if (random.chance(0.8)) {
      const key = `${connection}/${entry.epoch}`;
      const target = `/${connection}/${step}`;
      sent.set(key, [...(sent.get(key) ?? []), target]);
      entry.waiting += 1;
      replayer.send(aRequest({ connection, target }));
    } else {
      replayer.endConnection(connection);
      entry.isEnded = true;
      over(entry);
    }
    if (random.chance(0.1)) await new Promise((resolve) => void setTimeout(resolve, random.below(8)));
  }
  await replayer.drain();
  for (const connection of pending.keys()) replayer.endConnection(connection);
  await expect.poll(() => server.open).toBe(0);
  expect(grouping(server).sort()).toEqual([...sent.values()].map((targets) => targets.join(' ')).sort());
  expect(new Set(server.connections.map(({ end }) => end))).toEqual(new Set(['fin']));
  expect(countsOf(replayer)).toEqual({ open: 0, opened: sent.size, ...NONE });
}

/** The same where the target closes, is late or silent: nothing is mixed or left. */
async function expectNothingLeft(seed: number): Promise<void> {
  const random = createRandom(seed);
  const maxSessionSockets = random.pick([2, 5, 1000]);
  await using server = await openConnectionServer((socket) => {
    const odd = random.next();
    if (odd < 0.05) socket.end();
    else if (odd < 0.1) socket.end(OK);
    else if (odd < 0.3) setTimeout(() => !socket.destroyed && socket.write(OK), random.below(20));
    else if (odd >= 0.32) socket.write(OK);
  });
  const options = { timeoutMs: 150, orderWaitMs: 40, connections: random.pick([2, 8, 64]), maxSessionSockets };
  await using replayer = replayerTo(server, options);
  for (let step = 0; step < 300; step++) {
    const connection = random.below(12);
    if (random.chance(0.75)) replayer.send(aRequest({ connection, target: `/${connection}/${step}` }));
    else replayer.endConnection(connection);
    if (random.chance(0.1)) await new Promise((resolve) => void setTimeout(resolve, random.below(8)));
    // A deadline may meet an answer whose socket is not free before the loop's next turn: it is open beside the next one.
    expect(countsOf(replayer)!.open).toBeLessThanOrEqual(Math.max(maxSessionSockets, 2 * options.connections));
  }
  await replayer.drain();
  const { overlapped, failed } = ledgerOf(replayer);
  // The same meeting: the request is over, and the next one goes beside its socket without overlapping it.
  expect(countsOf(replayer)!.beside).toBeLessThanOrEqual(overlapped + (failed.timeout ?? 0));
  for (const connection of server.connections) {
    const steps = targetsOf(connection).map((target) => target.split('/').slice(1).map(Number));
    expect(new Set(steps.map(([of]) => of)).size, 'captured connections on it').toBeLessThanOrEqual(1);
    const order = steps.map(([, step]) => step!);
    expect(order).toEqual([...order].sort((one, other) => one - other));
  }
  expect(server.connections.length).toBeLessThanOrEqual(countsOf(replayer)!.opened);
  for (let connection = 0; connection < 12; connection++) replayer.endConnection(connection);
  await expect.poll(() => server.open).toBe(0);
  await expect.poll(() => countsOf(replayer)!.open).toBe(0);
}

describe('any order of requests, ends, answers and closings', () => {
  const seed = seedOfThisRun();
  const seeds = [0, 1, 2, 3].map((run) => seed + run);

  test(`what was one connection is one, what was another is another (seed ${seed})`, async () => {
    await Promise.all(seeds.map(expectGrouping));
  });

  test(`and where targets close, are late or silent, nothing is mixed or left (seed ${seed})`, async () => {
    await Promise.all(seeds.map(expectNothingLeft));
  });
});
