// The program gor: finds its command, or says which there are.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { commands } from '../src/index.ts';
import { run } from './run-main.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

test.each(['-h', '--help', '-help', 'help'])('gor %s lists every command', async (flag) => {
  const { code, stdout, stderr } = await run(flag);
  expect([code, stderr]).toEqual([0, '']);
  for (const [name, { summary }] of Object.entries(commands)) {
    expect(stdout).toMatch(new RegExp(`^  gor ${name} +${summary}$`, 'm'));
  }
});

test('gor alone is no command: the help, on stderr, and exit 2', async () => {
  const { code, stdout, stderr } = await run();
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain('gor listen');
});

test.each(['--version', '-version'])('gor %s says the version', async (flag) => {
  expect(await run(flag)).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

describe('what is no command', () => {
  test.each<[name: string, message: string]>([
    ['reply', 'unknown command reply; did you mean replay?'],
    ['LISTEN', 'unknown command LISTEN; did you mean listen?'],
    ['frobnicate', 'unknown command frobnicate\n'],
    ['constructor', 'unknown command constructor\n'],
    ['__proto__', 'unknown command __proto__\n'],
    ['\x1b[2J', 'unknown command \\x1b[2J'],
  ])('%j', async (name, message) => {
    const { code, stdout, stderr } = await run(name);
    expect(stderr).toContain(message);
    expect([code, stdout]).toEqual([2, '']);
  });
});
