// Bursts, and datagrams as long as they may be.
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { numberedGet, numberedPost, sendLoad } from '../kit/http-load.ts';
import { RawServer } from '../kit/raw-server.ts';
import { needs } from '../kit/rights.ts';
import { expectBalance, startListen, startReplay } from './programs.ts';
import { expectSame } from './same-requests.ts';
import { expectAllThere, expectLedgers, remoteOf, stopBoth, WireRun } from './wire-run.ts';

test('up to 400 requests at once, and a receiver whose kernel gives it no more than the stock buffer', async (context) => {
  await using run = await WireRun.create(context);
  const replay = await run.replayWithStockBuffer();
  const listen = await run.listen(remoteOf(run.hosts.address('replay')));
  let count = 0;
  for (const connections of [25, 50, 100, 200, 400]) {
    count += connections;
    await run.load({ count: connections, connections, ratePerSecond: Number.POSITIVE_INFINITY });
  }
  await settled(run);
  const { listened, replayed } = await stopBoth(listen, replay);

  const session = expectLedgers(listened, replayed);
  const drops = /^Udp: (?:\d+ ){4}(\d+)/m.exec(run.hosts.run('replay', 'cat', '/proc/net/snmp'))?.[1];
  console.log(`${drops} datagrams dropped by the kernel, ${JSON.stringify(session)}`);
  expect(listened).toMatchObject({ captured: count, sent: count });
  expect(replay.program.stderr).toMatch(/the kernel gave a receive buffer of \d+ KB instead of 8 MB/);
  expect(session.received).toBe(run.staging.count);
  // A machine that stops the receiver for long loses more than the budget of a session that has only begun can mend.
  if (listened.replayServers[0]?.resent.overBudget !== 0) return expect(session.lost).toBeLessThan(count / 10);
  expect(session.lost).toBe(0);
  expectAllThere(run);
});

/** Waits until all has arrived, or nothing more does for a second; the ledgers then tell why. */
async function settled({ production, staging }: WireRun): Promise<void> {
  for (let before = -1; staging.count < production.count && staging.count > before; ) {
    before = staging.count;
    await delay(1000);
  }
}

test('datagrams of 65,507 bytes over loopback', async (context) => {
  needs(context, 'capture');
  await using production = await RawServer.start();
  await using staging = await RawServer.start();
  const replay = await startReplay('-f', `http://127.0.0.1:${staging.port}`);
  const remote = `127.0.0.1:${replay.port}`;
  const listen = await startListen('-p', `${production.port}`, '-r', remote, '--mtu', '65507');
  const count = 400;
  await sendLoad({
    port: production.port,
    count,
    ratePerSecond: 400,
    request: (number) => {
      if (number % 10 !== 0) return numberedGet(number);
      return numberedPost(number, Buffer.alloc(number * 2500, `${number}`));
    },
  });
  await staging.arrived(count);
  const listened = await listen.stop();
  const replayed = await replay.stop();

  expectBalance(listened, replayed);
  expectSame(production.requests, staging.requests);
  // 20 MB in datagrams of 1,200 bytes would be 17,000 of them.
  expect(listened.replayServers[0]?.datagrams).toBeLessThan(1500);
});
