import { describe, expect, test } from 'vitest';
import { ledgerLines, nearest, StatsLine, terminalText } from '../src/index.ts';

describe('nearest', () => {
  test.each([
    ['prot', ['port', 'replay'], 'port'],
    ['prto', ['port', 'replay'], 'port'],
    ['insecuer', ['insecure', 'interface'], 'insecure'],
    ['zzzzz', ['port', 'replay'], undefined],
    ['', ['port'], undefined],
  ])('to %j among %j is %j', (word, candidates, expected) => {
    expect(nearest(word, candidates)).toBe(expected);
  });
});

describe('terminalText', () => {
  test.each([
    ['plain text', 'plain text'],
    ['\x1b[2Jgone', '\\x1b[2Jgone'],
    ['caf\xe9', 'caf\\xe9'],
    ['a\\b', 'a\\\\b'],
    ['\u202e', '\\u202e'],
    ['line\r\nbreak', 'line\\x0d\\x0abreak'],
  ])('of %j', (text, expected) => {
    expect(terminalText(text)).toBe(expected);
  });
});

test('a ledger is shown a line a name, its groups indented, its counts by reason in one line without the zeros', () => {
  const ledger = {
    captured: 1234,
    dropped: { 'body-too-long': 2, gap: 0, unfinished: 1 },
    sessions: [{ id: 'a\x1b', lost: 0 }],
    failed: {},
    frames: { seen: 3, rejected: { 'not-tcp': 0 } },
    kernelDrops: null,
    left: undefined,
  };
  expect(ledgerLines(ledger)).toEqual([
    'captured                   1234',
    'dropped                    body-too-long 2, unfinished 1',
    'sessions 1',
    '  id                       a\\x1b',
    '  lost                     0',
    'failed                     none',
    'frames',
    '  seen                     3',
    '  rejected                 none',
    'kernel drops               -',
  ]);
});

describe('the stats line', () => {
  test('is rewritten on a terminal, and lines that stay go above it', () => {
    const written: string[] = [];
    const line = new StatsLine({ isTTY: true, columns: 40, write: (text) => written.push(text) });
    line.show('one');
    line.show('two');
    line.print('stays');
    line.end();
    expect(written).toEqual(['\r\x1b[Kone', '\r\x1b[Ktwo', '\r\x1b[Kstays\ntwo', '\n']);
  });

  test('leaves lines out while its reader is too slow, and then says how many', () => {
    const written: string[] = [];
    const output = { writableLength: 0, write: (text: string) => written.push(text) };
    const line = new StatsLine(output);
    output.writableLength = 2 * 1024 * 1024;
    line.print('lost');
    line.show('lost');
    output.writableLength = 0;
    line.print('stays');
    line.print('more');
    expect(written).toEqual(['… 2 lines left out: their reader was too slow\n', 'stays\n', 'more\n']);
  });

  test('is a line each time elsewhere', () => {
    const written: string[] = [];
    const line = new StatsLine({ write: (text) => written.push(text) });
    line.show('one');
    line.print('stays');
    line.end();
    expect(written).toEqual(['one\n', 'stays\n']);
  });
});
