// gor-listen as a process on real interfaces: rights, names of interfaces, a replay server that is away, signals.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { numberedGet, sendLoad } from '../kit/http-load.ts';
import { programPath, runToEnd } from '../kit/process.ts';
import { RawServer } from '../kit/raw-server.ts';
import { isInstalled, needs } from '../kit/rights.ts';
import { expectBalance, expectListenBalance, startListen, startReplay, sum } from './programs.ts';

test('an interface that is not there: one line that names those there are', async (context) => {
  needs(context, 'capture');
  const { code, stderr } = await runToEnd('gor-listen', ['-i', 'nosuch0', '-r', '127.0.0.1']);
  expect(stderr).toContain('nosuch0');
  expect(stderr).toContain('lo');
  expect(code).toBe(1);
});

test('a filter that does not compile: one line, exit 2', async (context) => {
  needs(context, 'capture');
  const { code, stderr } = await runToEnd('gor-listen', ['-i', 'lo', '--filter', 'tcp prot 80', '-r', '127.0.0.1']);
  expect(stderr).toContain('tcp prot 80');
  expect(code).toBe(2);
});

test('without the right to capture: exit 77, and what to do', async (context) => {
  context.skip(process.getuid?.() !== 0, 'giving up rights needs root');
  context.skip(!isInstalled('setpriv'), 'setpriv is not installed');
  const dropped = ['--inh-caps=-all', '--bounding-set=-all', '--no-new-privs'];
  const child = spawn('setpriv', [...dropped, process.execPath, programPath('gor-listen'), '-r', '127.0.0.1']);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = await once(child, 'close');
  expect(stderr).toMatch(/sudo|root/);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(stderr).not.toContain('setcap');
  expect(code).toBe(77);
});

test('no replay server: said once, counted, and said again when there is one', async (context) => {
  needs(context, 'capture');
  await using production = await RawServer.start();
  await using staging = await RawServer.start();
  const away = await startReplay('-f', `http://127.0.0.1:${staging.port}`);
  await away.stop();
  const listen = await startListen('-p', String(production.port), '-r', `127.0.0.1:${away.port}`);
  await listen.program.ready(/no replay server answers at/);
  await sendLoad({ port: production.port, count: 200, ratePerSecond: 400, request: (number) => numberedGet(number) });
  const back = await startReplay('-f', `http://127.0.0.1:${staging.port}`, '-p', String(away.port));
  await listen.program.ready(/: receiving again$/m);
  await sendLoad({ port: production.port, count: 100, ratePerSecond: 400, request: (number) => numberedGet(number) });
  await staging.arrived(100);
  const { stderr } = listen.program;
  const listened = await listen.stop();
  const replayed = await back.stop();

  expectListenBalance(listened);
  expect(listened.captured).toBe(300);
  expect(listened.dropped['no-receiver']).toBeGreaterThanOrEqual(199);
  expect(stderr.match(/no replay server answers at/g)).toHaveLength(1);
  const [session] = replayed.sessions;
  expect(session!.received).toBe(100);
  expect(session!.sent).toBe(listened.sent);
});

describe('SIGTERM under load', () => {
  test('the listener drains and counts what it saw', async (context) => {
    needs(context, 'capture');
    await using production = await RawServer.start({ countOnly: true });
    await using staging = await RawServer.start({ countOnly: true });
    const replay = await startReplay('-f', `http://127.0.0.1:${staging.port}`);
    const listen = await startListen('-p', String(production.port), '-r', `127.0.0.1:${replay.port}`);
    const load = sendLoad({
      port: production.port,
      count: 4000,
      ratePerSecond: 2000,
      request: (number) => numberedGet(number),
    });
    await staging.arrived(1000);
    const listened = await listen.stop();
    await load;
    await staging.arrived(listened.sent);
    const replayed = await replay.stop();

    expectBalance(listened, replayed);
    expect(listened.sent).toBeGreaterThanOrEqual(1000);
    expect(listened.sent).toBeLessThan(4000);
    expect(replayed.sessions).toMatchObject([{ received: listened.sent, lost: 0 }]);
    expect(staging.count).toBe(listened.sent);
  });
});

test('--direction: a connection to a server of this host comes in, over loopback, too', async (context) => {
  needs(context, 'capture');
  await using production = await RawServer.start();
  const inwards = await startListen('-p', String(production.port), '--print');
  const outwards = await startListen('-p', String(production.port), '--print', '--direction', 'out');
  await sendLoad({ port: production.port, count: 10, request: (number) => numberedGet(number) });
  const taken = await inwards.stop();
  const left = await outwards.stop();
  expect(taken.captured).toBe(10);
  expect(left).toMatchObject({ captured: 0, connections: { otherDirection: 8 } });
});

test('--json prints a line a request while it runs, and closes with its reader', async (context) => {
  needs(context, 'capture');
  await using production = await RawServer.start();
  const listen = await startListen('-p', String(production.port), '--json');
  await sendLoad({ port: production.port, count: 20, connections: 1, request: (number) => numberedGet(number) });
  const listened = await listen.stop();
  const lines = listen.program.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { target: string; index: number });
  expect(lines.map(({ target, index }) => `${index} ${target}`)).toEqual(
    Array.from({ length: 20 }, (_, number) => `${number} /item/${number}?x=%20y`),
  );
  expectListenBalance(listened);
  expect(sum(listened.dropped)).toBe(0);
});
