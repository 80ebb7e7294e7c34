// The replay server dies without a word while production works on, and comes back: what must hold then, for any time of absence.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, type TestContext } from 'vitest';
import { expectLedgers, remoteOf, said, stopBoth, WireRun } from './wire-run.ts';

const PER_SECOND = 5000;
const BEFORE_S = 2;
const AFTER_S = 2;
/** What garbage collection may leave between one sample and another. */
const SLACK_MB = 32;
/** Two cores carry load, production, both programs and staging here. */
const MOST_P99_MS = 100;

/** Kills the replay server for so many seconds under 5,000 requests a second. */
export async function killReceiver(context: TestContext, seconds: number): Promise<void> {
  await using run = await WireRun.create(context);
  const keys = run.keyFile();
  const killed = await run.replay(undefined, ...keys);
  const listen = await run.listen(remoteOf(run.hosts.address('replay')), ...keys);
  const count = PER_SECOND * (BEFORE_S + seconds + AFTER_S);
  const load = run.load({ count, ratePerSecond: PER_SECOND, connections: 64, postEvery: 0 });
  const before = await residentMb(listen.program.pid, BEFORE_S);
  killed.program.kill();
  const during = await residentMb(listen.program.pid, seconds);
  const arrived = run.staging.count;
  const replay = await run.replay(undefined, ...keys);
  await said(listen, /receiving again/);
  const took = await load;
  const { listened, replayed } = await stopBoth(listen, replay);

  const p99 = took[Math.floor(took.length * 0.99)] ?? 0;
  const session = expectLedgers(listened, replayed);
  console.log(`${Math.round(before)} MB before, ${Math.round(during)} during; p99 ${p99.toFixed(1)} ms`);
  console.log(`dropped ${JSON.stringify(listened.dropped)}, ${JSON.stringify(session)}`);
  expect(took).toHaveLength(count); // production answered each
  expect(p99).toBeLessThan(MOST_P99_MS);
  expect(during).toBeLessThan(before + SLACK_MB);
  expect(listened.captured).toBe(count);
  expect(session.received).toBe(run.staging.count - arrived);
  expect(session).toMatchObject({ lost: 0 });
  expect(session.beforeStart).toBeGreaterThanOrEqual(arrived);
  expect(new Set(run.staging.requests.map(({ target }) => target)).size).toBe(run.staging.count);
}

/** The most that a process has resident in the next seconds, in MB. */
async function residentMb(pid: number, seconds: number): Promise<number> {
  let most = 0;
  for (const endMs = performance.now() + seconds * 1000; performance.now() < endMs; await delay(100)) {
    const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    most = Math.max(most, Number(kilobytes) / 1024);
  }
  return most;
}
