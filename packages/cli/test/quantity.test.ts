import { describe, expect, test } from 'vitest';
import { UsageError } from '../src/index.ts';
import {
  formatBytes,
  formatDuration,
  formatHostPort,
  formatPercent,
  parseBytes,
  parseCount,
  parseDurationMs,
  parseHostPort,
  parseList,
  parsePort,
} from '../src/quantity.ts';

describe('parsed', () => {
  test.each([
    ['4096', 4096],
    ['8mb', 8 * 1024 * 1024],
    ['8MB', 8 * 1024 * 1024],
    ['1.5kb', 1536],
    ['64 b', 64],
    ['1gb', 1024 ** 3],
  ])('the size %s is %i bytes', (text, bytes) => {
    expect(parseBytes('--max-body', text)).toBe(bytes);
  });

  test.each([
    ['1s', 1000],
    ['500ms', 500],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['10', 10_000],
    ['0', 0],
    ['0.5s', 500],
  ])('the duration %s is %i ms', (text, ms) => {
    expect(parseDurationMs('--buffer', text)).toBe(ms);
  });

  test.each([
    ['replay.server.local', { host: 'replay.server.local', port: 28020 }],
    ['replay.server.local:9', { host: 'replay.server.local', port: 9 }],
    ['10.0.0.1:28021', { host: '10.0.0.1', port: 28021 }],
    ['[::1]:5', { host: '::1', port: 5 }],
    ['[fe80::1%eth0]', { host: 'fe80::1%eth0', port: 28020 }],
    ['::1', { host: '::1', port: 28020 }],
  ])('the address %s', (text, expected) => {
    expect(parseHostPort('--replay', text, 28020)).toEqual(expected);
  });

  test('a list loses the blanks around its parts', () => {
    expect(parseList('--port', '80, 8080')).toEqual(['80', '8080']);
  });
});

describe('refused, with the flag and the value named', () => {
  test.each([
    ['--max-body', () => parseBytes('--max-body', '8 potatoes'), '8 potatoes'],
    ['--max-body', () => parseBytes('--max-body', '0'), '0'],
    ['--max-body', () => parseBytes('--max-body', '-1'), '-1'],
    ['--buffer', () => parseDurationMs('--buffer', 'soon'), 'soon'],
    ['--buffer', () => parseDurationMs('--buffer', '600h'), '600h'],
    ['--port', () => parsePort('--port', '0'), '0'],
    ['--port', () => parsePort('--port', '65536'), '65536'],
    ['--port', () => parsePort('--port', '8o'), '8o'],
    ['--connections', () => parseCount('--connections', '0', 1, 10), '0'],
    ['--port', () => parseList('--port', '80,,81'), '80,,81'],
    ['--replay', () => parseHostPort('--replay', 'host:notaport', 1), 'notaport'],
    ['--replay', () => parseHostPort('--replay', 'http://host', 1), 'http://host'],
    ['--replay', () => parseHostPort('--replay', '', 1), ''],
  ])('%s', (flag, parse, value) => {
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(flag);
    expect(parse).toThrow(`"${value}"`);
  });
});

test.each([
  [formatBytes(8 * 1024 * 1024), '8 MB'],
  [formatBytes(1536), '1.5 KB'],
  [formatBytes(17), '17 B'],
  [formatPercent(0.5), '50%'],
  [formatPercent(1 / 256), '0.4%'],
  [formatPercent(0.07), '7%'],
  [formatDuration(250), '250 ms'],
  [formatDuration(1500), '1.5 s'],
  [formatDuration(120_000), '2 m'],
  [formatHostPort('::1', 80), '[::1]:80'],
  [formatHostPort('a', 80), 'a:80'],
])('%s is printed as %s', (printed, expected) => {
  expect(printed).toBe(expected);
});
