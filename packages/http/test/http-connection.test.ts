import { describe, expect, test } from 'vitest';
import { latin1 } from '../../../test/kit/every-split.ts';
import { HttpConnection, type HttpConnectionOptions, MemoryBudget } from '../src/index.ts';
import { expectResponseCountersBalance } from './every-way.ts';

const get = (target: string, method = 'GET'): string => `${method} ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;
const put = (target: string, body: string, extra = ''): string =>
  `PUT ${target} HTTP/1.1\r\nContent-Length: ${body.length}\r\n${extra}\r\n${body}`;
const ok = (body: string, status = '200 OK'): string =>
  `HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const EXPECT = 'Expect: 100-continue\r\n';
const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
const upgrade = `GET /u HTTP/1.1\r\n${UPGRADE}\r\n`;

/** What one side does: bytes, a gap of so many, an end for that reason; `at` in ms, one more than the step before by default. */
type Step = readonly [side: 'C' | 'S', what: string | number | { readonly end: string } | 'midstream', atMs?: number];

function recorded(options: Partial<HttpConnectionOptions> = {}) {
  const events: string[] = [];
  const connection = new HttpConnection({
    onRequest: ({ target }) => events.push(`> ${target}`),
    onReject: ({ reason }) => events.push(`> reject ${reason}`),
    onResponse: ({ status, bodyLength, request }) =>
      events.push(
        `< ${status}${bodyLength > 0 ? ` ${bodyLength}` : ''} ${request === undefined ? '?' : request.target}`,
      ),
    onResponseReject: ({ reason }) => events.push(`< reject ${reason}`),
    onOpaque: (tunnel) => events.push(`opaque ${tunnel}`),
    onOtherProtocol: (protocol) => events.push(`protocol ${protocol}`),
    ...options,
  });
  return { connection, events };
}

/** Both sides' sums; `told`: the bytes that each was given, where all of them are to be accounted for. */
function expectBalances(connection: HttpConnection, told?: { readonly C: number; readonly S: number }): void {
  const { requestCounters: ofRequests, responseCounters: ofResponses, pendingBytes } = connection;
  const rejects = Object.values(ofRequests.rejected).reduce((sum, count) => sum + count, 0);
  expect(ofRequests.begun).toBe(ofRequests.requests + rejects + (connection.isInRequest ? 1 : 0));
  const [read, readOfServer] = [ofRequests, ofResponses].map(
    ({ deliveredBytes, rejectedBytes, skippedBytes }) => deliveredBytes + rejectedBytes + skippedBytes,
  );
  expectResponseCountersBalance(ofResponses, connection.isInResponse, ofResponses.pushedBytes - readOfServer!);
  if (told !== undefined)
    expect(told).toEqual({ C: read! + pendingBytes.client, S: readOfServer! + pendingBytes.server });
}

function play(steps: readonly Step[], pieceBytes: number, options: Partial<HttpConnectionOptions> = {}): string[] {
  const { connection, events } = recorded(options);
  let nowMs = 1_000_000;
  const toldBytes = { C: 0, S: 0 };
  for (const [side, what, atMs] of steps) {
    nowMs = atMs === undefined ? nowMs + 1 : 1_000_000 + atMs;
    const stream = side === 'C' ? connection.client : connection.server;
    if (what === 'midstream') stream.start('midstream', nowMs * 1000);
    else if (typeof what === 'number') stream.gap(what, nowMs * 1000);
    else if (typeof what === 'object') stream.end(what.end, nowMs * 1000);
    else {
      const bytes = latin1(what);
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        const lent = bytes.slice(at, at + pieceBytes);
        stream.data(lent, nowMs * 1000);
        toldBytes[side] += lent.length;
        lent.fill(0xee);
        expectBalances(connection, toldBytes);
      }
    }
    expectBalances(connection, toldBytes);
  }
  connection.client.end('closed', nowMs * 1000);
  connection.server.end('closed', nowMs * 1000);
  expectBalances(connection, toldBytes);
  expect([connection.requestCounters.pushedBytes, connection.responseCounters.pushedBytes]).toEqual([
    toldBytes.C,
    toldBytes.S,
  ]);
  expect([connection.pendingBytes, connection.isInRequest, connection.isInResponse]).toEqual([
    { client: 0, server: 0 },
    false,
    false,
  ]);
  return events;
}

function everyWay(steps: readonly Step[]): string[] {
  const whole = play(steps, 1e6);
  const bytes = steps.reduce((most, [, what]) => Math.max(most, typeof what === 'string' ? what.length : 0), 0);
  for (let pieceBytes = 1; pieceBytes < bytes; pieceBytes++)
    expect(play(steps, pieceBytes), `pieces of ${pieceBytes}`).toEqual(whole);
  return whole;
}

describe('which request a response answers', () => {
  test.each<[string, Step[], string[]]>([
    [
      'one after the other',
      [
        ['C', get('/1')],
        ['S', ok('a')],
        ['C', get('/2')],
        ['S', ok('bc')],
      ],
      ['> /1', '< 200 1 /1', '> /2', '< 200 2 /2'],
    ],
    [
      'pipelined',
      [
        ['C', get('/1') + get('/2') + get('/3')],
        ['S', ok('a') + ok('bc')],
        ['S', ok('d')],
      ],
      ['> /1', '> /2', '> /3', '< 200 1 /1', '< 200 2 /2', '< 200 1 /3'],
    ],
    [
      'HEAD: a length and no body',
      [
        ['C', get('/h', 'HEAD') + get('/2')],
        ['S', `HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n${ok('x')}`],
      ],
      ['> /h', '> /2', '< 200 /h', '< 200 1 /2'],
    ],
    [
      'interim responses belong to the same request',
      [
        ['C', put('/1', 'ab', EXPECT).slice(0, -2)],
        ['S', 'HTTP/1.1 100 Continue\r\n\r\n'],
        ['C', 'ab'],
        ['S', ok('a')],
      ],
      ['< 100 /1', '> /1', '< 200 1 /1'],
    ],
    [
      'an answer before the body is whole',
      [
        ['C', put('/1', 'abcd').slice(0, -2)],
        ['S', ok('a', '413 no')],
        ['C', `cd${get('/2')}`],
        ['S', ok('b')],
      ],
      ['< 413 1 /1', '> /1', '> /2', '< 200 1 /2'],
    ],
    [
      'rejected requests count',
      [
        ['C', `GET /0.9\r\n${get('/2')}`],
        ['S', ok('a', '400 x')],
        ['S', ok('b')],
      ],
      ['> reject http-0.9', '> /2', '< 400 1 ', '< 200 1 ?'],
    ],
    [
      'a refused HEAD is still one',
      [
        ['C', 'HEAD /x y z\r\n'],
        ['S', 'HTTP/1.1 400 x\r\nContent-Length: 50\r\n\r\n'],
        ['C', get('/2')],
        ['S', ok('b')],
      ],
      ['> reject malformed-request-line', '< 400 ', '> /2', '< 200 1 /2'],
    ],
    [
      'a request too long, answered',
      [
        ['C', put('/1', 'x'.repeat(40))],
        ['S', ok('a')],
        ['C', get('/2')],
        ['S', ok('b')],
      ],
      ['> reject body-too-long', '< 200 1 /1', '> /2', '< 200 1 /2'],
    ],
    [
      'until the connection closes',
      [
        ['C', get('/1')],
        ['S', 'HTTP/1.0 200 OK\r\n\r\nabc'],
        ['S', { end: 'fin' }],
      ],
      ['> /1', '< 200 3 /1'],
    ],
    [
      'the same, reset',
      [
        ['C', get('/1')],
        ['S', 'HTTP/1.0 200 OK\r\n\r\nabc'],
        ['S', { end: 'reset' }],
      ],
      ['> /1', '< reject unfinished'],
    ],
    [
      'HTTP/0.9',
      [
        ['C', 'GET /1\r\n'],
        ['S', '<html>'],
      ],
      ['> reject http-0.9', '< reject http-0.9'],
    ],
  ])('%s', (_, steps, expected) => {
    expect(play(steps, 1e6, { maxBodyBytes: 30 })).toEqual(expected);
    for (let pieceBytes = 1; pieceBytes < 120; pieceBytes++)
      expect(play(steps, pieceBytes, { maxBodyBytes: 30 })).toEqual(expected);
  });
});

describe('responses that come before their request', () => {
  test.each<[string, Step[], string[]]>([
    [
      'the capture has the answer first',
      [
        ['C', get('/1')],
        ['S', ok('a')],
        ['S', ok('bc')],
        ['C', get('/2')],
      ],
      ['> /1', '< 200 1 /1', '> /2', '< 200 2 /2'],
    ],
    [
      'several wait, each for its own',
      [
        ['C', get('/1')],
        ['S', ok('a') + ok('bc') + ok('def')],
        ['C', get('/2')],
        ['C', get('/3')],
      ],
      ['> /1', '< 200 1 /1', '> /2', '< 200 2 /2', '> /3', '< 200 3 /3'],
    ],
    [
      'a second is enough waiting',
      [
        ['C', get('/1'), 0],
        ['S', ok('a') + ok('bc'), 1],
        ['S', ok('def'), 1001],
        ['C', get('/2'), 1002],
        ['S', ok('ghij')],
      ],
      ['> /1', '< 200 1 /1', '< 200 2 ?', '> /2', '< 200 3 /2', '< 200 4 ?'],
    ],
    [
      'a request that was sent before an answer given up for it was answered by that',
      [
        ['C', get('/1'), 0],
        ['S', ok('a') + ok('bc'), 5],
        ['S', 'H', 1005],
        ['C', get('/2'), 4],
        ['C', get('/3'), 1004],
        ['S', ok('def').slice(1), 1010],
      ],
      ['> /1', '< 200 1 /1', '< 200 2 ?', '> /2', '> /3', '< 200 3 /3'],
    ],
    [
      'the end of the client ends the waiting',
      [
        ['C', get('/1')],
        ['S', ok('a') + ok('bc')],
        ['C', { end: 'fin' }],
        ['S', ok('d')],
      ],
      ['> /1', '< 200 1 /1', '< 200 2 ?', '< 200 1 ?'],
    ],
    [
      'the end of the server, too',
      [
        ['C', get('/1')],
        ['S', ok('a') + ok('bc', '408 x')],
        ['S', { end: 'fin' }],
      ],
      ['> /1', '< 200 1 /1', '< 408 2 ?'],
    ],
    ['nothing was seen of the client', [['S', ok('a') + ok('bc')]], ['< 200 1 ?', '< 200 2 ?']],
    ['nothing was seen of the server', [['C', get('/1') + get('/2')]], ['> /1', '> /2']],
    [
      'a gap in what waits',
      [
        ['C', get('/1')],
        ['S', ok('a') + ok('bc').slice(0, -1)],
        ['S', 1],
        ['S', ok('d')],
      ],
      ['> /1', '< 200 1 /1', '< reject gap', '< 200 1 ?'],
    ],
  ])('%s', (_, steps, expected) => {
    expect(everyWay(steps)).toEqual(expected);
  });

  test('no more than 64 KiB wait', () => {
    const { connection, events } = recorded();
    connection.client.data(latin1(get('/1')), 0);
    connection.server.data(latin1(ok('a')), 1);
    connection.server.data(latin1(ok('b'.repeat(60_000))), 2);
    expect(events).toEqual(['> /1', '< 200 1 /1']);
    expect(connection.pendingBytes.server).toBeGreaterThan(60_000);
    connection.server.data(latin1(ok('c'.repeat(9000))), 3);
    expect(events.slice(2)).toEqual(['< 200 60000 ?']);
    connection.client.end('fin', 4);
    expect(events.slice(3)).toEqual(['< 200 9000 ?']);
    expectBalances(connection);
  });

  test('what the response budget takes away while it waits is skipped, and counted', () => {
    const responseBudget = new MemoryBudget({ limitBytes: 1000 });
    const { connection, events } = recorded({ responseBudget });
    connection.client.data(latin1(get('/1')), 0);
    connection.server.data(latin1(ok('a') + ok('b')), 1);
    const other = recorded({ responseBudget }).connection;
    other.server.data(latin1(`HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n${'x'.repeat(900)}`), 2);
    connection.client.data(latin1(get('/2')), 3);
    connection.server.data(latin1(ok('c')), 4);
    expect(events).toEqual(['> /1', '< 200 1 /1', '> /2', '< 200 1 /2']);
    expect(connection.responseCounters.skippedBytes).toBe(ok('b').length);
    expectBalances(connection);
  });
});

describe('holes', () => {
  test.each<[string, Step[], string[]]>([
    [
      'in a body of known length of a request',
      [
        ['C', put('/1', 'abcd').slice(0, -3)],
        ['C', 2],
        ['C', `d${get('/2')}`],
        ['S', ok('a') + ok('bc')],
      ],
      ['> reject gap', '> /2', '< 200 1 /1', '< 200 2 /2'],
    ],
    [
      'a whole request is missing: its answer is nobody’s',
      [
        ['C', get('/1')],
        ['S', ok('a')],
        ['C', 40],
        ['S', ok('bc')],
        ['C', get('/3')],
        ['S', ok('def')],
      ],
      ['> /1', '< 200 1 /1', '> /3', '< 200 2 ?', '< 200 3 /3'],
    ],
    [
      'a request that waited for its answer before the hole gets it',
      [
        ['C', get('/1')],
        ['C', 40],
        ['S', ok('a')],
        ['C', get('/3')],
        ['S', ok('def')],
      ],
      ['> /1', '< 200 1 /1', '> /3', '< 200 3 /3'],
    ],
    [
      'pipelined over a hole: what is uncertain stays open',
      [
        ['C', get('/1')],
        ['C', 40],
        ['C', get('/3')],
        ['S', ok('a') + ok('bc') + ok('def')],
        ['C', get('/4')],
        ['S', ok('ghij')],
      ],
      ['> /1', '> /3', '< 200 1 /1', '< 200 2 ?', '> /4', '< 200 3 ?', '< 200 4 /4'],
    ],
    [
      'a whole response is missing, of a client that sends one request after the other',
      [
        ['C', get('/0')],
        ['S', ok('a')],
        ['C', get('/1')],
        ['S', 40],
        ['C', get('/2')],
        ['S', ok('bc')],
      ],
      ['> /0', '< 200 1 /0', '> /1', '> /2', '< 200 2 /2'],
    ],
    [
      'a whole response is missing, and nothing tells whether the client waits for responses: nothing is paired any more',
      [
        ['C', get('/1')],
        ['S', 40],
        ['C', get('/2')],
        ['S', ok('bc')],
        ['C', get('/3')],
        ['S', ok('def')],
      ],
      ['> /1', '> /2', '< 200 2 ?', '> /3', '< 200 3 ?'],
    ],
    [
      'a response is cut',
      [
        ['C', get('/1')],
        ['S', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\na'],
        ['S', 40],
        ['C', get('/2')],
        ['S', ok('bc')],
      ],
      ['> /1', '< reject gap', '> /2', '< 200 2 /2'],
    ],
    [
      'in a body of known length of a response',
      [
        ['C', get('/1') + get('/2')],
        ['S', ok('abcd').slice(0, -3)],
        ['S', 2],
        ['S', `d${ok('e')}`],
      ],
      ['> /1', '> /2', '< reject gap', '< 200 1 /2'],
    ],
    [
      'told late: the times say which request was the newest',
      [
        ['C', get('/0'), 0],
        ['S', ok('a'), 0],
        ['C', get('/1'), 5],
        ['C', get('/2'), 20],
        ['C', get('/3'), 40],
        ['S', 40, 10],
        ['S', ok('bc'), 30],
        ['S', ok('def'), 50],
      ],
      ['> /0', '< 200 1 /0', '> /1', '> /2', '> /3', '< 200 2 /2', '< 200 3 /3'],
    ],
    [
      'a client that pipelines, and a hole: nothing is paired any more',
      [
        ['C', get('/1') + get('/2') + get('/3')],
        ['S', ok('a')],
        ['S', 40],
        ['S', ok('def')],
        ['C', get('/4')],
        ['S', ok('ghij')],
      ],
      ['> /1', '> /2', '> /3', '< 200 1 /1', '< 200 3 ?', '> /4', '< 200 4 ?'],
    ],
    [
      'the same, in a packet each',
      [
        ['C', get('/1')],
        ['C', get('/2')],
        ['C', get('/3')],
        ['S', ok('a')],
        ['S', 40],
        ['S', ok('def')],
      ],
      ['> /1', '> /2', '> /3', '< 200 1 /1', '< 200 3 ?'],
    ],
    [
      'seen from its middle on',
      [
        ['C', 'midstream'],
        ['S', 'midstream'],
        ['S', `x\r\n${ok('a')}`],
        ['C', `x\r\n${get('/1')}`],
        ['S', ok('bc')],
      ],
      ['< 200 1 ?', '> /1', '< 200 2 /1'],
    ],
  ])('%s', (_, steps, expected) => {
    expect(everyWay(steps)).toEqual(expected);
  });

  test.each([
    [true, ['> /1', '< 200 1 /1']],
    [false, ['< 200 1 ?', '> /1']],
  ])(
    'a response before the first byte of its client waits, if it is known (%s) that the client is captured',
    (isClientCaptured, lines) => {
      const { connection, events } = recorded({ isClientCaptured });
      connection.server.data(latin1(ok('a')), 1_000);
      connection.client.data(latin1(get('/1')), 2_000);
      expect(events).toEqual(lines);
      expectBalances(connection);
    },
  );

  test('what waits for its answer is bounded; the oldest are forgotten first, and then nothing is certain', () => {
    const budget = new MemoryBudget();
    const { connection, events } = recorded({ budget });
    for (let at = 0; at < 5000; at++) connection.client.data(latin1(get(`/${at}`)), at * 1000);
    expect(budget.heldBytes).toBeLessThan(1024 * 250);
    events.length = 0;
    connection.server.data(latin1(ok('a')), 5_000_000);
    expect(events).toEqual(['< 200 1 ?']);
    expectBalances(connection);
    connection.server.end('fin', 5_000_000);
    expect(budget.heldBytes).toBe(0);
  });

  test('of requests behind the end of the server nothing waits', () => {
    const budget = new MemoryBudget();
    const { client, server } = new HttpConnection({ budget, onRequest: () => {}, onReject: () => {} });
    server.end('fin', 0);
    for (let count = 0; count < 100; count++) client.data(latin1(`GET /${'x'.repeat(1000)} HTTP/1.1\r\n\r\n`), count);
    expect(budget.heldBytes).toBe(0);
    client.end('fin', 100);
    expect(budget).toMatchObject({ heldBytes: 0, heldMessages: 0 });
  });

  test('long targets that wait are given up before the budget is over its limit', () => {
    const budget = new MemoryBudget({ limitBytes: 10_000 });
    const connections = Array.from({ length: 10 }, () => recorded({ budget }).connection);
    for (const connection of connections)
      for (const name of 'ab') connection.client.data(latin1(get(`/${name.repeat(3000)}`)), 1);
    expect(budget.heldBytes).toBeLessThanOrEqual(10_000);
    for (const connection of connections) expectBalances(connection);
  });
});

describe('what the server’s word decides about the client’s stream', () => {
  const inside = get('/inside');
  test.each<[string, Step[], string[]]>([
    [
      'a tunnel is not read, whatever is in it',
      [
        ['C', get('a:1', 'CONNECT')],
        ['S', 'HTTP/1.1 200 OK\r\n\r\n'],
        ['C', inside],
        ['S', ok('x')],
      ],
      ['> a:1', '< 200 a:1', 'opaque connect'],
    ],
    [
      'a refused tunnel: what follows is in step, any method',
      [
        ['C', get('a:1', 'CONNECT')],
        ['S', ok('x', '405 no')],
        ['C', get('/2', 'FOO')],
        ['S', ok('bc')],
      ],
      ['> a:1', '< 405 1 a:1', '> /2', '< 200 2 /2'],
    ],
    [
      'WebSocket',
      [
        ['C', upgrade],
        ['S', 'HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n\x81\x00'],
        ['C', `\x81\x85${inside}`],
      ],
      ['> /u', '< 101 /u', 'opaque websocket'],
    ],
    [
      'WebSocket and requests that look like some',
      [
        ['C', upgrade],
        ['S', 'HTTP/1.1 101 x\r\n\r\n'],
        ['C', inside],
      ],
      ['> /u', '< 101 /u', 'opaque websocket'],
    ],
    [
      'h2c',
      [
        ['C', upgrade.replace('websocket', 'h2c')],
        ['S', 'HTTP/1.1 101 x\r\n\r\n'],
        ['C', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
      ],
      ['> /u', '< 101 /u', 'opaque h2c'],
    ],
    [
      'another protocol',
      [
        ['C', upgrade.replace('websocket', 'foo')],
        ['S', 'HTTP/1.1 101 x\r\n\r\n'],
      ],
      ['> /u', '< 101 /u', 'opaque upgrade'],
    ],
    [
      'a refused upgrade',
      [
        ['C', upgrade],
        ['S', ok('x')],
        ['C', get('/2', 'FOO')],
        ['S', ok('bc')],
      ],
      ['> /u', '< 200 1 /u', '> /2', '< 200 2 /2'],
    ],
    [
      '101 to a request whose body is still coming',
      [
        ['C', put('/1', 'abcd', UPGRADE).slice(0, -2)],
        ['S', 'HTTP/1.1 101 x\r\n\r\n'],
        ['C', `cd${inside}`],
      ],
      ['< 101 /1', 'opaque websocket', '> /1'],
    ],
    [
      'a client that was not seen',
      [['S', `HTTP/1.1 101 x\r\nUpgrade: h2c\r\n\r\n${ok('x')}`]],
      ['< 101 ?', 'opaque h2c'],
    ],
    [
      'no answer seen: by how it looks',
      [
        ['C', upgrade],
        ['C', '\x81\x85abcde'],
      ],
      ['> /u', 'opaque websocket'],
    ],
    [
      'no answer seen: requests',
      [
        ['C', upgrade],
        ['C', inside],
      ],
      ['> /u', '> /inside'],
    ],
  ])('%s', (_, steps, expected) => {
    expect(everyWay(steps)).toEqual(expected);
  });

  const refused = put('/1', 'abcd', EXPECT).slice(0, -4);
  test.each<[string, Step[], string[]]>([
    [
      'refused, the next request',
      [
        ['C', refused],
        ['S', ok('', '417 no')],
        ['C', get('/2')],
        ['S', ok('bc')],
      ],
      ['< 417 /1', '> reject expectation-refused', '> /2', '< 200 2 /2'],
    ],
    [
      'refused, the body all the same',
      [
        ['C', refused],
        ['S', ok('', '417 no')],
        ['C', `abcd${get('/2')}`],
        ['S', ok('bc')],
      ],
      ['< 417 /1', '> /1', '> /2', '< 200 2 /2'],
    ],
    [
      'refused, a body that begins like a request',
      [
        ['C', put('/1', 'GET /2 HTTP/1.1\r\nno', EXPECT).slice(0, -19)],
        ['S', ok('', '417 no')],
        ['C', 'GET /2 HTTP/1.1\r\nno'],
        ['C', get('/2')],
      ],
      ['< 417 /1', '> /1', '> /2'],
    ],
    [
      'refused, the end',
      [
        ['C', refused],
        ['S', ok('', '417 no')],
      ],
      ['< 417 /1', '> reject unfinished'],
    ],
    [
      'refused, the beginning of a request, and the end',
      [
        ['C', refused],
        ['S', ok('', '417 no')],
        ['C', 'GE'],
      ],
      ['< 417 /1', '> reject unfinished'],
    ],
    [
      'refused, a gap',
      [
        ['C', refused],
        ['S', ok('', '417 no')],
        ['C', 2],
        ['C', `cd${get('/2')}`],
      ],
      ['< 417 /1', '> reject gap', '> /2'],
    ],
    [
      'the body was on its way',
      [
        ['C', `${refused}a`],
        ['S', ok('', '417 no')],
        ['C', `bcd${get('/2')}`],
      ],
      ['< 417 /1', '> /1', '> /2'],
    ],
    [
      'welcome',
      [
        ['C', refused],
        ['S', 'HTTP/1.1 100 Continue\r\n\r\n'],
        ['C', `abcd${get('/2')}`],
      ],
      ['< 100 /1', '> /1', '> /2'],
    ],
    [
      'no Expect: a request in place of a body is its body',
      [
        ['C', put('/1', get('/2')).slice(0, -get('/2').length)],
        ['S', ok('', '417 no')],
        ['C', get('/2')],
      ],
      ['< 417 /1', '> /1'],
    ],
  ])('Expect: 100-continue: %s', (_, steps, expected) => {
    expect(everyWay(steps)).toEqual(expected);
  });
});

describe('connections that speak something else', () => {
  test.each<[string, Step[], string[]]>([
    [
      'TLS on both sides is told once',
      [
        ['C', '\x16\x03\x01\x02\x00\x01'],
        ['S', '\x16\x03\x03\x00\x7a\x02'],
      ],
      ['protocol tls'],
    ],
    [
      'a server that speaks first',
      [
        ['S', 'SSH-2.0-x\r\n'],
        ['C', 'SSH-2.0-y\r\n'],
      ],
      ['protocol ssh'],
    ],
    [
      'a request to a server that speaks SSH',
      [
        ['C', get('/1')],
        ['S', 'SSH-2.0-x\r\n'],
      ],
      ['> /1', 'protocol ssh'],
    ],
    [
      'HTTP/2 by prior knowledge',
      [
        ['C', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
        ['S', '\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64'],
      ],
      ['protocol http2'],
    ],
    [
      'the sides taken for each other',
      [
        ['C', ok('a')],
        ['S', get('/1')],
      ],
      ['protocol http-response'],
    ],
    [
      'the same, the client first',
      [
        ['S', get('/1')],
        ['C', ok('a')],
      ],
      ['protocol http-request'],
    ],
    [
      'a name for one side, and the other speaks it, too',
      [
        ['C', '*1\r\n$4\r\nPING\r\n'],
        ['S', `+PONG\r\n${ok('a')}`],
      ],
      ['protocol redis'],
    ],
    [
      'unknown is told at the end',
      [
        ['C', 'hello\r\n'],
        ['S', 'hi\r\n'],
      ],
      ['protocol unknown'],
    ],
    [
      'unknown, and then known',
      [
        ['S', 'hi\r\n'],
        ['C', 'SSH-2.0-x\r\n'],
      ],
      ['protocol ssh'],
    ],
  ])('%s', (_, steps, expected) => {
    expect(everyWay(steps)).toEqual(expected);
  });
});

test('without onResponse the server is read all the same, and nothing of it is kept', () => {
  const responseBudget = new MemoryBudget();
  const { connection, events } = recorded({ onResponse: undefined, responseBudget });
  connection.client.data(latin1(get('a:1', 'CONNECT')), 0);
  connection.server.data(latin1(`${ok('x'.repeat(100_000), '407 x').slice(0, -50_000)}`), 1);
  expect(responseBudget.heldBytes).toBe(0);
  connection.server.data(latin1('x'.repeat(50_000)), 2);
  connection.client.data(latin1(get('a:1', 'CONNECT')), 3);
  connection.server.data(latin1('HTTP/1.1 200 OK\r\n\r\n'), 4);
  connection.client.data(latin1(get('/inside')), 5);
  expect(events).toEqual(['> a:1', '> a:1', 'opaque connect']);
  expect(connection.responseCounters).toMatchObject({ begun: 2, responses: 2, unpaired: 0 });
  expectBalances(connection);
});

test('one side’s memory never displaces the other’s', () => {
  const [budget, responseBudget] = [new MemoryBudget({ limitBytes: 2000 }), new MemoryBudget({ limitBytes: 2000 })];
  const slow = recorded({ budget, responseBudget });
  slow.connection.client.data(latin1(put('/1', 'x'.repeat(900)).slice(0, -100)), 0);
  for (let at = 0; at < 50; at++) {
    const { connection } = recorded({ budget, responseBudget });
    connection.server.data(latin1(ok('y'.repeat(1900)).slice(0, -1)), 1);
  }
  expect(responseBudget.givenUpMessages).toBeGreaterThan(40);
  slow.connection.client.data(latin1('x'.repeat(100)), 2);
  expect(slow.events).toEqual(['> /1']);
});

test('a handler that throws costs its push and no more', () => {
  const seen: string[] = [];
  const { connection } = recorded({
    onResponse: ({ status, request }) => {
      seen.push(`${status} ${request?.target}`);
      throw new Error('handler');
    },
  });
  connection.client.data(latin1(get('/1')), 0);
  expect(() => connection.server.data(latin1(ok('a')), 1)).toThrow('handler');
  connection.client.data(latin1(get('/2')), 2);
  expect(() => connection.server.data(latin1(ok('a')), 3)).toThrow('handler');
  expect(seen).toEqual(['200 /1', '200 /2']);
  expectBalances(connection);
});

test('a request that waits is given up where its target alone is more than is free', () => {
  const budget = new MemoryBudget({ limitBytes: 6_000 });
  const [first, second] = [recorded({ budget }), recorded({ budget })];
  for (const { connection } of [first, second]) connection.client.data(latin1(get(`/${'x'.repeat(5_000)}`)), 1);
  expect(budget.givenUpMessages).toBe(1);
  for (const { connection } of [first, second]) connection.server.data(latin1(ok('')), 2);
  expect(first.events.at(-1)).toBe('< 200 ?');
  expect(second.events.at(-1)).toBe(`< 200 /${'x'.repeat(5_000)}`);
});

describe('bytes are lent as a Buffer that is used again', () => {
  const lend = (text: string, tell: (bytes: Uint8Array) => void): void => {
    const bytes = Buffer.from(text, 'latin1');
    tell(bytes);
    bytes.fill(0x2e);
  };

  test('a response that waits for its request', () => {
    const { connection, events } = recorded();
    connection.client.start('handshake', 0);
    lend(ok('a'), (bytes) => connection.server.data(bytes, 1));
    connection.client.data(latin1(get('/1')), 2);
    expect(events).toEqual(['> /1', '< 200 1 /1']);
    expectBalances(connection);
  });

  test('a request that a handler tells of another one', () => {
    const targets: string[] = [];
    const { connection } = recorded({
      onRequest: ({ target }) => {
        if (targets.push(target) === 1) lend(get('/2'), (bytes) => connection.client.data(bytes, 2));
      },
    });
    connection.client.data(latin1(get('/1')), 1);
    expect(targets).toEqual(['/1', '/2']);
    expectBalances(connection);
  });
});

test('a missing handler and limits out of range are refused by name', () => {
  // @ts-expect-error: a handler is missing
  expect(() => new HttpConnection({ onRequest: () => {} })).toThrow(/onReject must be a function/);
  expect(() => recorded({ responseLimits: { maxHeaders: -1 } })).toThrow(/maxHeaders/);
});
