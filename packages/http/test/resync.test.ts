import { describe, expect, test } from 'vitest';
import { latin1 } from '../../../test/kit/every-split.ts';
import { looksLikeRequest, roleOf } from '../src/index.ts';
import { isUncutMethod } from '../src/methods.ts';
import { everyWay, expectBalance, NEXT, recorded } from './every-way.ts';

const next = 'GET /next 1.1';

describe('streams seen from their middle on', () => {
  test.each<[string, string, string[]]>([
    ['a request right at the start', NEXT, [next]],
    ['the rest of a line first', `bc: d\r\n\r\n${NEXT}`, [next]],
    ['the rest of a body first', `\x00\xff\n{"a": 1}\n${NEXT}`, [next]],
    ['a request without headers', 'x\r\nGET / HTTP/1.1\r\n\r\n', ['GET / 1.1']],
    ['a method cut in two is no request', `T / HTTP/1.1\r\nHost: a\r\n\r\n${NEXT}`, [next]],
    [
      'LOCK may be half of UNLOCK, unless it starts a line',
      `LOCK / HTTP/1.1\r\nA: b\r\n\r\nLOCK / HTTP/1.1\r\nA: b\r\n\r\n`,
      ['LOCK / 1.1'],
    ],
    ['an unknown method is not trusted', `a\r\nFOO / HTTP/1.1\r\nHost: a\r\n\r\n${NEXT}`, [next]],
    ['once in step, it is taken', `${NEXT}FOO / HTTP/1.1\r\nHost: a\r\n\r\n`, [next, 'FOO / 1.1']],
    ['a request line in running text', `see\r\nGET / HTTP/1.1\r\nfor more\r\n${NEXT}`, [next]],
    ['a request line right before the real one', `see\r\nGET /not HTTP/1.1\r\n${NEXT}`, [next]],
    ['a request line with blanks in its target', `a\r\nGET /a b HTTP/1.1\r\nHost: a\r\n\r\n${NEXT}`, [next]],
    ['a request line that ends with bare LF', `a\r\nGET /a HTTP/1.1\nHost: a\r\n\r\n${NEXT}`, [next]],
    ['a request line not at the start of a line', `a: GET /not HTTP/1.1\r\nHost: a\r\n\r\n${NEXT}`, [next]],
    ['a request line cut off by the end', 'a\r\nGET /next HTTP/1.1\r\nHos', []],
    ['a request cut off after its second line', 'a\r\nGET /next HTTP/1.1\r\nHost: a\r\n', ['reject unfinished']],
    ['TLS is not guessed at', '\x16\x03\x01\x02\x00', []],
  ])('%s', (_, text, expected) => {
    expect(everyWay(text, { midstream: true }).events).toEqual(expected);
  });

  test('startMidstream gives up the request at hand', () => {
    const { parser, events } = recorded();
    parser.push(latin1('GET / HTTP/1.1\r\nHo'), 0);
    parser.startMidstream();
    parser.push(latin1(`st: a\r\n\r\n${NEXT}`), 0);
    expect(events).toEqual(['reject gap', next]);
    expectBalance(parser);
  });
});

describe('gaps', () => {
  const put = 'PUT / HTTP/1.1\r\nContent-Length: 10\r\n\r\n';
  const chunked = 'PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n';
  test.each<[string, string, number, string, string[]]>([
    [
      'inside a body of known length: goes on at the declared offset',
      `${put}abc`,
      4,
      `efg${NEXT}`,
      ['reject gap', next],
    ],
    ['up to the end of such a body', `${put}abc`, 7, NEXT, ['reject gap', next]],
    ['the whole of such a body', put, 10, NEXT, ['reject gap', next]],
    [
      'past its end: what comes is looked through',
      `${put}abc`,
      8,
      `T /half HTTP/1.1\r\nHost: a\r\n\r\n${NEXT}`,
      ['reject gap', next],
    ],
    [
      'inside such a body, which looks like a request behind it',
      'PUT / HTTP/1.1\r\nContent-Length: 44\r\n\r\nabc',
      7,
      `${NEXT}${NEXT}`,
      ['reject gap', next],
    ],
    ['in a head', 'GET / HTTP/1.1\r\nHo', 3, `: a\r\n\r\n${NEXT}`, ['reject gap', next]],
    ['in a request line', 'GET /a', 3, `b HTTP/1.1\r\nHost: a\r\n\r\n${NEXT}`, ['reject gap', next]],
    ['in a method: nothing was begun', 'GE', 1, ` /a HTTP/1.1\r\nHost: a\r\n\r\n${NEXT}`, [next]],
    ['between requests', NEXT, 9, `st: a\r\n\r\n${NEXT}`, [next, next]],
    ['between requests, the next one whole', NEXT, 9, NEXT, [next, next]],
    [
      'inside the data of a chunk: goes on behind it',
      `${chunked}a\r\nabc`,
      4,
      `hij\r\n0\r\n\r\n${NEXT}`,
      ['reject gap', next],
    ],
    [
      'up to the end of a chunk',
      `${chunked}a\r\nabc`,
      7,
      `\r\n22\r\n${NEXT}\r\n0\r\n\r\n${NEXT}`,
      ['reject gap', next],
    ],
    ['over the end of a chunk', `${chunked}5\r\nabc`, 4, `\r\nhi\r\n0\r\n\r\n${NEXT}`, ['reject gap', next]],
    ['at the very start', '', 5, `a\r\n\r\n${NEXT}`, [next]],
    ['of no bytes', 'GET /next HTT', 0, 'P/1.1\r\nHost: next\r\n\r\n', [next]],
    [
      'in a body that is skipped anyway',
      'PUT / HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc',
      96,
      `z${NEXT}`,
      ['reject body-too-long', next],
    ],
  ])('%s', (_, before, length, after, expected) => {
    for (const cut of [1, 2, 7, 1000]) {
      const { parser, events } = recorded({ maxBodyBytes: 50 });
      for (let at = 0; at < before.length; at += cut) parser.push(latin1(before.slice(at, at + cut)), 0);
      parser.gap(length, 0);
      expectBalance(parser);
      for (let at = 0; at < after.length; at += cut) parser.push(latin1(after.slice(at, at + cut)), 0);
      parser.end(0);
      expectBalance(parser);
      expect(parser.counters.gapBytes).toBe(length);
      expect(events).toEqual(expected);
    }
  });
});

describe('what follows CONNECT and Upgrade', () => {
  const connect = 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n';
  const upgrade = 'GET /chat HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
  test.each<[string, string, string[]]>([
    ['TLS in a tunnel', `${connect}\x16\x03\x01\x02\x00\x01${NEXT}`, ['CONNECT a:443 1.1', 'opaque connect']],
    ['text in a tunnel', `${connect}EHLO me\r\n${NEXT}`, ['CONNECT a:443 1.1', 'opaque connect']],
    [
      'a request with an unknown method in a tunnel',
      `${connect}FOO / HTTP/1.1\r\nA: b\r\n\r\n`,
      ['CONNECT a:443 1.1', 'opaque connect'],
    ],
    ['frames of a WebSocket', `${upgrade}\x81\x85\x01\x02\x03\x04abcde`, ['GET /chat 1.1', 'opaque upgrade']],
    ['the preface of HTTP/2', `${upgrade}PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`, ['GET /chat 1.1', 'opaque upgrade']],
    ['nothing', upgrade, ['GET /chat 1.1']],
    ['requests: the server refused', upgrade + NEXT + upgrade, ['GET /chat 1.1', next, 'GET /chat 1.1']],
    ['Upgrade without Connection means nothing', `GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n\x00${NEXT}`, ['GET / 1.1']],
  ])('%s', (_, text, expected) => {
    expect(everyWay(text).events).toEqual(expected);
  });

  test('becomeOpaque skips everything that follows', () => {
    const { parser, events } = recorded();
    parser.push(latin1(connect), 0);
    parser.becomeOpaque();
    parser.push(latin1(NEXT), 0);
    parser.gap(4, 0);
    parser.startMidstream();
    parser.push(latin1(NEXT), 0);
    parser.end(0);
    expect(events).toEqual(['CONNECT a:443 1.1']);
    expect(parser.counters.skippedBytes).toBe(2 * NEXT.length);
    expectBalance(parser);
  });

  test('becomeOpaque in the middle of a request rejects it', () => {
    const { parser, events } = recorded();
    parser.push(latin1('GET / HTTP/1.1\r\n'), 0);
    parser.becomeOpaque();
    expect(events).toEqual(['reject opaque']);
    expectBalance(parser);
  });
});

describe('streams that speak something else from their start', () => {
  test.each<[string, string, string[]]>([
    ['TLS', '\x16\x03\x01\x02\x00\x01\nGET / HTTP/1.1\r\nA: b\r\n\r\n', ['protocol tls']],
    ['HTTP/2', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${NEXT}`, ['protocol http2']],
    ['SSH', `SSH-2.0-OpenSSH_9.2p1 Debian\r\n${NEXT}`, ['protocol ssh']],
    ['SSH without a comment', `SSH-2.0-x\r\n${NEXT}`, ['protocol ssh']],
    ['the server of an HTTP connection', `HTTP/1.1 200 OK\r\n\r\n${NEXT}`, ['protocol http-response']],
    ['SMTP', 'EHLO me\r\nMAIL FROM:<a@b>\r\n', ['protocol smtp']],
    ['RTSP, which shares a method', 'OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n', ['protocol rtsp']],
    ['Redis', '*1\r\n$4\r\nPING\r\n', ['protocol redis']],
    ['a PROXY line, and requests behind it', `PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n${NEXT}`, [next]],
    ['one long word', `${'a'.repeat(70)} / HTTP/1.1\r\nA: b\r\n\r\n${NEXT}`, ['protocol unknown', next]],
    ['zeros', '\0\0\0\0', ['protocol unknown']],
  ])('%s', (_, text, expected) => {
    expect(everyWay(text).events).toEqual(expected);
  });
});

test('the role of a side by how its bytes start', () => {
  expect(roleOf(latin1('GET / HT'))).toBe('client');
  expect(roleOf(latin1('HTTP/1.0 404'))).toBe('server');
  for (const neither of ['', 'HTTP/1', 'GET', 'FOO / HTTP/1.1', '\x16\x03', 'a'.repeat(100)]) {
    expect(roleOf(latin1(neither))).toBe(undefined);
  }
  expect(looksLikeRequest(latin1('PROPFIND /'))).toBe(true);
});

test('methods that end others are no sure beginning', () => {
  expect(['LOCK', 'LINK', 'BIND', 'SUBSCRIBE', 'SEARCH'].filter(isUncutMethod)).toEqual([]);
  expect(['GET', 'POST', 'PUT', 'UNLOCK', 'M-SEARCH'].every(isUncutMethod)).toBe(true);
});
