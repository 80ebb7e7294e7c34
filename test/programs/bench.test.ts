// The benches run, with little to do, and give figures that can be figures; those of running processes are in test/live/benches.test.ts.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

const BENCH = join(import.meta.dirname, '../../bench/bench.mjs');
const run = promisify(execFile);

interface Row {
  readonly name: string;
  readonly missing?: string;
  readonly [figure: string]: number | string | null | undefined;
}

describe('bench reading', () => {
  test('measures every row, ours with the right counts', async () => {
    const { stdout } = await bench('reading', '--packets', '2000', '--passes', '2', '--json');
    const [reading] = JSON.parse(stdout).benches;
    expect(reading.traffic).toMatchObject({ packets: 2000, requests: 404, responses: 242 });
    const rows: Row[] = reading.rows;
    const ours = ['frames', 'segments', 'streams', 'requests', 'messages', 'gor-listen'];
    expect(rows.map(({ name }) => name)).toEqual([...ours, 'tcpdump', 'tcpflow', 'httpry', 'tshark']);
    for (const { name, about, missing, peakRssMiB, timesFloor, ...figures } of rows) {
      if (missing !== undefined) {
        expect(ours, missing).not.toContain(name);
        continue;
      }
      for (const [figure, value] of Object.entries(figures)) expect(value, `${name}: ${figure}`).toBeGreaterThan(0);
    }
  });

  test('prints a table, the floor in it', async () => {
    const { stdout } = await bench('reading', '--packets', '500', '--passes', '1', '--only', 'frames');
    expect(stdout).toContain('500 packets');
    expect(stdout).toMatch(/^frames( +[\d.,–]+){9}$/m);
  });

  test.each([
    [['--packets', 'many'], '--packets: "many" is not a whole number of at least 1'],
    [['--seconds', '0'], '--seconds: "0" is not a number from 0.1 to 60'],
    [['live-http', '--rates', 'fast'], '--rates: "fast" is neither requests a second nor full nor posts'],
    [['riding'], 'there is no bench riding; there are: reading, wire, capture-null'],
    [['--only', 'frames,nothing'], 'there is no row nothing'],
    [['production', '--only', 'frames'], 'there is no row frames'],
  ])('refuses %j', async (args, message) => {
    await expect(bench(...args)).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining(message),
      stdout: '',
    });
  });
});

function bench(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return run(process.execPath, [BENCH, ...args]);
}
