// The rhythm that staging gets, measured from capture timestamps to the send: `npx vitest run --project live
// test/live/rhythm.test.ts` prints p50 and p99 of what each request is off its recorded spacing. And a target too slow for
// the rhythm, which gets everything all the same, and nothing beyond the order wait late.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openUdpSender } from '@gor/wire';
import { expect, test } from 'vitest';
import { numberedGet, sendLoad } from '../kit/http-load.ts';
import { createRandom, seedOfThisRun } from '../kit/random.ts';
import { RawServer } from '../kit/raw-server.ts';
import { needs } from '../kit/rights.ts';
import { expectBalance, expectReplayBalance, startListen, startReplay } from './programs.ts';

/** A line of --results. */
interface Line {
  readonly requestTarget: string;
  readonly dueMs: number;
  readonly sentMs?: number;
  readonly isOverlapped: boolean;
}

/** What a machine under load may add, besides what it adds to bare timers; the measured figures are printed. */
const MOST_P50_MS = 2;
const MOST_P99_MS = 25;

test('1,000 a second, captured live: what is sent 200 ms behind is spaced as it was captured', async (context) => {
  needs(context, 'capture');
  await using production = await RawServer.start();
  await using staging = await RawServer.start();
  using results = resultsFile();
  const replay = await startReplay('-f', urlOf(staging), '--delay', '200ms', '--results', results.path);
  const listen = await startListen('-p', String(production.port), '-r', `127.0.0.1:${replay.port}`, '--json');

  const floor = timersAlone();
  const count = 2000;
  // More connections than one answer after the other needs, so that order holds nothing up.
  const load = { port: production.port, count, ratePerSecond: 1000, connections: 32 };
  await sendLoad({ ...load, request: (number) => numberedGet(number) });
  await staging.arrived(count);
  const listened = await listen.stop();
  const replayed = await replay.stop();

  expectBalance(listened, replayed);
  const captured = new Map<string, number>();
  for (const text of listen.program.stdout.trim().split('\n')) {
    const { target, timestampUs } = JSON.parse(text) as { target: string; timestampUs: number };
    captured.set(target, timestampUs / 1000);
  }
  expect(replayed.targets).toMatchObject([{ received: count, answered: count }]);
  expect(replayed.rhythm).toEqual({ sources: 1, clockJumps: 0, forgottenSources: 0 });
  expectRhythm('captured live', captured, results.lines(), await floor);
});

test('1,000 a second in batches that are held up by up to 60 ms: the same', async () => {
  const random = createRandom(seedOfThisRun());
  console.log(`seed ${random.seed}`);
  await using staging = await RawServer.start();
  using results = resultsFile();
  const replay = await startReplay('-f', urlOf(staging), '--delay', '200ms', '--results', results.path);
  const captured = new Map<string, number>();
  const floor = timersAlone();
  {
    const totals = () => ({ captured: 2000, dropped: {} });
    await using sender = await openUdpSender({ host: '127.0.0.1', port: replay.port, totals, onEvent: () => {} });
    const beginMs = performance.now();
    let nextMs = 0;
    let number = 0;
    while (number < 2000) {
      await pause(random.below(60));
      // Everything that was captured until now, at random times, one millisecond apart on average.
      for (; number < 2000 && nextMs <= performance.now() - beginMs; number++) {
        const bytes = numberedGet(number);
        const capturedMs = 1_790_000_000_000 + nextMs;
        captured.set(bytes.split(' ', 2)[1]!, Math.round(capturedMs * 1000) / 1000);
        const payload = Buffer.from(bytes, 'latin1');
        const record = { timestampUs: Math.round(capturedMs * 1000), connection: number % 500, payload };
        expect(sender.send({ kind: 'request', index: Math.floor(number / 500), ...record })).toBeUndefined();
        nextMs -= Math.log(1 - random.next());
      }
    }
    await staging.arrived(2000);
  }
  const replayed = await replay.stop();

  expectReplayBalance(replayed);
  expect(replayed.targets).toMatchObject([{ received: 2000, answered: 2000 }]);
  expectRhythm('in random batches', captured, results.lines(), await floor);
});

test('a target that takes 300 ms, behind 8 connections at 1,000 a second: all are sent, at most the order wait late', async () => {
  await using staging = await RawServer.start({ delayMs: 300 });
  using results = resultsFile();
  const replay = await startReplay('-f', urlOf(staging), '--connections', '512', '--results', results.path);
  const totals = () => ({ captured: 3000, dropped: {} });
  const sender = await openUdpSender({ host: '127.0.0.1', port: replay.port, totals, onEvent: () => {} });
  const beginMs = performance.now();
  for (let number = 0; number < 3000; ) {
    for (; number < 3000 && number < performance.now() - beginMs; number++) {
      const payload = Buffer.from(numberedGet(number), 'latin1');
      const place = { connection: number % 8, index: Math.floor(number / 8) };
      sender.send({ kind: 'request', timestampUs: Date.now() * 1000, ...place, payload });
    }
    await pause(1);
  }
  await staging.arrived(3000, 5000);
  await sender.close();
  const replayed = await replay.stop();

  expectReplayBalance(replayed);
  const [target] = replayed.targets;
  expect(target).toMatchObject({ received: 3000, answered: 3000, limited: {}, failed: {} });
  expect(target!.overlapped).toBeGreaterThan(2000);
  const lines = results.lines();
  const heldMs = lines.map(({ dueMs, sentMs }) => sentMs! - dueMs);
  console.log(`held by order: at most ${Math.max(...heldMs).toFixed(1)} ms`);
  expect(Math.max(...heldMs)).toBeLessThan(1000 + 250);
  expect(Math.max(...heldMs)).toBeGreaterThan(900);
  // All are started in order. One that overlaps and finds an idle socket may be written before one that still connects.
  const latest = new Map<number, number>();
  for (const line of lines.sort((one, other) => numberOf(one) - numberOf(other))) {
    const connection = numberOf(line) % 8;
    const before = latest.get(connection) ?? 0;
    expect(line.sentMs!).toBeGreaterThanOrEqual(line.isOverlapped ? before - 250 : before);
    latest.set(connection, Math.max(before, line.sentMs!));
  }
});

/** Each request's send after its capture, beside that of the median; prints and asserts. */
function expectRhythm(
  what: string,
  captured: ReadonlyMap<string, number>,
  lines: readonly Line[],
  floorMs: readonly number[],
): void {
  expect(lines).toHaveLength(captured.size);
  const behind = lines.map(({ requestTarget, sentMs }) => sentMs! - captured.get(requestTarget)!);
  const middle = quantile(behind, 0.5);
  const errors = behind.map((ms) => Math.abs(ms - middle));
  const [p50, p99, most] = [quantile(errors, 0.5), quantile(errors, 0.99), quantile(errors, 1)];
  console.log(
    `spacing error ${what}: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, at most ${most.toFixed(2)} ms; ` +
      `a process that only sets timers: p50 ${quantile(floorMs, 0.5).toFixed(2)} ms, p99 ${quantile(floorMs, 0.99).toFixed(2)} ms`,
  );
  expect(p50).toBeLessThan(MOST_P50_MS);
  expect(p99).toBeLessThan(MOST_P99_MS + 3 * quantile(floorMs, 0.99));
}

/** How late 1,000 timers a second are on this machine now, in a process that does nothing else. */
async function timersAlone(): Promise<number[]> {
  const program = `
    const [beginMs, lateMs] = [performance.now(), []];
    (function next() {
      for (; lateMs.length <= performance.now() - beginMs; ) lateMs.push(performance.now() - beginMs - lateMs.length);
      if (lateMs.length < 2000) setTimeout(next, beginMs + lateMs.length - performance.now());
      else console.log(JSON.stringify(lateMs));
    })();`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', program]);
  return JSON.parse(stdout) as number[];
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

function numberOf({ requestTarget }: Pick<Line, 'requestTarget'>): number {
  return Number(/\d+/.exec(requestTarget)?.[0]);
}

function resultsFile(): { readonly path: string; readonly lines: () => Line[]; [Symbol.dispose]: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'gor-rhythm-'));
  const path = join(folder, 'results');
  return {
    path,
    lines: () =>
      readFileSync(path, 'utf8')
        .trim()
        .split('\n')
        .map((text) => JSON.parse(text) as Line),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function urlOf({ port }: RawServer): string {
  return `http://127.0.0.1:${port}`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
