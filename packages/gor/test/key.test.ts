// The command gor key: one key on stdout, new each time, in the form that key files take.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readKeys } from '@gor/cli';
import { afterEach, expect, test, vi } from 'vitest';
import { main } from '../src/index.ts';

afterEach(() => void vi.restoreAllMocks());

/** The exit code, and what was printed where. */
async function run(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      printed[name] += String(text);
      return true;
    });
  }
  const code = await main(['key', ...argv]);
  vi.restoreAllMocks();
  return { code, ...printed };
}

test('each is another one, and nothing else is said', async () => {
  const first = await run();
  const second = await run();
  for (const { code, stdout, stderr } of [first, second]) {
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^[0-9a-f]{64}\n$/);
  }
  expect(second.stdout).not.toBe(first.stdout);
});

test('both programs take it as it is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gor-key-'));
  const path = join(folder, 'gor.key');
  const { stdout } = await run();
  writeFileSync(path, stdout, { mode: 0o600 });
  const keys = readKeys('--key-file', path).map((key) => Buffer.from(key).toString('hex'));
  rmSync(folder, { recursive: true });
  expect(keys).toEqual([stdout.trim()]);
});

test('its help shows how to keep a key from others', async () => {
  const { code, stdout, stderr } = await run('--help');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('(umask 077; gor key > gor.key)');
});

test('that command line makes a file that is taken', (context) => {
  context.skip(process.platform === 'win32', 'no umask there');
  const folder = mkdtempSync(join(tmpdir(), 'gor-key-'));
  const gor = join(import.meta.dirname, '../bin/gor.js');
  const line = `(umask 077; ${process.execPath} ${gor} key > gor.key); (umask 077; ${process.execPath} ${gor} key >> gor.key)`;
  execFileSync('sh', ['-c', line], { cwd: folder });
  const keys = readKeys('--key-file', join(folder, 'gor.key'));
  rmSync(folder, { recursive: true });
  expect(keys).toHaveLength(2);
});

test.each([[['gor.key']], [['--out', 'gor.key']]])('an argument, %j, is refused', async (argv) => {
  const { code, stdout, stderr } = await run(...argv);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(`takes no arguments, and there is ${argv[0]}`);
});
