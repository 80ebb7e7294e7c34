// Replay servers and listeners that go, come back, or are somebody else: told apart, said, and counted.
import type { ListenLedger } from 'gor-listen';
import type { ReplayLedger } from 'gor-replay';
import { expect, test } from 'vitest';
import { killReceiver } from './killed-receiver.ts';
import { expectListenBalance, expectReplayBalance, sum } from './programs.ts';
import { expectAllThere, expectInOrder, expectLedgers, remoteOf, said, stopBoth, WireRun } from './wire-run.ts';

const COUNT = 1000;
const OTHER_ADDRESS = '10.99.30.3';
const OTHER_KEY = 'f'.repeat(64);

test('the replay server is killed for 4 s at 5,000 requests a second', (context) => killReceiver(context, 4));

test.concurrent('the listener is started again: another session, and everything is there', async (context) => {
  await using run = await WireRun.create(context);
  const keys = run.keyFile();
  const replay = await run.replay(undefined, ...keys);
  const remote = remoteOf(run.hosts.address('replay'));
  const first = await run.listen(remote, ...keys);
  await run.load({ count: COUNT });
  const before = await first.stop();
  const second = await run.listen(remote, ...keys);
  await run.load({ count: COUNT });
  await run.staging.arrived(2 * COUNT);
  const { listened, replayed } = await stopBoth(second, replay);

  for (const ledger of [before, listened]) {
    expect(expectLedgers(ledger, replayed)).toMatchObject({ sent: COUNT, received: COUNT, beforeStart: 0 });
  }
  expect(replayed.sessions).toHaveLength(2);
  expectAllThere(run);
});

test.concurrent('two listeners behind one address: two sessions', async (context) => {
  await using run = await WireRun.create(context);
  const { relay, remote } = await run.relay({ seed: 1, toServer: { loss: 0.01 } });
  const replay = await run.replay();
  const listeners = [await run.listen(remote), await run.listen(remote)];
  await run.load({ count: COUNT });
  await run.staging.arrived(2 * COUNT);
  const listened = await Promise.all(listeners.map((listen) => listen.stop()));
  const replayed = await replay.stop();

  expect(relay.clients).toBe(2);
  for (const ledger of listened) {
    expect(expectLedgers(ledger, replayed)).toMatchObject({ sent: COUNT, received: COUNT, lost: 0 });
  }
});

test.concurrent('nobody answers, which is said within 2 s; and when somebody does', async (context) => {
  await using run = await WireRun.create(context);
  const remote = remoteOf(run.hosts.address('replay'));
  const listen = await run.listen(remote);
  const at = await said(listen, new RegExp(`no replay server answers at ${remote}`), 2000);
  await run.load({ count: 100 });
  const replay = await run.replay();
  await said(listen, new RegExp(`replay server ${remote}: receiving`), 2000, at);
  await run.load({ count: COUNT });
  await run.staging.arrived(COUNT);
  const { listened, replayed } = await stopBoth(listen, replay);

  const session = expectLedgers(listened, replayed);
  expect(listened.captured).toBe(COUNT + 100);
  expect(session).toMatchObject({ received: run.staging.count, lost: 0 });
  expectInOrder(run.staging.requests);
});

test.concurrent('another key: one line with the address, no record, no answer', async (context) => {
  await using run = await WireRun.create(context);
  const replay = await run.replay(undefined, ...run.keyFile(OTHER_KEY));
  const listen = await run.listen(remoteOf(run.hosts.address('replay')), ...run.keyFile());
  await run.load({ count: COUNT });
  await said(listen, /no replay server answers at \S+, or it has another key/, 3000);
  const { listened, replayed } = await stopBoth(listen, replay);

  expectListenBalance(listened);
  expect(listened).toMatchObject({ captured: COUNT, sent: COUNT });
  expect(listened.replayServers).toMatchObject([{ receiver: { id: null } }]);
  expect([replayed.sessions, run.staging.count]).toEqual([[], 0]);
  const lines = replay.program.stderr.split('\n').filter((line) => /refused/.test(line));
  expect(lines.filter((line) => line.includes(`${run.hosts.address('production')}:`))).toHaveLength(1);
});

test.concurrent('datagrams from elsewhere than --from says are counted, and that is all', async (context) => {
  await using run = await WireRun.create(context);
  const { hosts } = run;
  const replay = await run.replay(undefined, '--from', `192.0.2.0/24,${hosts.address('production')}`);
  const other = await hosts.bindUdp('replay', hosts.address('replay'), 0);
  context.onTestFinished(() => void other.close());
  for (let sent = 0; sent < 5; sent++) other.send(Buffer.alloc(100), 28_020, hosts.address('replay'));
  const listen = await run.listen(remoteOf(hosts.address('replay')));
  await run.load({ count: COUNT });
  await run.staging.arrived(COUNT);
  const { listened, replayed } = await stopBoth(listen, replay);

  expect(expectLedgers(listened, replayed)).toMatchObject({ received: COUNT });
  expect(replayed.wire.rejectedDatagrams).toMatchObject({ 'other-source': 5 });
});

test.concurrent('a name that leads to another address is followed', async (context) => {
  await using run = await WireRun.create(context);
  const { hosts } = run;
  hosts.addAddress('replay', OTHER_ADDRESS);
  hosts.writeHosts('production', `${hosts.address('replay')} staging.example\n`);
  const first = await run.replay();
  const listen = await run.listen('staging.example:28020');
  await run.load({ count: COUNT });
  await run.staging.arrived(COUNT);
  const at = await said(listen, /receiving/);
  await first.stop();
  hosts.writeHosts('production', `${OTHER_ADDRESS} staging.example\n`);
  const second = await run.replay(OTHER_ADDRESS);
  await said(listen, /receiving again/, 8000, at);
  await run.load({ count: COUNT });
  await run.staging.arrived(2 * COUNT);
  const { listened, replayed } = await stopBoth(listen, second);

  expect(expectLedgers(listened, replayed)).toMatchObject({ received: COUNT, lost: 0 });
  expectAllThere(run);
});

test.concurrent('two replay servers share the connections; one is killed, and they go to the other, and return', async (context) => {
  await using run = await WireRun.create(context);
  const { hosts } = run;
  hosts.addAddress('replay', OTHER_ADDRESS);
  const keys = run.keyFile();
  const [one, two] = [hosts.address('replay'), OTHER_ADDRESS].map((address) => remoteOf(address));
  const staying = await run.replay(hosts.address('replay'), ...keys);
  const killed = await run.replay(OTHER_ADDRESS, ...keys);
  const listen = await run.listen(`${one},${two}`, ...keys);
  const load = { count: COUNT, connections: 40 };
  await run.load(load);
  await run.staging.arrived(COUNT);
  killed.program.kill();
  const at = await said(listen, new RegExp(`${two}: its connections go to the others`), 6000);
  const arrived = run.staging.count;
  await run.load(load);
  await run.staging.arrived(arrived + COUNT);
  const back = await run.replay(OTHER_ADDRESS, ...keys);
  await said(listen, new RegExp(`${two}: its connections go to it again`), 6000, at);
  await run.load(load);
  await run.staging.arrived(arrived + 2 * COUNT);
  const listened = await listen.stop();
  const replayed = [await staying.stop(), await back.stop()];

  expectSpread(listened, replayed);
  expectInOrder(run.staging.requests);
  expectAllThere(run);
});

/** Each session at its server, both have had connections, and those of the killed one went elsewhere for a while. */
function expectSpread(listened: ListenLedger, replayed: readonly ReplayLedger[]): void {
  expectListenBalance(listened);
  expect(sum(listened.dropped)).toBe(0);
  expect(listened.movedRecords).toBeGreaterThan(0);
  for (const [at, server] of listened.replayServers.entries()) {
    const ledger = replayed[at]!;
    expectReplayBalance(ledger);
    const session = ledger.sessions.find(({ id }) => id === server.session)!;
    expect(session.sent).toBe(server.sent);
    expect(session).toMatchObject({ lost: 0, waiting: 0 });
    expect(session.received).toBeGreaterThan(COUNT / 8);
  }
}
