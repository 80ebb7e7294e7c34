// What a key file may look like, who may read it, and the one line that refuses any other.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readKeys, UsageError } from '../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'gor-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));
chmodSync(folder, 0o755);

const isRoot = process.geteuid?.() === 0;
const HEX = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff';
const BASE64 = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHv8=';
const OTHER = 'f'.repeat(64);
let files = 0;

function fileWith(text: string | Uint8Array, mode = 0o600): string {
  files += 1;
  const path = join(folder, `key-${files}`);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

function hexOf(keys: readonly Uint8Array[]): string[] {
  return keys.map((key) => Buffer.from(key).toString('hex'));
}

/** The message of the refusal. */
function refusal(path: string): string {
  try {
    readKeys('--key-file', path);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as Error).message;
  }
  throw new Error(`${path} was taken`);
}

describe('what a file may hold', () => {
  const many = Array.from({ length: 16 }, (_, at) => `${at.toString(16)}1`.repeat(32));
  test.each<[sentence: string, text: string, keys: string[]]>([
    ['64 hexadecimal digits', `${HEX}\n`, [HEX]],
    ['in capitals', HEX.toUpperCase(), [HEX]],
    ['base64', `${BASE64}\n`, [HEX]],
    ['base64 without its padding', BASE64.slice(0, -1), [HEX]],
    ['comments, blank lines and blanks', `# old and new\n\n  ${HEX}\t\n#\n${OTHER}\n`, [HEX, OTHER]],
    ['line ends and the mark of other systems', `\ufeff${HEX}\r\n${OTHER}\r\n`, [HEX, OTHER]],
    ['16 keys, in their order', many.join('\n'), many],
  ])('%s', (_, text, keys) => {
    expect(hexOf(readKeys('--key-file', fileWith(text)))).toEqual(keys);
  });
});

describe('what is refused, in one line without any of its content', () => {
  const notAKey = 'has no key in line';
  test.each<[sentence: string, text: string | Uint8Array, message: string]>([
    ['an empty file', '', 'holds no key: gor key prints a new one'],
    ['comments only', '# none\n', 'holds no key'],
    ['a digit too few', HEX.slice(1), `${notAKey} 1`],
    ['a digit too many', `# a comment\n${HEX}0`, `${notAKey} 2`],
    ['hexadecimal digits with a blank', `${HEX.slice(0, 32)} ${HEX.slice(32)}`, notAKey],
    ['base64 of 31 bytes', Buffer.alloc(31, 1).toString('base64'), notAKey],
    ['base64 of 33 bytes', Buffer.alloc(33, 1).toString('base64'), notAKey],
    ['base64 with bits left over', BASE64.replace('8=', '9='), notAKey],
    ['a key with a comment behind it', `${HEX} # new`, notAKey],
    ['a password', 'correct horse battery staple', notAKey],
    ['32 raw bytes', Uint8Array.from({ length: 32 }, (_, at) => at * 7), notAKey],
    ['all zeros', '0'.repeat(64), 'has only zeros in line 1: that is no key'],
    ['one key twice, written in two ways', `${HEX}\n\n${BASE64}\n`, 'has the same key in lines 1 and 3'],
    [
      '17 keys',
      Array.from({ length: 17 }, (_, at) => `${at + 1}`.padStart(64, '0')).join('\n'),
      'holds 17 keys: 16 is the most',
    ],
    ['more than 64 KB', '#'.repeat(65_537), 'is longer than 64 KB'],
  ])('%s', (_, text, message) => {
    const path = fileWith(text);
    const said = refusal(path);
    expect(said).toContain(`--key-file: ${path} ${message}`);
    expect(said).not.toContain('\n');
    const content = Buffer.from(text).toString('latin1');
    for (const word of content.split(/\s+/).filter((word) => word.length > 20 && !word.startsWith('#'))) {
      expect(said).not.toContain(word.slice(0, 20));
    }
  });

  test('64 KB are taken', () => {
    const comment = `#${'x'.repeat(65_536 - HEX.length - 2)}\n`;
    expect(hexOf(readKeys('--key-file', fileWith(`${comment}${HEX}`)))).toEqual([HEX]);
  });
});

describe('what is no file', () => {
  test('none at all', () => {
    expect(refusal(join(folder, 'nothing'))).toBe(`--key-file: ${join(folder, 'nothing')} cannot be read (ENOENT)`);
  });

  test('a folder', () => {
    mkdirSync(join(folder, 'a-folder'), { mode: 0o700 });
    expect(refusal(join(folder, 'a-folder'))).toContain('is no regular file');
  });

  test('a pipe that nobody writes to, at once', (context) => {
    context.skip(process.platform === 'win32', 'no named pipes in folders here');
    execFileSync('mkfifo', ['-m', '600', join(folder, 'a-pipe')]);
    expect(refusal(join(folder, 'a-pipe'))).toContain('is no regular file');
  });

  test('a link is what it leads to', (context) => {
    context.skip(process.platform === 'win32', 'links take a right there');
    symlinkSync(fileWith(HEX), join(folder, 'good-link'));
    symlinkSync(fileWith(HEX, 0o644), join(folder, 'bad-link'));
    expect(hexOf(readKeys('--key-file', join(folder, 'good-link')))).toEqual([HEX]);
    expect(refusal(join(folder, 'bad-link'))).toContain('chmod 600');
  });
});

describe('who may read it', () => {
  test.each(['600', '400', '700'])('mode %s of its own user: taken', (mode) => {
    expect(hexOf(readKeys('--key-file', fileWith(HEX, Number.parseInt(mode, 8))))).toEqual([HEX]);
  });

  test.for([...[0o640, 0o620, 0o610, 0o604, 0o602, 0o644, 0o666]])(
    'mode %o of its own user: refused',
    (mode, { skip }) => {
      skip(process.geteuid === undefined, 'no modes here');
      const path = fileWith(HEX, mode);
      expect(refusal(path)).toBe(`--key-file: ${path} may be read or written by others: chmod 600 ${path}`);
    },
  );

  const NOBODY = 65_534;
  const outcomes: [sentence: string, owner: [number, number], mode: number, reader: number, outcome: string][] = [
    ['another user’s, read by root', [NOBODY, NOBODY], 0o600, 0, HEX],
    ['another user’s whose group may read, read by root', [NOBODY, NOBODY], 0o640, 0, HEX],
    ['another user’s that all may read', [NOBODY, NOBODY], 0o644, 0, 'may be read by all'],
    [
      'another user’s that its group may write',
      [NOBODY, NOBODY],
      0o660,
      0,
      'or written by others than its owner (uid 65534)',
    ],
    ['another user’s that its group may run', [NOBODY, NOBODY], 0o650, 0, 'chmod 600'],
    ['root’s, given to the reader’s group', [0, NOBODY], 0o440, NOBODY, HEX],
    ['root’s, given to the reader’s group to write', [0, NOBODY], 0o660, NOBODY, 'chmod 600'],
    ['root’s, for all to read', [0, NOBODY], 0o444, NOBODY, 'may be read by all'],
    ['root’s alone', [0, 0], 0o600, NOBODY, 'cannot be read (EACCES)'],
    ['the reader’s own', [NOBODY, NOBODY], 0o400, NOBODY, HEX],
    ['the reader’s own, shared with its group', [NOBODY, NOBODY], 0o440, NOBODY, 'chmod 600'],
  ];
  test.for(outcomes)('%s', ([, [uid, gid], mode, reader, outcome], { skip }) => {
    skip(!isRoot, 'giving files away needs root');
    const path = fileWith(HEX, mode);
    chownSync(path, uid, gid);
    expect(readAs(reader, path)).toContain(outcome);
  });
});

/** What readKeys of the build says to a process of that user and group: the first key, or its refusal. */
function readAs(user: number, path: string): string {
  const program = join(folder, 'program');
  mkdirSync(program, { recursive: true });
  for (const file of ['key-file.js', 'usage-error.js']) {
    copyFileSync(join(import.meta.dirname, '../dist', file), join(program, file));
  }
  writeFileSync(join(program, 'package.json'), '{"type":"module"}');
  const script = `import { readKeys } from ${JSON.stringify(join(program, 'key-file.js'))};
    try { console.log(Buffer.from(readKeys('--key-file', ${JSON.stringify(path)})[0]).toString('hex')); }
    catch (error) { console.log(error.name, error.message); }`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    ...{ cwd: folder, uid: user, gid: user, encoding: 'utf8' },
  });
  return stdout + stderr;
}
