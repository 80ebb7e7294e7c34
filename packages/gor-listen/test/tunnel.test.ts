// Which answers end HTTP on a connection.
import { expect, test } from 'vitest';
import { latin1 } from '../../../test/kit/every-split.ts';
import { isAgreement } from '../src/tunnel.ts';

test.each<['connect' | 'upgrade', string, boolean]>([
  ['connect', 'HTTP/1.1 200 Connection established\r\n\r\n', true],
  ['connect', 'HTTP/1.0 299 \r\n\r\n', true],
  ['connect', 'HTTP/1.1 407 Proxy Authentication Required\r\n', false],
  ['connect', 'HTTP/1.1 101 Switching Protocols\r\n', false],
  ['connect', 'HTTP/1.1 100 Continue\r\n\r\n', false],
  ['upgrade', 'HTTP/1.1 101 Switching Protocols\r\n', true],
  ['upgrade', 'HTTP/1.1 200 OK\r\n', false],
  ['upgrade', 'HTTP/1.1 10', false],
  ['upgrade', 'HTTP/2.0 101 no such thing', false],
  ['connect', '\x16\x03\x01 200 200 200 200', false],
  ['connect', '', false],
])('to %s: %j', (asked, answer, expected) => {
  expect(isAgreement(asked, latin1(answer))).toBe(expected);
});
