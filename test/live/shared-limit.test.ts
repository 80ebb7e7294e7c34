// Three replay servers, as processes, on one real Redis: the limit is of all of them together, while Redis is there, while
// it is away, and when it comes back.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { describe, expect, test } from 'vitest';
import { runToEnd } from '../kit/process.ts';
import { RawServer } from '../kit/raw-server.ts';
import { RedisServer } from './redis.ts';
import { load, mostInOneSecond, passed, rateBetween, SERVERS, startServers, stopAll, urlOf } from './shared-servers.ts';

describe.concurrent('three replay servers share', () => {
  test('limits of 30 and 1,000 a second evenly, and their sum keeps each within a lease for each server', async () => {
    await using redis = await RedisServer.start();
    await using slow = await RawServer.start();
    await using fast = await RawServer.start();
    const targets = `${urlOf(slow)}|30,${urlOf(fast)}|1000`;
    const servers = await startServers('-f', targets, '--shared-limit', `redis://127.0.0.1:${redis.port}`);
    await load(servers, 600, 3500);
    const ledgers = await stopAll(servers);
    for (const [staging, limit] of [
      [slow, 30],
      [fast, 1000],
    ] as const) {
      const arrivals = staging.requests.map(({ atMs }) => atMs);
      expect(mostInOneSecond(arrivals)).toBeLessThanOrEqual(limit + SERVERS * Math.ceil(limit / 10));
      const perSecond = rateBetween(arrivals, 1000, 3000);
      // It is the limit to 1% on a machine with room; slots that a busy one misses are lost.
      expect(perSecond).toBeGreaterThan(0.75 * limit);
      expect(perSecond).toBeLessThan(1.03 * limit);
      const shares = ledgers.map(({ targets }) => targets.find(({ url }) => url === urlOf(staging))!);
      for (const { answered, sharedLimit } of shares) {
        expect(answered).toBeGreaterThan((0.8 * arrivals.length) / SERVERS);
        expect(answered).toBeLessThan((1.2 * arrivals.length) / SERVERS);
        expect(sharedLimit).toEqual({ state: 'shared', members: SERVERS, fallbacks: 0 });
      }
    }
  });

  test('a Redis that is killed, and comes back empty: never more than the limit, said, and shared again', async () => {
    await using redis = await RedisServer.start();
    await using staging = await RawServer.start();
    const url = `redis://127.0.0.1:${redis.port}/1`;
    const servers = await startServers('-f', `${urlOf(staging)}|300`, '--shared-limit', url);
    const loaded = load(servers, 300, 5700);
    await passed(1000);
    await redis.kill();
    await Promise.all(servers.map(({ program }) => program.ready(/until it is back this server sends 1\/3 of each/)));
    const awayMs = performance.now();
    await passed(2300);
    await redis.restart();
    await Promise.all(servers.map(({ program }) => program.ready(/the limit is shared again/)));
    await loaded;
    const ledgers = await stopAll(servers);
    const arrivals = staging.requests.map(({ atMs }) => atMs);
    expect(mostInOneSecond(arrivals)).toBeLessThanOrEqual(300 + SERVERS * 30);
    const alone = arrivals.filter((atMs) => atMs > awayMs + 1700 && atMs <= awayMs + 2300).length;
    expect(alone / 0.6).toBeGreaterThan(0.8 * 300);
    for (const { targets } of ledgers) {
      expect(targets).toMatchObject([{ sharedLimit: { state: 'shared', members: SERVERS, fallbacks: 1 } }]);
    }
  });
});

describe.concurrent('what cannot be shared is said in one line, without the password', () => {
  test('a wrong password, nobody there, silence, and something else than Redis', async () => {
    await using redis = await RedisServer.start('--requirepass', 'right');
    await using http = await RawServer.start();
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const silentPort = (silent.address() as { port: number }).port;
    const cases = [
      [`redis://:secret@127.0.0.1:${redis.port}`, /does not take this user and password/],
      [`redis://127.0.0.1:${redis.port}`, /wants a password/],
      ['redis://:secret@127.0.0.1:1', /ECONNREFUSED/],
      [`redis://:secret@127.0.0.1:${silentPort}`, /does not answer/],
      [`redis://:secret@127.0.0.1:${http.port}`, /redis:\/\/127/],
    ] as const;
    const ended = await Promise.all(
      cases.map(([url]) => runToEnd('gor-replay', ['-p', '0', '-f', 'http://a|1', '--quiet', '--shared-limit', url])),
    );
    silent.close();
    for (const [at, { code, stderr }] of ended.entries()) {
      expect(code, stderr).toBe(1);
      expect(stderr).toMatch(cases[at]![1]);
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(stderr).not.toContain('secret');
    }
  });
});
