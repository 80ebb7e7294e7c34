// The main job on the real loopback interface, with the real programs: what staging gets is what production got.
import { expect, test } from 'vitest';
import { numberedGet, numberedPost, sendLoad } from '../kit/http-load.ts';
import { createRandom, seedOfThisRun } from '../kit/random.ts';
import { RawServer } from '../kit/raw-server.ts';
import { needs } from '../kit/rights.ts';
import { expectBalance, startListen, startReplay } from './programs.ts';
import { expectSame } from './same-requests.ts';

test('2,000 requests a second arrive once each, identical, under default flags', async (context) => {
  needs(context, 'capture');
  await using production = await RawServer.start();
  await using staging = await RawServer.start();
  const replay = await startReplay('-f', `http://127.0.0.1:${staging.port}`);
  const listen = await startListen('-p', String(production.port), '-r', `127.0.0.1:${replay.port}`);

  const count = 6000;
  await sendLoad({ port: production.port, count, ratePerSecond: 2000, request: (number) => numberedGet(number) });
  await staging.arrived(count);
  const listened = await listen.stop();
  const replayed = await replay.stop();

  expectBalance(listened, replayed);
  expect(listened.sent).toBe(count);
  expect(staging.count).toBe(count);
  expectSame(production.requests, staging.requests);
});

test('bodies from nothing to 7 MB arrive identical', async (context) => {
  needs(context, 'capture');
  const random = createRandom(seedOfThisRun());
  console.log(`seed ${random.seed}`);
  await using production = await RawServer.start();
  await using staging = await RawServer.start();
  const replay = await startReplay('-f', `http://127.0.0.1:${staging.port}`);
  const listen = await startListen('-p', String(production.port), '-r', `127.0.0.1:${replay.port}`);

  const lengths = [0, 1, 100, 1160, 1161, 9000, 65_535, 65_536, 1_000_000, 7_000_000, 2, 7 * 1024 * 1024];
  const source = random.bytes(1024);
  const bodies = lengths.map((length) => Buffer.alloc(length, source));
  await sendLoad({
    port: production.port,
    count: lengths.length,
    connections: 2,
    request: (number) => numberedPost(number, bodies[number]!),
  });
  await staging.arrived(lengths.length);
  const listened = await listen.stop();
  const replayed = await replay.stop();

  expectBalance(listened, replayed);
  expectSame(production.requests, staging.requests);
  expect(new Set(staging.requests.map(({ bodyBytes }) => bodyBytes))).toEqual(new Set(lengths));
});

test('a request that is too long is counted and left out, and the next one on its connection arrives', async (context) => {
  needs(context, 'capture');
  await using production = await RawServer.start();
  await using staging = await RawServer.start();
  const replay = await startReplay('-f', `http://127.0.0.1:${staging.port}`);
  const listen = await startListen(
    '-p',
    String(production.port),
    '-r',
    `127.0.0.1:${replay.port}`,
    '--max-body',
    '64kb',
  );

  const bodies = [Buffer.alloc(64 * 1024, 'a'), Buffer.alloc(64 * 1024 + 1, 'b'), Buffer.alloc(3, 'c')];
  await sendLoad({
    port: production.port,
    count: 3,
    connections: 1,
    request: (number) => numberedPost(number, bodies[number]!),
  });
  await staging.arrived(2);
  const listened = await listen.stop();
  const replayed = await replay.stop();

  expectBalance(listened, replayed);
  expect(listened.dropped['body-too-long']).toBe(1);
  expect(staging.requests.map(({ bodyBytes }) => bodyBytes)).toEqual([64 * 1024, 3]);
});

test('requests over IPv6 arrive', async (context) => {
  needs(context, 'capture', 'ipv6');
  await using production = await RawServer.start({ host: '::1' });
  await using staging = await RawServer.start({ host: '::1' });
  const replay = await startReplay('-f', `http://[::1]:${staging.port}`, '-ip', '::1');
  const listen = await startListen('-p', String(production.port), '-r', `[::1]:${replay.port}`, '-i', 'lo');

  await sendLoad({ host: '::1', port: production.port, count: 100, request: (number) => numberedGet(number) });
  await staging.arrived(100);
  expectBalance(await listen.stop(), await replay.stop());
  expectSame(production.requests, staging.requests);
});

test('a replay into a watched port does not go round for ever', async (context) => {
  needs(context, 'capture');
  await using production = await RawServer.start();
  const replay = await startReplay('-f', `http://127.0.0.1:${production.port}`);
  const listen = await startListen('-p', String(production.port), '-r', `127.0.0.1:${replay.port}`);

  await sendLoad({ port: production.port, count: 50, request: (number) => numberedGet(number) });
  await production.arrived(100);
  const listened = await listen.stop();
  const replayed = await replay.stop();

  expectBalance(listened, replayed);
  expect(listened.sent).toBe(50);
  expect(listened.dropped['replayed']).toBe(50);
  expect(production.count).toBe(100);
});
