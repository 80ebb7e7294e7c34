// The list of undici's changes, proven by the bytes that it writes to a raw TCP server; and what it cannot say.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OddServer, openOddServer } from '../../../test/kit/odd-server.ts';
import { comparableHeaders, createReplayer, outgoingChanges, type ReplayerOptions } from '../src/index.ts';
import { aRequest, expectBalance, type RequestFields } from './a-request.ts';

let server: OddServer;
beforeAll(async () => {
  server = await openOddServer();
});
afterAll(() => server.close());

/** What the server gets of a request; where nothing came, why. */
async function sentAs(request: RequestFields, options: Partial<ReplayerOptions> = {}, basePath = ''): Promise<string> {
  const before = server.requests.length;
  await using replayer = createReplayer({
    targets: [`http://127.0.0.1:${server.port}${basePath}`],
    mark: false,
    forwarder: 'undici',
    ...options,
  });
  replayer.send(aRequest(request));
  await replayer.drain();
  const ledger = replayer.ledger().targets[0]!;
  expectBalance(ledger);
  const [sent] = server.requests.slice(before);
  return sent?.replaceAll(String(server.port), 'PORT') ?? Object.keys({ ...ledger.skipped, ...ledger.failed }).join();
}

const lines = (...all: string[]): string => `${all.join('\r\n')}\r\n\r\n`;
const HEAD = ['host: 127.0.0.1:PORT', 'connection: keep-alive'];

describe('what undici writes', () => {
  test.each<[string, RequestFields, string]>([
    [
      'order, case, repeats, empty values and obs-text of headers stay',
      { headers: ['X-B', '1', 'Host', 'p', 'aCCept', '*/*', 'X-B', '2', 'x-empty', '', 'X-Obs', 'caf\xe9 \xff'] },
      lines('GET / HTTP/1.1', ...HEAD, 'X-B: 1', 'aCCept: */*', 'X-B: 2', 'x-empty: ', 'X-Obs: caf\xe9 \xff'),
    ],
    [
      'the target stays as it is',
      { target: '//a/../b/%00?q=%zz&\xe4#f' },
      lines('GET //a/../b/%00?q=%zz&\xe4#f HTTP/1.1', ...HEAD),
    ],
    ['any token is a method', { method: 'm-SEARCH' }, lines('m-SEARCH / HTTP/1.1', ...HEAD)],
    [
      'an absolute form is sent as its path and query',
      { target: 'http://production.example/a?b=http://c/' },
      lines('GET /a?b=http://c/ HTTP/1.1', ...HEAD),
    ],
    ['an absolute form without path', { target: 'HTTP://p?q' }, lines('GET /?q HTTP/1.1', ...HEAD)],
    ['HTTP/1.0 becomes 1.1 and gets a Host', { version: 'HTTP/1.0', headers: [] }, lines('GET / HTTP/1.1', ...HEAD)],
    [
      'hop-by-hop headers go, the others stay',
      {
        headers: [
          ...['Host', 'p', 'Connection', 'close, TE', 'Keep-Alive', 'timeout=5', 'Proxy-Connection', 'keep-alive'],
          ...['TE', 'trailers', 'Upgrade', 'h2c', 'Expect', '100-continue', 'Upgrade-Insecure-Requests', '1'],
        ],
      },
      lines('GET / HTTP/1.1', ...HEAD, 'Proxy-Connection: keep-alive', 'TE: trailers', 'Upgrade-Insecure-Requests: 1'),
    ],
    [
      'a body with its length',
      { method: 'POST', headers: ['Content-Length', '3', 'Content-Type', 't/t'], body: 'a\xffb' },
      `${lines('POST / HTTP/1.1', ...HEAD, 'Content-Type: t/t', 'content-length: 3')}a\xffb`,
    ],
    [
      'a GET with a body',
      { headers: ['Content-Length', '3'], body: 'abc' },
      `${lines('GET / HTTP/1.1', ...HEAD, 'content-length: 3')}abc`,
    ],
    ['a POST without a body', { method: 'POST', headers: [] }, lines('POST / HTTP/1.1', ...HEAD, 'content-length: 0')],
    [
      'a DELETE with length 0',
      { method: 'DELETE', headers: ['Content-Length', '0'] },
      lines('DELETE / HTTP/1.1', ...HEAD),
    ],
    [
      'a chunked body goes out chunked, in one chunk, without its trailers',
      {
        method: 'PUT',
        headers: ['Transfer-Encoding', 'chunked', 'Trailer', 'X-T'],
        framing: 'chunked',
        body: 'hello chunks',
        trailers: ['X-T', '1'],
      },
      `${lines('PUT / HTTP/1.1', ...HEAD, 'Trailer: X-T', 'transfer-encoding: chunked')}c\r\nhello chunks\r\n0\r\n\r\n`,
    ],
    [
      'an empty chunked body goes out as none',
      { method: 'PUT', headers: ['Transfer-Encoding', 'chunked'], framing: 'chunked' },
      lines('PUT / HTTP/1.1', ...HEAD, 'content-length: 0'),
    ],
    ['HEAD closes its connection', { method: 'HEAD' }, lines('HEAD / HTTP/1.1', HEAD[0]!, 'connection: close')],
  ])('%s', async (_sentence, request, expected) => {
    expect(await sentAs(request)).toBe(expected);
  });

  test('the base path goes in front', async () => {
    expect(await sentAs({ target: '/a?b' }, {}, '/base/x/')).toMatch(/^GET \/base\/x\/a\?b HTTP/);
    expect(await sentAs({ target: 'http://p' }, {}, '/base')).toMatch(/^GET \/base\/ HTTP/);
  });

  test('the original Host stays where it is asked for', async () => {
    expect(await sentAs({ headers: ['A', 'b', 'HOST', 'p:81'] }, { originalHost: true })).toBe(
      lines('GET / HTTP/1.1', 'host: p:81', 'connection: keep-alive', 'A: b'),
    );
  });

  test('the mark is added once', async () => {
    expect(await sentAs({ headers: ['A', 'b'] }, { mark: true })).toBe(
      lines('GET / HTTP/1.1', ...HEAD, 'A: b', 'Gor-Replayed: 1'),
    );
    expect(await sentAs({ headers: ['gor-replayed', '1'] }, { mark: true })).toBe(
      lines('GET / HTTP/1.1', ...HEAD, 'gor-replayed: 1'),
    );
  });

  test('a target of 15,000 characters stays whole', async () => {
    const target = `/${'a'.repeat(15_000)}`;
    expect(await sentAs({ target })).toBe(lines(`GET ${target} HTTP/1.1`, ...HEAD));
  });
});

describe('what undici cannot say goes exactly, and is counted', () => {
  test.each<[string, RequestFields, string]>([
    ['OPTIONS *', { method: 'OPTIONS', target: '*' }, lines('OPTIONS * HTTP/1.1', 'Host: 127.0.0.1:PORT')],
    ['a target without a slash', { target: 'a/b' }, lines('GET a/b HTTP/1.1', 'Host: 127.0.0.1:PORT')],
    ['a target with a blank', { target: '/a b' }, lines('GET /a b HTTP/1.1', 'Host: 127.0.0.1:PORT')],
    ['a method that is no token', { method: 'G{T' }, lines('G{T / HTTP/1.1', 'Host: 127.0.0.1:PORT')],
    [
      'two Hosts',
      { headers: ['Host', 'a', 'host', 'b'] },
      lines('GET / HTTP/1.1', 'Host: 127.0.0.1:PORT', 'host: 127.0.0.1:PORT'),
    ],
    [
      'a transfer coding besides chunked',
      { headers: ['Transfer-Encoding', 'gzip, chunked'], framing: 'chunked', body: 'x' },
      `${lines('GET / HTTP/1.1', 'Transfer-Encoding: gzip, chunked')}1\r\nx\r\n0\r\n\r\n`,
    ],
    ['a control character in a value', { headers: ['A', 'b\x01'] }, lines('GET / HTTP/1.1', 'A: b\x01')],
    ['a name that is no token', { headers: ['A b', 'c'] }, lines('GET / HTTP/1.1', 'A b: c')],
    ['a bare CR in a value', { headers: ['A', 'b\rc'] }, lines('GET / HTTP/1.1', 'A: b\rc')],
  ])('%s', async (_sentence, request, expected) => {
    const replayer = createReplayer({
      targets: [`http://127.0.0.1:${server.port}`],
      mark: false,
      forwarder: 'undici',
      connections: 1,
    });
    const before = server.requests.length;
    for (const each of [{}, request, {}]) replayer.send(aRequest(each));
    await replayer.drain();
    await replayer.close();
    const [ledger] = replayer.ledger().targets;
    expectBalance(ledger!);
    expect(ledger).toMatchObject({ answered: 3, sentExactly: 1, skipped: {}, failed: {} });
    expect(server.requests[before + 1]!.replaceAll(String(server.port), 'PORT')).toBe(expected);
  });

  test.each<[string, RequestFields, string]>([
    ['CONNECT is not sent', { method: 'CONNECT', target: 'a:443' }, 'connect'],
    ['nor is an upgrade', { headers: ['Connection', 'keep-alive, Upgrade', 'Upgrade', 'websocket'] }, 'upgrade'],
    [
      'nor fields that break out of their line',
      { headers: ['A', 'b\r\nEvil: 1'], bodyStart: undefined },
      'cannot-send',
    ],
  ])('%s', async (_sentence, request, reason) => {
    expect(await sentAs(request)).toBe(reason);
  });
});

describe('the lists', () => {
  const captured = ['Host', 'p', 'B', '1', 'content-LENGTH', '3', 'a', '2', 'Connection', 'close', 'B', '3'];
  const asIs = ['B', '1', 'a', '2', 'B', '3'];

  test('comparable headers are those that no change names, in their order', () => {
    expect(comparableHeaders(captured)).toEqual(['B', '1', 'content-LENGTH', '3', 'a', '2', 'B', '3']);
    expect(comparableHeaders(captured, 'undici')).toEqual(asIs);
    const sent = ['host', 's', 'connection', 'keep-alive', ...asIs, 'Gor-Replayed', '1', 'content-length', '3'];
    expect(comparableHeaders(sent, 'undici')).toEqual(asIs);
  });

  test.each(['exact', 'undici'] as const)('every change of %s says what and why', (forwarder) => {
    for (const change of outgoingChanges[forwarder]) {
      expect(change.name).toBe(change.name.toLowerCase());
      expect(change.why).not.toBe('');
    }
  });
});
