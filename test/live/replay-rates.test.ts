// The limits of the real gor-replay under excess, fed over UDP, at three rates side by side: exact at the send, and what the
// server in a process of its own sees of it.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openUdpSender } from '@gor/wire';
import { afterAll, expect, test } from 'vitest';
import { numberedGet } from '../kit/http-load.ts';
import { mostInOneSecond } from '../kit/send-times.ts';
import { expectReplayBalance, startReplay, sum } from './programs.ts';

const folder = mkdtempSync(join(tmpdir(), 'gor-rates-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Stamps each head that comes, answers it, and notes for how long one may have lain unread: a pause, and a turn of the loop. */
const SERVER = `
  const arrivedMs = [];
  let lastMs = performance.now(), longestPauseMs = 0, longestTurnMs = 0, turnMs;
  const look = () => {
    const nowMs = performance.now();
    longestPauseMs = Math.max(longestPauseMs, nowMs - lastMs);
    return (lastMs = nowMs);
  };
  setInterval(look, 2);
  const server = require('node:net').createServer({ noDelay: true }, (socket) => {
    let rest = '';
    socket.on('error', () => {}).setEncoding('latin1').on('data', (text) => {
      const heads = (rest + text).split('\\r\\n\\r\\n').length - 1;
      rest = text.slice(-3);
      const nowMs = look();
      // What comes while a turn of the loop reads the other sockets is read in the next one.
      if (turnMs === undefined) {
        turnMs = nowMs;
        setImmediate(() => {
          longestTurnMs = Math.max(longestTurnMs, performance.now() - turnMs);
          turnMs = undefined;
        });
      }
      for (let n = 0; n < heads; n++) arrivedMs.push(nowMs);
      socket.write('HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n'.repeat(heads));
    });
  });
  server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
  process.on('message', () => process.send({ arrivedMs: Float64Array.from(arrivedMs), longestPauseMs: longestPauseMs + longestTurnMs }));
  process.on('disconnect', () => process.exit());`;

interface Seen {
  readonly arrivedMs: Float64Array;
  readonly longestPauseMs: number;
}

async function startServer(name: string) {
  const file = join(folder, `server-${name}.cjs`);
  writeFileSync(file, SERVER);
  const child = fork(file, { serialization: 'advanced', execArgv: [] });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  const seen = async (): Promise<Seen> => {
    child.send('seen');
    const [answer] = await once(child, 'message');
    child.disconnect();
    return answer as Seen;
  };
  return { url: `http://127.0.0.1:${port}`, seen };
}

/** Sends records of requests, each on a connection of its own, at that rate. */
async function sendRequests(port: number, ratePerSecond: number, seconds: number): Promise<number> {
  const totals = () => ({ captured: 0, dropped: {} });
  const sender = await openUdpSender({ host: '127.0.0.1', port, totals, onEvent: () => {} });
  let sent = 0;
  const startMs = performance.now();
  for (let elapsedMs = 0; elapsedMs < seconds * 1000; elapsedMs = performance.now() - startMs) {
    for (const due = (elapsedMs * ratePerSecond) / 1000; sent < due; sent++) {
      const payload = Buffer.from(numberedGet(sent), 'latin1');
      sender.send({ kind: 'request', timestampUs: Date.now() * 1000, connection: sent + 1, index: 0, payload });
    }
    await delay(1);
  }
  await sender.close();
  return sent;
}

test.concurrent.each([
  [10, 5],
  [1000, 3],
  [20_000, 3],
])('|%d: never more in any one second', async (limit, seconds) => {
  const server = await startServer(`${limit}`);
  const results = join(folder, `results-${limit}`);
  const replay = await startReplay('-f', `${server.url}|${limit}`, '--results', results);
  const offered = await sendRequests(replay.port, limit * 1.25, seconds);
  const ledger = await replay.stop();
  const { arrivedMs, longestPauseMs } = await server.seen();
  const lines = readFileSync(results, 'utf8').trimEnd().split('\n');
  const sentMs = lines.flatMap((line) => (JSON.parse(line) as { sentMs?: number }).sentMs ?? []);

  expectReplayBalance(ledger);
  const [target] = ledger.targets;
  const most = { sent: mostInOneSecond(sentMs), arrived: mostInOneSecond([...arrivedMs]) };
  const reached = arrivedMs.length / ((arrivedMs.at(-1)! - arrivedMs[0]!) / 1000);
  console.log(
    `|${limit}: ${offered} offered, at most ${most.sent} sent in a second, ${most.arrived} arrived; ${reached.toFixed(1)}/s; ` +
      `the server paused for up to ${longestPauseMs.toFixed(0)} ms`,
  );
  expect(sentMs).toHaveLength(arrivedMs.length);
  expect(most.sent).toBeLessThanOrEqual(limit);
  // What came while the server did not read carries the time at which it read again; 1% are 10 ms of that.
  const late = Math.max(0.01, longestPauseMs / 1000);
  expect(most.arrived).toBeLessThanOrEqual(limit * (1 + late) + 1);
  expect(target).toMatchObject({ answered: arrivedMs.length, failed: {}, skipped: {} });
  expect(target!.received).toBe(arrivedMs.length + sum(target!.limited));
  if (limit < 20_000) {
    expect(most.sent).toBe(limit);
    expect(arrivedMs.length).toBeGreaterThan(limit * seconds * 0.98);
  }
});
