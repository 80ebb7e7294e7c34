// The command gor key: one key on stdout, new each time, in the form that key files take.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readKeys } from '@gor/cli';
import { expect, test } from 'vitest';
import { run } from './run-main.ts';

test('each is another one, and nothing else is said', async () => {
  const first = await run('key');
  const second = await run('key');
  for (const { code, stdout, stderr } of [first, second]) {
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^[0-9a-f]{64}\n$/);
  }
  expect(second.stdout).not.toBe(first.stdout);
});

test('both programs take it as it is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gor-key-'));
  const path = join(folder, 'gor.key');
  const { stdout } = await run('key');
  writeFileSync(path, stdout, { mode: 0o600 });
  const keys = readKeys('--key-file', path).map((key) => Buffer.from(key).toString('hex'));
  rmSync(folder, { recursive: true });
  expect(keys).toEqual([stdout.trim()]);
});

test('its help shows how to keep a key from others', async () => {
  const { code, stdout, stderr } = await run('key', '--help');
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
  const { code, stdout, stderr } = await run('key', ...argv);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(`takes no arguments, and there is ${argv[0]}`);
});
