// Keys while the program runs: what a changed file gives, and that a bad one takes nothing away.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wireKey } from '@gor/wire';
import { afterAll, expect, test } from 'vitest';
import { keyIdText, keysOf, readAgain } from '../src/key-changes.ts';

const folder = mkdtempSync(join(tmpdir(), 'gor-keys-'));
const path = join(folder, 'gor.key');
afterAll(() => rmSync(folder, { recursive: true }));

const ONE = '1'.repeat(64);
const TWO = '2'.repeat(64);

function write(...keys: string[]): void {
  writeFileSync(path, keys.map((key) => `${key}\n`).join(''), { mode: 0o600 });
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

test('the keys of the changed file become valid, and their ids are said', () => {
  write(ONE, TWO);
  const given: (readonly Uint8Array[])[] = [];
  const line = readAgain(path, (keys) => given.push(keys));
  expect(given).toEqual([[bytesOf(ONE), bytesOf(TWO)]]);
  const ids = [ONE, TWO].map((key) => keyIdText(bytesOf(key)));
  expect(line).toBe(`SIGHUP: read ${path} again; valid from now on: ${ids.join(', ')}`);
});

test.each<[sentence: string, content: string | undefined, problem: string]>([
  ['that is gone', undefined, 'cannot be read (ENOENT)'],
  ['that is empty', '', 'holds no key'],
  ['with half a key', ONE.slice(0, 32), 'has no key in line 1'],
])('a file %s changes nothing, in one line', (_, content, problem) => {
  rmSync(path, { force: true });
  if (content !== undefined) write(content);
  let changes = 0;
  const line = readAgain(path, () => {
    changes += 1;
  });
  expect(changes).toBe(0);
  expect(line).toMatch(/^SIGHUP: --key-file: .*; the keys that were valid stay so$/);
  expect(line).toContain(problem);
});

test('two keys that datagrams would name alike are refused, and nothing of them is shown', () => {
  const [one, two] = keysWithOneId();
  write(one, two);
  expect(() => keysOf(path)).toThrow(`has two keys that datagrams would name alike, ${keyIdText(bytesOf(one))}`);
  write(one);
  expect(keysOf(path)).toEqual([bytesOf(one)]);
});

/** Ids are two bytes: a few hundred keys have two with the same. */
function keysWithOneId(): [string, string] {
  const known = new Map<number, string>();
  for (let number = 0; ; number++) {
    const key = number.toString(16).padStart(64, '0');
    const { id } = wireKey(bytesOf(key));
    const other = known.get(id);
    if (other !== undefined) return [other, key];
    known.set(id, key);
  }
}
