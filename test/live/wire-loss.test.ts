// Production and replay as two hosts whose link loses, repeats, delays, reorders and damages: everything arrives once, the same
// to the byte, in order on each connection, and both ledgers are right to the record.
import { expect, test } from 'vitest';
import { seedOfThisRun } from '../kit/random.ts';
import { expectAllThere, expectLedgers, remoteOf, stopBoth, WireRun } from './wire-run.ts';

const COUNT = 1200;

test.concurrent.for<[sentence: string, family: 4 | 6, isSealed: boolean, loss: number, most: number]>([
  ['plain over IPv4, nothing lost on the way', 4, false, 0, 0],
  ['plain over IPv4, 1% lost in each direction', 4, false, 0.01, 0],
  ['sealed over IPv6, 1% lost in each direction', 6, true, 0.01, 0],
  ['sealed over IPv4, 5% lost in each direction', 4, true, 0.05, 1],
])('%s', async ([, family, isSealed, loss, most], context) => {
  await using run = await WireRun.create(context);
  const { hosts, staging } = run;
  for (const host of ['production', 'replay'] as const) hosts.lose(host, loss);
  const keys = isSealed ? run.keyFile() : [];
  const replay = await run.replay(hosts.address('replay', family), ...keys);
  const listen = await run.listen(remoteOf(hosts.address('replay', family)), ...keys);
  await run.load({ count: COUNT });
  await staging.arrived(COUNT - most);
  const { listened, replayed } = await stopBoth(listen, replay);

  const session = expectLedgers(listened, replayed);
  console.log(`${hosts.lost('replay')} datagrams lost, ${JSON.stringify(session)}`);
  expect(listened).toMatchObject({ captured: COUNT, sent: COUNT, dropped: {} });
  expect(session).toMatchObject({ isSealed, beforeStart: 0 });
  expect(session.lost).toBeLessThanOrEqual(most);
  expect(session.received).toBe(staging.count);
  if (session.lost === 0) expectAllThere(run);
  if (loss === 0) return;
  expect(session.repaired).toBeGreaterThan(0);
  expect(listened.replayServers[0]?.resent.datagrams).toBeGreaterThan(0);
});

test.concurrent.for<[sentence: string, family: 4 | 6, isSealed: boolean]>([
  ['plain over IPv4', 4, false],
  ['sealed over IPv6', 6, true],
])('delay, jitter, copies, other orders, losses and damage between them, %s', async ([, family, isSealed], context) => {
  await using run = await WireRun.create(context);
  const seed = seedOfThisRun();
  console.log(`seed ${seed}`);
  const faults = { delayMs: 20, jitterMs: 5, duplicate: 0.02, reorder: 0.05, reorderMs: 15, loss: 0.01 };
  // What damage does to plaintext only UDP's checksum would find, and the relay makes a new one.
  const toServer = isSealed ? { ...faults, corrupt: 0.01 } : faults;
  const { relay, remote } = await run.relay({ seed, toServer, toClient: faults }, family);
  const keys = isSealed ? run.keyFile() : [];
  const replay = await run.replay(run.hosts.address('replay', family), ...keys);
  const listen = await run.listen(remote, ...keys);
  await run.load({ count: COUNT });
  await run.staging.arrived(COUNT);
  const { listened, replayed } = await stopBoth(listen, replay);

  const session = expectLedgers(listened, replayed);
  console.log(`${JSON.stringify(relay.toServer.counts)}, ${JSON.stringify(session)}`);
  expect(session).toMatchObject({ sent: COUNT, received: COUNT, lost: 0, beforeStart: 0, isSealed });
  expect(session.duplicates).toBeGreaterThan(0);
  expect(session.repaired).toBeGreaterThan(0);
  expectAllThere(run);
});

test.concurrent('a change of the port behind which the listener is seen, in the middle', async (context) => {
  await using run = await WireRun.create(context);
  const { relay, remote } = await run.relay({ seed: 1, toServer: { loss: 0.01 } });
  const keys = run.keyFile();
  const replay = await run.replay(undefined, ...keys);
  const listen = await run.listen(remote, ...keys);
  const load = run.load({ count: COUNT });
  await run.staging.arrived(COUNT / 2);
  await relay.rebind();
  await load;
  await run.staging.arrived(COUNT);
  const { listened, replayed } = await stopBoth(listen, replay);

  expect(replayed.sessions).toHaveLength(1);
  expect(expectLedgers(listened, replayed)).toMatchObject({ received: COUNT, lost: 0 });
  expectAllThere(run);
});

test.concurrent('a link of 20 Mbit/s: what it does not take is lost and counted, nothing arrives twice', async (context) => {
  await using run = await WireRun.create(context);
  run.hosts.limitRate('production', '20mbit', '32kb', '20ms');
  const replay = await run.replay();
  const listen = await run.listen(remoteOf(run.hosts.address('replay')));
  await run.load({ count: 3000, ratePerSecond: 3000 });
  const { listened, replayed } = await stopBoth(listen, replay);

  const session = expectLedgers(listened, replayed);
  console.log(JSON.stringify(session));
  expect(session.received).toBe(run.staging.count);
  expect(session.received).toBeGreaterThan(1000);
  expect(new Set(run.staging.requests.map(({ target }) => target)).size).toBe(run.staging.count);
});

test.concurrent('2% lost by the kernel itself; with netem, where it has that, also 20 ms, copies, some in another order', async (context) => {
  await using run = await WireRun.create(context);
  const { hosts } = run;
  if (!hosts.netem('production', 'delay', '20ms', '5ms', 'loss', '2%', 'duplicate', '1%', 'reorder', '5%')) {
    console.log('this kernel has no netem: nftables loses, and what else netem does the relay does above');
    hosts.lose('replay', 0.02);
  }
  const keys = run.keyFile();
  const replay = await run.replay(undefined, ...keys);
  const listen = await run.listen(remoteOf(hosts.address('replay')), ...keys);
  await run.load({ count: COUNT });
  await run.staging.arrived(COUNT);
  const { listened, replayed } = await stopBoth(listen, replay);

  expect(expectLedgers(listened, replayed)).toMatchObject({ received: COUNT, lost: 0 });
  expectAllThere(run);
});
