// Load shedding in the real programs: nothing is shed while there is room, whole connections where there is none.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { openCapture } from '@gor/capture/open-capture';
import { expect, test } from 'vitest';
import { numberedGet, sendLoad } from '../kit/http-load.ts';
import { RawServer } from '../kit/raw-server.ts';
import { needs } from '../kit/rights.ts';
import { expectBalance, expectListenBalance, type Running, startListen, startReplay } from './programs.ts';
import { expectSame } from './same-requests.ts';

/** Of /proc/PID/stat. */
const TICKS_A_SECOND = 100;
const CONNECTIONS = 24;
/** With --json each is hashed. */
const BODY = 'b'.repeat(20_000);

test.concurrent('2,000 requests a second, and pauses of 300 ms: nothing is shed, nothing is lost', async (context) => {
  needs(context, 'capture');
  await using production = await RawServer.start();
  await using staging = await RawServer.start();
  const replay = await startReplay('-f', `http://127.0.0.1:${staging.port}`);
  const listen = await startListen('-p', String(production.port), '-r', `127.0.0.1:${replay.port}`);

  const count = 8000;
  const load = sendLoad({
    port: production.port,
    count,
    ratePerSecond: 2000,
    request: (number) => numberedGet(number),
  });
  for (let pause = 0; pause < 3; pause++) {
    await delay(600);
    await paused(listen, 300);
  }
  await load;
  await staging.arrived(count);
  const [listened, replayed] = [await listen.stop(), await replay.stop()];

  expectBalance(listened, replayed);
  expect(listened.shedding).toEqual({
    ...{ segments: 0, payloadBytes: 0, connections: 0, times: 0, share: 0, highestShare: 0 },
  });
  expect(listened.frames.kernelDrops).toBe(0);
  expect(listen.program.stderr).not.toContain('leaves out');
  expectSame(production.requests, staging.requests);
});

test.concurrent('a listener that was stopped for 2 s with a small buffer goes on, and every count balances', async (context) => {
  needs(context, 'capture');
  await using production = await RawServer.start();
  await using staging = await RawServer.start();
  const replay = await startReplay('-f', `http://127.0.0.1:${staging.port}`);
  const small = ['-p', String(production.port), '-r', `127.0.0.1:${replay.port}`, '-i', 'lo', '--buffer-size', '1mb'];
  const listen = await startListen(...small);
  const send = (from: number, count: number) =>
    sendLoad({ port: production.port, count, ratePerSecond: 2000, request: (number) => numberedGet(from + number) });

  const load = send(0, 6000);
  await delay(300);
  await paused(listen, 2000);
  await load;
  await delay(1500);
  await send(10_000, 500);
  await delay(500);
  const [listened, replayed] = [await listen.stop(), await replay.stop()];

  expectBalance(listened, replayed);
  expect(listened.frames.kernelDrops).toBeGreaterThan(0);
  expect(listened.shedding.share).toBe(0);
  const after = staging.requests.filter(({ target }) => /^\/item\/1\d{4}\?/.test(target));
  expect(after).toHaveLength(500);
});

test('--max-cpu bounds what is taken: whole connections are left out, and counted', async (context) => {
  needs(context, 'capture');
  const free = await underLoad({ forSeconds: 5, settledAfterMs: 2500 });
  const bound = `${Math.round((free.cpuShare * 1000) / 3) / 10}%`;
  const bounded = await underLoad({ forSeconds: 10, settledAfterMs: 5000 }, '--max-cpu', bound);
  console.log(`CPU without a bound ${percent(free.cpuShare)}, with one of ${bound} ${percent(bounded.cpuShare)}`);

  const { shedding, connections, frames } = bounded.ledger;
  expect(shedding.segments).toBeGreaterThan(0);
  expect(shedding.highestShare).toBeGreaterThan(0);
  expect(shedding.times).toBeGreaterThan(0);
  expect(connections.connectionsEnded.shed).toBeGreaterThan(0);
  expect(frames.kernelDrops).toBe(0);
  expect(bounded.stderr).toMatch(
    /leaves out [\d.]+% of the connections: it took [\d.]+% of a core, with --max-cpu [\d.]+%/,
  );
  expect(bounded.stderr).toContain(`with --max-cpu ${bound}`);
  expect(bounded.cpuShare).toBeLessThan(0.75 * free.cpuShare);
  // What is shown of a connection comes in few complete runs: connections are not cut to pieces.
  for (const runs of bounded.runs) expect(runs).toBeLessThan(12);
  expect(free.ledger.shedding).toMatchObject({ segments: 0, times: 0 });
  expect(free.runs).toEqual(free.runs.map(() => 1));
});

test('the buffer tells how full it is', async (context) => {
  needs(context, 'capture');
  await using production = await RawServer.start();
  const { port } = production;
  await using capture = await openCapture({
    engine: 'ring',
    interfaces: ['lo'],
    ports: [port],
    bufferBytes: 1,
    onFrame: () => {},
  });
  expect(capture.bufferFill()).toBe(0);
  // This process does not read meanwhile; nobody accepts, so the client's handshakes and data are all there is.
  const client = `
    const net = require('node:net');
    for (let n = 0; n < 16; n++) net.connect(${port}, '127.0.0.1').on('error', () => {}).end(Buffer.alloc(100_000));
    setTimeout(() => process.exit(), 500);`;
  spawnSync(process.execPath, ['-e', client]);
  expect(capture.bufferFill()).toBeGreaterThan(0.5);
  await expect.poll(() => capture.bufferFill(), { timeout: 5000 }).toBeLessThan(0.5);
});

/** Some seconds of load; what the listener took of a core late in it, and what it showed of each connection. */
async function underLoad(
  { forSeconds, settledAfterMs }: Record<'forSeconds' | 'settledAfterMs', number>,
  ...args: string[]
) {
  await using production = await RawServer.start();
  const listen = await startListen('-p', String(production.port), '--json', ...args);
  const load = Array.from({ length: CONNECTIONS }, (_, connection) =>
    sendLoad({
      ...{ port: production.port, connections: 1, count: 125 * forSeconds, ratePerSecond: 125 },
      request: (number) =>
        `POST /${connection}/${number} HTTP/1.1\r\nHost: a\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
    }),
  );
  // A bound is looked after once the code is compiled, and the first look says what it did.
  await delay(settledAfterMs);
  if (args.length > 0) await expect.poll(() => listen.program.stderr, { timeout: 2500 }).toContain('leaves out');
  const [before, beforeMs] = [cpuMs(listen), performance.now()];
  await delay(2000);
  const cpuShare = (cpuMs(listen) - before) / (performance.now() - beforeMs);
  await Promise.all(load);
  await delay(300);
  const ledger = await listen.stop();
  expectListenBalance(ledger);
  expect(ledger.notShown).toBe(0);
  const { stdout, stderr } = listen.program;
  const targets = [...stdout.matchAll(/"target":"(\/\d+\/\d+)"/g)].map(([, target]) => target!);
  expect(targets).toHaveLength(ledger.sent);
  return { ledger, cpuShare, runs: runsOf(targets), stderr };
}

/** For each connection with requests: how many gaps its numbers have, and one. */
function runsOf(targets: readonly string[]): number[] {
  const numbers = new Map<string, number[]>();
  for (const target of targets) {
    const [, connection = '', number] = target.split('/');
    numbers.set(connection, [...(numbers.get(connection) ?? []), Number(number)]);
  }
  return [...numbers.values()].map((of) => {
    const sorted = of.sort((a, b) => a - b);
    return sorted.filter((number, at) => at === 0 || number !== sorted[at - 1]! + 1).length;
  });
}

async function paused(running: Running<unknown>, forMs: number): Promise<void> {
  running.program.signal('SIGSTOP');
  await delay(forMs);
  running.program.signal('SIGCONT');
}

function cpuMs(running: Running<unknown>): number {
  const [user, system] = readFileSync(`/proc/${running.program.pid}/stat`, 'latin1')
    .split(') ')[1]!
    .split(' ')
    .slice(11, 13);
  return ((Number(user) + Number(system)) * 1000) / TICKS_A_SECOND;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}
