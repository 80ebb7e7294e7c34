import { describe, expect, test } from 'vitest';
import { asLatin1, latin1 } from '../../../test/kit/every-split.ts';
import { MemoryBudget, RequestParser } from '../src/index.ts';
import { everyWay, everyWayAndNext, expectBalance, NEXT, recorded } from './every-way.ts';

const H = 'Host: a\r\n';
const BIG = 'x'.repeat(40);

describe('whole requests, and the one after them', () => {
  test.each<[string, string, string]>([
    ['no body', `GET / HTTP/1.1\r\n${H}\r\n`, 'GET / 1.1'],
    ['no headers at all', 'GET / HTTP/1.0\r\n\r\n', 'GET / 1.0'],
    ['another minor version is read like 1.1', 'GET / HTTP/1.7\r\n\r\n', 'GET / 1.7'],
    ['bare LF ends lines', 'GET / HTTP/1.1\nHost: a\n\n', 'GET / 1.1'],
    ['a line of one byte is not the empty line', 'GET / HTTP/1.1\nx\ny\r\n\n', 'GET / 1.1'],
    ['line ends mixed', 'GET / HTTP/1.1\r\nHost: a\n\r\n', 'GET / 1.1'],
    ['any token is a method', `X-~!1 / HTTP/1.1\r\n${H}\r\n`, 'X-~!1 / 1.1'],
    ['raw bytes in the target', 'GET /\xc3\xa4\xff\x01 HTTP/1.1\r\n\r\n', 'GET /\xc3\xa4\xff\x01 1.1'],
    ['blanks in the target', 'GET /a b  c HTTP/1.1\r\n\r\n', 'GET /a b  c 1.1'],
    ['the last version ends the target', 'GET / HTTP/1.0 HTTP/1.1\r\n\r\n', 'GET / HTTP/1.0 1.1'],
    ['more blanks than needed', 'GET  \t/  HTTP/1.1 \t\r\n\r\n', 'GET / 1.1'],
    ['absolute form', 'GET http://a/b?c HTTP/1.1\r\n\r\n', 'GET http://a/b?c 1.1'],
    ['asterisk form', 'OPTIONS * HTTP/1.1\r\n\r\n', 'OPTIONS * 1.1'],
    ['Content-Length', 'POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello', 'POST / 1.1 content-length "hello"'],
    ['Content-Length 0', 'POST / HTTP/1.1\r\ncontent-length:0\r\n\r\n', 'POST / 1.1 content-length ""'],
    [
      'Content-Length with zeros in front',
      'POST / HTTP/1.1\r\nContent-Length: 0002\r\n\r\nhi',
      'POST / 1.1 content-length "hi"',
    ],
    [
      'a list of equal lengths',
      'POST / HTTP/1.1\r\nContent-Length: 2, 2\r\nContent-Length: 2\r\n\r\nhi',
      'POST / 1.1 content-length "hi"',
    ],
    ['a GET with a body', 'GET / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi', 'GET / 1.1 content-length "hi"'],
    [
      'a body that looks like a request',
      `PUT / HTTP/1.1\r\nContent-Length: ${NEXT.length}\r\n\r\n${NEXT}`,
      `PUT / 1.1 content-length ${JSON.stringify(NEXT)}`,
    ],
    [
      'chunked',
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n',
      'POST / 1.1 chunked "hello world"',
    ],
    ['chunked and empty', 'POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n', 'POST / 1.1 chunked ""'],
    [
      'chunk sizes of many digits, in both cases',
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n00000000000000000a\r\n0123456789\r\nA\r\n0123456789\r\n000\r\n\r\n',
      'POST / 1.1 chunked "01234567890123456789"',
    ],
    [
      'chunk extensions, blanks behind a size',
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b;c="d;e"\r\nhi\r\n1 \t\r\n!\r\n0;z\r\n\r\n',
      'POST / 1.1 chunked "hi!"',
    ],
    [
      'bare LF in the chunked coding',
      'POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n2\nhi\n0\n\n',
      'POST / 1.1 chunked "hi"',
    ],
    [
      'trailers',
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nA: b\r\n\r\n',
      'POST / 1.1 chunked "hi"',
    ],
    [
      'gzip before chunked',
      'POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\ntransfer-encoding: , chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
      'POST / 1.1 chunked "hi"',
    ],
    [
      'Expect: 100-continue changes nothing',
      'PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi',
      'PUT / 1.1 content-length "hi"',
    ],
    ['a refused upgrade', `GET / HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: h2c\r\n\r\n`, 'GET / 1.1'],
    ['a refused CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n', 'CONNECT a:443 1.1'],
  ])('%s', (_, text, expected) => {
    const { events, requests } = everyWayAndNext(text);
    expect(events).toEqual([expected]);
    expect(asLatin1(requests[0]!.bytes)).toBe(text);
  });

  test('empty lines before a request are not part of it', () => {
    const { events, requests } = everyWayAndNext(`\r\n\n\r\n${NEXT}\r\n`);
    expect(events).toEqual(['GET /next 1.1']);
    expect(asLatin1(requests[0]!.bytes)).toBe(NEXT);
  });

  test('headers keep order and case; blanks go, folded lines are joined, lines without a colon stay', () => {
    const { requests } = everyWayAndNext(
      'GET / HTTP/1.1\r\nHost:a\r\nx-A: \t b c \t\r\nX-a:\r\nFolded: one\r\n  two \r\n\t\r\n\tthree\r\nFolded-Late:\r\n four\r\nno colon here\r\nspace : kept apart\r\n: no name\r\nBytes: \x00\x01\xe4\x80\r\n\r\n',
    );
    expect(requests[0]!.headers).toEqual([
      ...['Host', 'a', 'x-A', 'b c', 'X-a', '', 'Folded', 'one two three', 'Folded-Late', 'four'],
      ...['no colon here', '', 'space', 'kept apart', '', 'no name', 'Bytes', '\x00\x01\xe4\x80'],
    ]);
  });

  test('trailers are fields of their own', () => {
    const { requests } = everyWayAndNext(
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nB: c\r\n d\r\nE:f\r\n\r\n',
    );
    expect(requests[0]!.trailers).toEqual(['B', 'c d', 'E', 'f']);
    expect(requests[0]!.headers).toEqual(['Transfer-Encoding', 'chunked']);
  });

  test('times are those of the first and the last byte, indexes count rejected requests too', () => {
    const { parser, requests } = recorded();
    parser.push(latin1('\r\nGET / HT'), 10);
    parser.push(latin1('TP/1.1\r\n'), 20);
    parser.push(latin1(`\r\nGET /0.9\r\n${NEXT}POST / HTTP/1.1\r\nContent-Le`), 30);
    parser.push(latin1('ngth: 1\r\n\r\n'), 40);
    parser.push(latin1('!'), 50);
    expect(requests.map(({ index, firstByteUs, lastByteUs }) => [index, firstByteUs, lastByteUs])).toEqual([
      [0, 10, 30],
      [2, 30, 30],
      [3, 30, 50],
    ]);
  });

  test('a request inside one push is a view of the pushed bytes, not a copy', () => {
    const bytes = latin1(`${NEXT}${NEXT}`);
    let shared = 0;
    const parser = new RequestParser({
      onRequest: (request) => void (request.bytes.buffer === bytes.buffer && shared++),
      onReject: () => {},
    });
    parser.push(bytes, 0);
    expect(shared).toBe(2);
    expect(parser.heldBytes).toBe(0);
  });
});

describe('rejected requests, and where reading goes on', () => {
  const next = 'GET /next 1.1';
  test.each<[string, string, string[]]>([
    ['HTTP/0.9 has no version', 'GET /x\r\n', ['reject http-0.9', next]],
    ['a well-known method, but no version and many words', 'GET /x y z\r\n', ['reject malformed-request-line', next]],
    ['no target', 'GET HTTP/1.1\r\nHost: a\r\n\r\n', ['reject malformed-request-line', next]],
    ['a version of the wrong form', 'FOO /x HTTP/1.1x\r\nHost: a\r\n\r\n', ['reject malformed-request-line', next]],
    ['a version in lower case', 'GET / http/1.1\r\nHost: a\r\n\r\n', ['reject malformed-request-line', next]],
    ['a version of another major number', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', ['reject unsupported-version', next]],
    ['a fold before the first header', 'GET / HTTP/1.1\r\n X: a\r\n\r\n', ['reject malformed-header', next]],
    [
      'blanks before the colon of a framing field',
      'POST / HTTP/1.1\r\nContent-Length : 2\r\n\r\nhi\r\n',
      ['reject malformed-header', next],
    ],
    [
      'both framing fields',
      'POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      ['reject transfer-encoding-and-content-length', next],
    ],
    [
      'Transfer-Encoding in HTTP/1.0',
      'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      ['reject transfer-encoding-in-http-1.0', next],
    ],
    [
      'chunked is not the last coding',
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n',
      ['reject transfer-encoding-not-chunked', next],
    ],
    [
      'chunked twice',
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n',
      ['reject transfer-encoding-not-chunked', next],
    ],
    [
      'a vertical tab is no blank',
      'POST / HTTP/1.1\r\nTransfer-Encoding: \x0bchunked\r\n\r\n',
      ['reject transfer-encoding-not-chunked', next],
    ],
    [
      'an empty Transfer-Encoding',
      'POST / HTTP/1.1\r\nTransfer-Encoding:\r\n\r\n',
      ['reject transfer-encoding-not-chunked', next],
    ],
    [
      'lengths that differ',
      'POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nhi\r\n',
      ['reject content-length-conflict', next],
    ],
    [
      'a length with a sign',
      'POST / HTTP/1.1\r\nContent-Length: +2\r\n\r\nhi\r\n',
      ['reject content-length-invalid', next],
    ],
    ['an empty length', 'POST / HTTP/1.1\r\nContent-Length:\r\n\r\n', ['reject content-length-invalid', next]],
    [
      'a length over 2^53: everything behind it is the body, or must be taken for it',
      'POST / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n',
      ['reject body-too-long'],
    ],
    [
      'a chunk size that is no number',
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nx\r\n',
      ['reject malformed-chunk', next],
    ],
    [
      'an empty chunk size',
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\r\n',
      ['reject malformed-chunk', next],
    ],
    [
      'CR without LF behind a chunk size',
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\rhello\r\n',
      ['reject malformed-chunk', next],
    ],
    [
      'data longer than its chunk',
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n',
      ['reject malformed-chunk', next],
    ],
    [
      'a chunk size over 2^53, likewise',
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx\r\n',
      ['reject body-too-long'],
    ],
    [
      'a trailer that continues nothing',
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n x\r\n\r\n',
      ['reject malformed-header', next],
    ],
    [
      'a body that looks like a request is not skipped where its length is unknown',
      `POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n${NEXT}`,
      ['reject content-length-invalid', next, next],
    ],
    ['text between requests is skipped', `${NEXT}what is this?\r\nno idea: at all\r\n`, [next, next]],
  ])('%s', (_, text, expected) => {
    expect(everyWay(text + NEXT).events).toEqual(expected);
  });

  test.each<[string, string, string[]]>([
    ['in the method', 'GE', ['protocol unknown'].slice(1)],
    ['behind a well-known method', 'GET ', ['reject unfinished']],
    ['behind an unknown word: not known to be a request', 'EHLO me', []],
    ['in the head', 'GEX / HTTP/1.1\r\nHo', ['reject unfinished']],
    ['in a body of known length', 'PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab', ['reject unfinished']],
    ['before a chunked body', 'PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n', ['reject unfinished']],
    [
      'before the end of the trailers',
      'PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n',
      ['reject unfinished'],
    ],
  ])('the stream ends %s', (_, text, expected) => {
    expect(everyWay(text).events).toEqual(expected);
    expect(everyWay(NEXT + text).events).toEqual(['GET /next 1.1', ...expected]);
  });
});

describe('limits', () => {
  const next = 'GET /next 1.1';
  test.each<[string, string, string[]]>([
    ['a head of just the limit', `GET / HTTP/1.1\r\nA: ${'a'.repeat(100 - 23)}\r\n\r\n`, ['GET / 1.1', next]],
    [
      'a head of one byte more',
      `GET / HTTP/1.1\r\nA: ${'a'.repeat(100 - 22)}\r\n\r\n\r\n`,
      ['reject head-too-long', next],
    ],
    ['a request line too long', `GET /${'a'.repeat(200)} HTTP/1.1\r\n\r\n`, ['reject head-too-long', next]],
    [
      'reading goes on at the limit, not behind the line',
      `GET /${'a'.repeat(200)}\r\n`,
      ['reject head-too-long', next],
    ],
    ['headers of just the limit', 'GET / HTTP/1.1\r\nA:\r\nB:\r\nC:\r\n\r\n', ['GET / 1.1', next]],
    ['one header more', 'GET / HTTP/1.1\r\nA:\r\nB:\r\nC:\r\nD:\r\n\r\n', ['reject too-many-headers', next]],
    [
      'a body of just the limit',
      `PUT / HTTP/1.1\r\nContent-Length: 40\r\n\r\n${BIG}`,
      [`PUT / 1.1 content-length "${BIG}"`, next],
    ],
    [
      'a body of one byte more is skipped by its length',
      `PUT / HTTP/1.1\r\nContent-Length: 74\r\n\r\n${BIG}${NEXT}`,
      ['reject body-too-long', next],
    ],
    [
      'chunks over the limit are skipped as chunks',
      `PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n28\r\n${BIG}\r\n22\r\n${NEXT}\r\n0\r\n\r\n`,
      ['reject body-too-long', next],
    ],
    [
      'a broken chunk in a body that is skipped',
      `PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n29\r\n${BIG}xy\r\n`,
      ['reject body-too-long', next],
    ],
    [
      'a trailer section too long',
      `PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: ${'a'.repeat(100)}\r\n\r\n`,
      ['reject trailers-too-long', next],
    ],
    [
      'too many trailers',
      'PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA:\r\nB:\r\nC:\r\nD:\r\n\r\n',
      ['reject too-many-headers', next],
    ],
  ])('%s', (_, text, expected) => {
    expect(everyWay(text + NEXT, { maxHeadBytes: 100, maxHeaders: 3, maxBodyBytes: 40 }).events).toEqual(expected);
  });

  test('a body that is too long is rejected as soon as its head is read', () => {
    const { parser, events } = recorded();
    parser.push(latin1('PUT / HTTP/1.1\r\nContent-Length: 9007199254740991\r\n\r\n'), 0);
    expect(events).toEqual(['reject body-too-long']);
    parser.push(new Uint8Array(1 << 16), 0);
    expect(parser.heldBytes).toBe(0);
    expectBalance(parser);
  });

  test('a huge chunk size allocates nothing', () => {
    const { parser } = recorded({ maxBodyBytes: Infinity });
    parser.push(latin1('PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1fffffffffffff\r\nx'), 0);
    expect(parser.heldBytes).toBeLessThan(1024);
    expect(parser.isInRequest).toBe(true);
  });

  test('options out of range are refused by name', () => {
    const handlers = { onRequest: () => {}, onReject: () => {} };
    expect(() => new RequestParser({ ...handlers, maxHeadBytes: 0 })).toThrow(/maxHeadBytes.*1.*not 0/);
    expect(() => new RequestParser({ ...handlers, maxBodyBytes: 1.5 })).toThrow(RangeError);
    expect(() => new MemoryBudget({ limitBytes: Number.NaN })).toThrow(/limitBytes/);
    const { parser } = recorded();
    expect(() => parser.gap(-1, 0)).toThrow(RangeError);
  });
});

describe('handlers may do anything', () => {
  test('push and gap from within a handler come after the bytes at hand', () => {
    const seen: string[] = [];
    const parser: RequestParser = new RequestParser({
      onRequest: ({ target }) => {
        seen.push(target);
        if (target !== '/1') return;
        parser.push(latin1('PUT /3 HTTP/1.1\r\nContent-Length: 5\r\n\r\n'), 0);
        parser.gap(5, 0);
        parser.push(latin1('GET /4 HTTP/1.1\r\n\r\n'), 0);
      },
      onReject: ({ reason }) => seen.push(reason),
    });
    parser.push(latin1('GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n'), 0);
    expect(seen).toEqual(['/1', '/2', 'gap', '/4']);
    expectBalance(parser);
  });

  test('end and becomeOpaque from within a handler skip the rest of the push', () => {
    for (const close of ['end', 'becomeOpaque'] as const) {
      const seen: string[] = [];
      const parser: RequestParser = new RequestParser({
        onRequest: ({ target }) => {
          seen.push(target);
          parser[close](0);
        },
        onReject: ({ reason }) => seen.push(reason),
      });
      parser.push(latin1(NEXT + NEXT), 0);
      parser.push(latin1(NEXT), 0);
      expect(seen).toEqual(['/next']);
      expect(parser.counters.skippedBytes).toBe(2 * NEXT.length);
      expectBalance(parser);
    }
  });

  test('where a handler throws, the exception comes out, the rest of the push is lost and counted, and the parser goes on', () => {
    const seen: string[] = [];
    const parser: RequestParser = new RequestParser({
      onRequest: ({ target }) => {
        seen.push(target);
        if (target !== '/throw') return;
        parser.push(latin1(NEXT), 0);
        throw new Error('handler');
      },
      onReject: ({ reason }) => seen.push(reason),
    });
    expect(() => parser.push(latin1(`GET /throw HTTP/1.1\r\n\r\n${NEXT}POST /half HTTP/1.1\r\n`), 0)).toThrow(
      'handler',
    );
    expectBalance(parser);
    expect(parser.pendingBytes).toBe(0);
    parser.push(latin1(`cut: off\r\n\r\n${NEXT}`), 0);
    expect(seen).toEqual(['/throw', '/next']);
    expectBalance(parser);
  });

  test('a handler that throws at the very end of a push loses nothing', () => {
    let count = 0;
    const parser = new RequestParser({
      onRequest: () => {
        count++;
        throw new Error('handler');
      },
      onReject: () => {},
    });
    for (let n = 0; n < 3; n++) expect(() => parser.push(latin1('XYZ / HTTP/1.1\r\n\r\n'), 0)).toThrow('handler');
    expect(count).toBe(3);
    expectBalance(parser);
  });
});
