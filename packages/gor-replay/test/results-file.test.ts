// Outcomes as lines of a file; what a disk does not take is counted, and said once.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Outcome } from '@gor/replay';
import { afterAll, expect, test } from 'vitest';
import { ResultsFile } from '../src/results-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'gor-results-'));
afterAll(() => rmSync(folder, { recursive: true }));

function outcome(index: number, requestTarget = '/'): Outcome {
  return {
    target: 'http://a',
    connection: 's/1',
    index,
    method: 'GET',
    requestTarget,
    result: 'answered',
    failure: undefined,
    status: 200,
    dueMs: 1,
    sentMs: 2,
    endedMs: 3,
    isOverlapped: false,
  };
}

test('a line an outcome, in their order; what was in the file before is gone', async () => {
  const path = join(folder, 'results');
  writeFileSync(path, 'from another day\n');
  const results = ResultsFile.open(path, () => {});
  expect(readFileSync(path, 'utf8')).toBe('from another day\n'); // a start that fails leaves it alone
  results.begin();
  for (let index = 0; index < 100; index++) results.write(outcome(index));
  await results.close();
  await results.close();
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  expect(lines.map((line) => (JSON.parse(line) as Outcome).index)).toEqual(Array.from({ length: 100 }, (_, at) => at));
  expect(results.lost).toBe(0);
});

test('a file that cannot be opened: the flag and the path are named', () => {
  expect(() => ResultsFile.open('/no/such/folder/results', () => {})).toThrow(
    '--results: cannot write /no/such/folder/results',
  );
});

test('a disk that is full: told once, every outcome counted as lost', async (context) => {
  context.skip(!existsSync('/dev/full'), 'this system has no /dev/full');
  const failures: string[] = [];
  const results = ResultsFile.open('/dev/full', (error) => failures.push(error.message));
  for (let index = 0; index < 10; index++) results.write(outcome(index));
  await results.close();
  results.write(outcome(10));
  expect(failures).toEqual([expect.stringContaining('ENOSPC')]);
  expect(results.lost).toBe(11);
});

test('a disk that is slow: what waits is bounded, the rest is counted', async () => {
  const path = join(folder, 'slow');
  const results = ResultsFile.open(path, () => {});
  const long = 'x'.repeat(1024 * 1024);
  for (let index = 0; index < 40; index++) results.write(outcome(index, long)); // nothing is written before this turn ends
  await results.close();
  const written = readFileSync(path, 'utf8').trimEnd().split('\n').length;
  expect(results.lost).toBeGreaterThan(0);
  expect(written).toBeGreaterThanOrEqual(16);
  expect(written + results.lost).toBe(40);
});
