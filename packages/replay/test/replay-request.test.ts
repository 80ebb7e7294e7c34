// Requests made by hand: what a server gets of them, by both forwarders, and what is refused by name.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OddServer, openOddServer } from '../../../test/kit/odd-server.ts';
import { createReplayer, type RequestParts, replayRequest } from '../src/index.ts';
import { expectBalance } from './a-request.ts';

let server: OddServer;
beforeAll(async () => {
  server = await openOddServer();
});
afterAll(() => server.close());

/** The message that the server got. */
async function sentAs(parts: RequestParts | undefined, forwarder: 'exact' | 'undici'): Promise<string> {
  const before = server.requests.length;
  await using replayer = createReplayer({ targets: [`http://127.0.0.1:${server.port}`], mark: false, forwarder });
  replayer.send(replayRequest(parts));
  await replayer.drain();
  const ledger = replayer.ledger().targets[0]!;
  expectBalance(ledger);
  expect(ledger).toMatchObject({ answered: 1, failed: {}, skipped: {} });
  return server.requests.slice(before).join('').replaceAll(String(server.port), 'PORT');
}

const lines = (...all: string[]): string => `${all.join('\r\n')}\r\n\r\n`;
const HOST = 'Host: 127.0.0.1:PORT';

describe('what a server gets', () => {
  test.each<[string, RequestParts | undefined, string]>([
    ['of nothing at all', undefined, lines('GET / HTTP/1.1', HOST)],
    [
      'method, target and headers as they are given',
      {
        method: 'm-SEARCH',
        target: '//a/%00?q=\xe4',
        headers: ['x-B', '1', 'Host', 'other', 'x-b', '', 'X-B', '2 \xe9'],
      },
      lines('m-SEARCH //a/%00?q=\xe4 HTTP/1.1', 'x-B: 1', HOST, 'x-b: ', 'X-B: 2 \xe9'),
    ],
    [
      'headers by name, behind Host',
      { headers: { Accept: '*/*', 'x-a': 'b' } },
      lines('GET / HTTP/1.1', HOST, 'Accept: */*', 'x-a: b'),
    ],
    [
      'a text as UTF-8 with its length in bytes, by POST',
      { body: 'ä€' },
      `${lines('POST / HTTP/1.1', HOST, 'Content-Length: 5')}\xc3\xa4\xe2\x82\xac`,
    ],
    [
      'bytes, and a GET that has a body',
      { method: 'GET', body: Uint8Array.of(0, 255), headers: { 'content-length': '2' } },
      `${lines('GET / HTTP/1.1', HOST, 'content-length: 2')}\x00\xff`,
    ],
    [
      'a body in one chunk, where that is asked for',
      { body: 'abc', headers: { 'Transfer-Encoding': 'chunked' } },
      `${lines('POST / HTTP/1.1', HOST, 'Transfer-Encoding: chunked')}3\r\nabc\r\n0\r\n\r\n`,
    ],
    ['OPTIONS *', { method: 'OPTIONS', target: '*' }, lines('OPTIONS * HTTP/1.1', HOST)],
  ])('%s', async (_sentence, parts, expected) => {
    expect(await sentAs(parts, 'exact')).toBe(expected);
  });

  test('the same by undici, but for its own changes', async () => {
    const sent = await sentAs({ target: '/a', headers: { 'x-a': 'b' }, body: 'abc' }, 'undici');
    expect(sent).toMatch(/^POST \/a HTTP\/1\.1\r\nhost: 127\.0\.0\.1:PORT\r\n.*\r\n\r\nabc$/s);
  });
});

test('each goes on a connection of its own, unless one is given', () => {
  const [one, other] = [replayRequest(), replayRequest()];
  expect(one.connection).not.toBe(other.connection);
  expect(replayRequest({ connection: 7 }).connection).toBe(7);
});

describe('what cannot be said is refused by name', () => {
  test.each<[string, RequestParts, RegExp]>([
    ['a method that is no token', { method: 'GET /' }, /method is "GET \/"; it must be a token/],
    ['an empty method', { method: '' }, /method is ""/],
    ['a target with a blank', { target: '/a b' }, /target is "\/a b"; .* percent-encoded/],
    ['a target with a line end', { target: '/\r\nEvil: 1' }, /target is/],
    ['an empty target', { target: '' }, /target is ""/],
    ['a target beyond Latin-1', { target: '/€' }, /target is "\/€"/],
    ['a name without a value', { headers: ['a', 'b', 'c'] }, /headers has 3 texts/],
    ['a name that is no token', { headers: { 'a b': 'c' } }, /headers has "a b"; a name is a token/],
    ['a value with a line end', { headers: { a: 'b\r\nEvil: 1' } }, /the value of a is one line of Latin-1/],
    ['a value beyond Latin-1', { headers: { a: '€' } }, /headers has "€"/],
    ['another length than the body has', { body: 'abc', headers: { 'Content-Length': '4' } }, /the body has 3 bytes/],
    ['another coding than chunked', { headers: { 'Transfer-Encoding': 'gzip' } }, /Transfer-Encoding is gzip/],
    [
      'a length beside chunks',
      { body: 'a', headers: { 'Transfer-Encoding': 'chunked', 'Content-Length': '1' } },
      /without Content-Length/,
    ],
  ])('%s', (_sentence, parts, message) => {
    expect(() => replayRequest(parts)).toThrow(TypeError);
    expect(() => replayRequest(parts)).toThrow(message);
  });
});
