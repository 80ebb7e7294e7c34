// The live benches run, for a tenth of a second each, and give figures that can be figures; nothing is left of them.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, type TestContext, test } from 'vitest';
import { canCapture } from '../../scripts/setup/rights.mjs';
import { isInstalled, needs } from '../kit/rights.ts';

const BENCH = join(import.meta.dirname, '../../bench/bench.mjs');
const run = promisify(execFile);

/** What a row of a live bench needs, beside the row's name. */
type LiveCase = readonly [bench: string, row: string, needs: readonly string[], processes: readonly string[]];

const liveCases: LiveCase[] = [
  ['capture-null', 'ring-2000', ['capture', 'nginx'], ['listener']],
  ['capture-null', 'ring-30000', ['capture', 'root', 'ip', 'tcpreplay'], ['listener']],
  ['capture-null', 'tcpdump-2000', ['capture', 'nginx', 'tcpdump'], ['tcpdump']],
  ['capture-datagrams', 'ring-2000', ['capture', 'nginx'], ['gor-listen']],
  ['capture-datagrams', 'floor-2000', ['capture', 'nginx'], ['listener', 'source']],
  ['datagrams-null', 'receiver-2000', [], ['receiver']],
  ['datagrams-null', 'dgram-2000', [], ['dgram']],
  ['datagrams-http', 'gor-replay-2000', ['nginx'], ['gor-replay']],
  ['datagrams-http', 'undici-2000', ['nginx'], ['undici']],
  ['datagrams-http', 'socket-posts', ['nginx'], ['socket']],
  ['datagrams-http', 'gor-replay-full', ['nginx'], ['gor-replay']],
  ['live-http', 'ring-2000', ['capture', 'nginx'], ['gor-listen', 'gor-replay']],
  ['live-http', 'ring-posts', ['capture', 'nginx'], ['gor-listen', 'gor-replay']],
  ['live-http', 'floor-2000', ['capture', 'nginx', 'tcpdump'], ['tcpdump', 'undici']],
];

describe('live benches, for a tenth of a second', () => {
  test.each(liveCases)('%s: %s', async (name, row, needed, processes) => {
    const rate = row.slice(row.lastIndexOf('-') + 1);
    const { stdout } = await bench(name, '--rates', rate, '--only', row, ...briefly);
    const [{ rows }] = JSON.parse(stdout).benches;
    expect(rows).toHaveLength(1);
    const [figures] = rows;
    if (figures.missing !== undefined) {
      expect(canRun(needed), figures.missing).toBe(false);
      return;
    }
    expect(figures).toMatchObject({ name: row, passes: 1 });
    expect(Object.keys(figures.cpuUsPerRequestOf)).toEqual(processes);
    for (const process of processes) {
      expect(figures.cpuUsPerRequestOf[process], process).toBeGreaterThan(0);
      expect(figures.peakMiB[process], process).toBeGreaterThan(1);
    }
    expect(figures.requestsPerSecond).toBeGreaterThan(0);
    expectCounts(figures);
  });

  test('wire: every row beside its floor', async (context) => {
    context.skip(!existsSync('/proc/self/stat'), 'live benches read /proc: Linux only');
    const { stdout } = await bench('wire', '--seconds', '0.1', '--passes', '1', '--json');
    const [{ rows }] = JSON.parse(stdout).benches;
    const names = ['seal', 'open', 'send', 'send-sealed', 'receive', 'receive-sealed'];
    expect(rows.map(({ name }: { name: string }) => name)).toEqual(names);
    for (const { name, unit, cpuUs, floorUs, differenceUs, datagramsPerRequest } of rows) {
      expect(['datagram', 'request'], name).toContain(unit);
      expect(Math.min(cpuUs, floorUs), name).toBeGreaterThan(0);
      expect(differenceUs, name).toBeCloseTo(cpuUs - floorUs);
      if (datagramsPerRequest !== null) expect(datagramsPerRequest, name).toBeCloseTo(0.5, 1);
    }
  });

  test('production: every row, and what the listener took', async (context) => {
    needs(context, 'capture', 'nginx', 'wrk', 'tcpdump');
    const { stdout } = await bench('production', '--only', 'alone,ring', ...briefly);
    const [{ rows }] = JSON.parse(stdout).benches;
    expect(rows.map(({ name }: { name: string }) => name)).toEqual(['alone', 'ring']);
    expect(rows[0]).toMatchObject({ listenerShare: 0, slower: 0 });
    expect(rows[1].listenerShare).toBeGreaterThan(0);
    expect(rows[1].p99Ms).toBeGreaterThan(0);
  });

  test('what runs ends with the bench, also when it is interrupted', async (context) => {
    needs(context, 'capture', 'nginx');
    await expectNothingLeft(context);
  });
});

const briefly = ['--seconds', '0.1', '--passes', '1', '--json'];

interface LiveFigures {
  readonly offered: number;
  readonly counts: Readonly<Record<string, number | null | undefined>>;
  readonly delayMs: { readonly p50: number; readonly p99: number; readonly max: number } | null;
}

/** Where the load is light and the engine is ours nothing may be missing, and a delay is one. */
function expectCounts({ offered, counts, delayMs }: LiveFigures): void {
  expect(offered).toBeGreaterThan(0);
  for (const name of ['captured', 'arrived', 'received']) {
    if (counts[name] !== undefined && counts['datagrams'] === undefined) expect(counts[name], name).toBe(offered);
  }
  for (const name of ['kernelDrops', 'lost', 'lostOnTheWay', 'letGo']) expect(counts[name] ?? 0, name).toBe(0);
  if (delayMs === null) return;
  expect(delayMs.p50).toBeGreaterThan(0);
  expect(delayMs.p99).toBeGreaterThanOrEqual(delayMs.p50);
  expect(delayMs.max).toBeGreaterThanOrEqual(delayMs.p99);
}

function canRun(needed: readonly string[]): boolean {
  const rights: Readonly<Record<string, boolean>> = { capture: canCapture(), root: process.getuid?.() === 0 };
  return needed.every((what) => rights[what] ?? isInstalled(what));
}

/** Every process of a bench knows its temporary folder or its parent; after an interruption there is none. */
async function expectNothingLeft(context: TestContext): Promise<void> {
  const child = spawn(process.execPath, [BENCH, 'live-http', '--only', 'ring-2000', '--seconds', '5']);
  const closed = once(child, 'close');
  context.onTestFinished(() => void child.kill('SIGKILL'));
  let children: number[] = [];
  for (let tries = 0; tries < 500 && children.length < 5; tries++) {
    await new Promise((resolve) => void setTimeout(resolve, 20));
    children = childrenOf(child.pid ?? 0);
  }
  expect(children.length).toBeGreaterThanOrEqual(5); // nginx, staging, both programs, the generator
  child.kill('SIGINT');
  expect(await closed).toEqual([130, null]);
  for (let tries = 0; tries < 100 && children.some(isAlive); tries++) {
    await new Promise((resolve) => void setTimeout(resolve, 20));
  }
  expect(children.filter(isAlive)).toEqual([]);
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
}

function bench(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return run(process.execPath, [BENCH, ...args]);
}
