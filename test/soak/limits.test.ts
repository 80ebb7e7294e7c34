// "a|10,b|5" over half a minute of excess: never more in any one second, measured at the send, and on average no less.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RawServer } from '../kit/raw-server.ts';
import { mostInOneSecond } from '../kit/send-times.ts';
import { expectReplayBalance, startReplay } from '../live/programs.ts';
import { sendRecords } from './record-load.ts';

const SECONDS = 30;

test('10 and 5 in any one second, 10 and 5 on average', async () => {
  await using ten = await RawServer.start({ countOnly: true });
  await using five = await RawServer.start({ countOnly: true });
  const folder = mkdtempSync(join(tmpdir(), 'gor-limits-'));
  const file = join(folder, 'results');
  const urls = { ten: `http://127.0.0.1:${ten.port}`, five: `http://127.0.0.1:${five.port}` };
  const replay = await startReplay('-f', `${urls.ten}|10,${urls.five}|5`, '--results', file);
  await sendRecords(replay.port, SECONDS + 2, 100);
  expectReplayBalance(await replay.stop());
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  rmSync(folder, { recursive: true });

  const outcomes = lines.map((line) => JSON.parse(line) as { target: string; sentMs?: number });
  for (const [url, limit] of [
    [urls.ten, 10],
    [urls.five, 5],
  ] as const) {
    const sentMs = outcomes.flatMap((outcome) => (outcome.target === url ? (outcome.sentMs ?? []) : []));
    sentMs.sort((a, b) => a - b);
    const first = sentMs[0] ?? 0;
    const within = sentMs.filter((ms) => ms < first + SECONDS * 1000).length;
    const meanPerSecond = within / SECONDS;
    console.log(`|${limit}: at most ${mostInOneSecond(sentMs)} in a second, ${meanPerSecond} on average`);
    expect(mostInOneSecond(sentMs)).toBe(limit);
    expect(Math.abs(meanPerSecond / limit - 1)).toBeLessThanOrEqual(0.01);
  }
});
