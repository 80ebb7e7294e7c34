import { expect, test } from 'vitest';
import { framingOfRequest, successorOf } from '../src/framing.ts';

test.each<[string, string[], unknown]>([
  ['1.1', [], { kind: 'none' }],
  ['1.1', ['Content-Length', '0'], { kind: 'content-length', length: 0 }],
  ['1.0', ['CONTENT-LENGTH', '9007199254740991'], { kind: 'content-length', length: 9007199254740991 }],
  ['1.1', ['Content-Length', '5,5', 'content-length', ' 5'], { kind: 'content-length', length: 5 }],
  ['1.1', ['Content-Length', '05, 5'], { kind: 'content-length', length: 5 }],
  ['1.1', ['Content-Length', '5,'], 'content-length-invalid'],
  ['1.1', ['Content-Length', '0x5'], 'content-length-invalid'],
  ['1.1', ['Content-Length', '5 5'], 'content-length-invalid'],
  ['1.1', ['Content-Length', '5', 'Content-Length', '6'], 'content-length-conflict'],
  ['1.1', ['Transfer-Encoding', 'chunked'], { kind: 'chunked' }],
  ['1.1', ['Transfer-Encoding', 'gzip', 'transfer-encoding', 'CHUNKED\t'], { kind: 'chunked' }],
  ['1.1', ['Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'identity'], 'transfer-encoding-not-chunked'],
  ['1.1', ['Transfer-Encoding', 'xchunked'], 'transfer-encoding-not-chunked'],
  ['1.1', ['Transfer-Encoding', 'chunked;q=1'], 'transfer-encoding-not-chunked'],
  ['1.1', ['Transfer-Encoding', '\u00a0chunked'], 'transfer-encoding-not-chunked'],
  ['1.1', ['Transfer-Encoding', ''], 'transfer-encoding-not-chunked'],
  ['1.0', ['Transfer-Encoding', 'chunked'], 'transfer-encoding-in-http-1.0'],
  ['1.1', ['Transfer-Encoding', 'chunked', 'Content-Length', '5'], 'transfer-encoding-and-content-length'],
  ['1.1', ['Content_Length', '5', 'X-Transfer-Encoding', 'chunked'], { kind: 'none' }],
])('HTTP/%s with %j', (version, headers, expected) => {
  expect(framingOfRequest(version, headers)).toEqual(expected);
});

test('what may follow a request instead of HTTP', () => {
  expect(successorOf('CONNECT', [])).toBe('connect');
  expect(successorOf('GET', ['Connection', 'keep-alive', 'connection', 'close, UPGRADE', 'upgrade', 'h2c'])).toBe(
    'h2c',
  );
  expect(successorOf('GET', ['Connection', 'upgrade', 'Upgrade', 'WebSocket'])).toBe('websocket');
  expect(successorOf('GET', ['Connection', 'upgrade', 'Upgrade', 'TLS/1.0, HTTP/1.1'])).toBe('upgrade');
  expect(successorOf('GET', ['Connection', 'upgrade'])).toBe(undefined);
  expect(successorOf('GET', ['Connection', 'no-upgrade', 'Upgrade', 'h2c'])).toBe(undefined);
});

test('a value of nothing but blanks takes time that is linear in its length', () => {
  const blanks = ' '.repeat(250_000);
  const started = process.cpuUsage().user;
  for (const name of ['Content-Length', 'Transfer-Encoding', 'Connection'])
    framingOfRequest('1.1', [name, `1${blanks}2`]);
  expect(successorOf('GET', ['Connection', `a${blanks}b`, 'Upgrade', 'x'])).toBe(undefined);
  expect(process.cpuUsage().user - started).toBeLessThan(2_000_000);
});
