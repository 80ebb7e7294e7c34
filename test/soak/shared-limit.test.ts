// A shared limit whose Redis hangs and is killed by turns for a minute and a half; test/live/ has one outage.
import { expect, test } from 'vitest';
import { RawServer } from '../kit/raw-server.ts';
import { RedisServer } from '../live/redis.ts';
import { load, mostInOneSecond, passed, SERVERS, startServers, stopAll, urlOf } from '../live/shared-servers.ts';

const LIMIT = 300;

test('however Redis goes and comes back, the sum keeps the limit within a lease for each server', async () => {
  await using redis = await RedisServer.start();
  await using staging = await RawServer.start();
  const url = `redis://127.0.0.1:${redis.port}`;
  const servers = await startServers('-f', `${urlOf(staging)}|${LIMIT}`, '--shared-limit', url);
  const outages = Number(process.env['GOR_SOAK_OUTAGES'] ?? 6);
  const loaded = load(servers, 200, 4000 + outages * 14_000);
  for (let outage = 0; outage < outages; outage++) {
    await passed(3000);
    redis.signal('SIGSTOP');
    await passed(4000);
    redis.signal('SIGCONT');
    await passed(3000);
    await redis.kill();
    await passed(3000);
    await redis.restart();
  }
  await loaded;
  const ledgers = await stopAll(servers);
  const arrivals = staging.requests.map(({ atMs }) => atMs);
  expect(mostInOneSecond(arrivals)).toBeLessThanOrEqual(LIMIT + SERVERS * (LIMIT / 10));
  for (const { targets } of ledgers) {
    expect(targets).toMatchObject([{ sharedLimit: { state: 'shared', members: SERVERS } }]);
    expect(targets[0]!.sharedLimit!.fallbacks).toBe(2 * outages);
  }
});
