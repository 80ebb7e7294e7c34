import { describe, expect, test } from 'vitest';
import { asLatin1, everySplit, latin1 } from '../../../test/kit/every-split.ts';
import { bodyOf, bodyParts, MemoryBudget, ResponseParser, type ResponseParserOptions } from '../src/index.ts';
import { expectResponseBalance } from './every-way.ts';

const NEXT = 'HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno';
const next = '404 Not Found content-length "no"';

interface Given extends Omit<ResponseParserOptions, 'onResponse' | 'onReject'> {
  /** The methods of the requests, in order; default: unknown. */
  readonly methods?: readonly string[];
  readonly isComplete?: boolean;
}

function recorded({ methods, isComplete = true, ...options }: Given = {}) {
  const events: string[] = [];
  let answered = 0;
  const parser = new ResponseParser({
    requestOf: (status) => {
      const method = methods?.[status < 200 ? answered : answered++];
      return method === undefined ? undefined : { index: answered, method, target: '/' };
    },
    ...options,
    onResponse: (response) => {
      const { status, reason, framing, trailers, isInterim } = response;
      const body = asLatin1(bodyOf(response));
      expect([[...bodyParts(response)].map(asLatin1).join(''), response.bodyLength]).toEqual([body, body.length]);
      const said = framing === 'none' ? '' : ` ${framing} ${JSON.stringify(body)}`;
      events.push(
        `${status} ${reason}${said}${trailers.length > 0 ? ` ${trailers}` : ''}${isInterim ? ' interim' : ''}`,
      );
    },
    onReject: ({ reason }) => events.push(`reject ${reason}`),
    onOtherProtocol: (protocol) => events.push(`protocol ${protocol}`),
  });
  return { parser, events, end: () => parser.end(9, isComplete) };
}

/** What a parser says of a text, after it was proved the same in every way of cutting it, and with bodies passed over. */
function everyWay(text: string, given: Given = {}): readonly string[] {
  let whole: string[] | undefined;
  for (const pieces of everySplit(latin1(text))) {
    const { parser, events, end } = recorded(given);
    for (const piece of pieces) {
      const lent = piece.slice();
      parser.push(lent, 1);
      lent.fill(0xee);
      expectResponseBalance(parser);
    }
    end();
    end();
    expectResponseBalance(parser);
    if (parser.heldBytes + parser.pendingBytes > 0 || parser.isInResponse) throw new Error('something is left');
    whole ??= events;
    if (events.join('\n') !== whole.join('\n')) expect(events).toEqual(whole);
  }
  return whole ?? [];
}

describe('whole responses, and the one after them', () => {
  test.each<[string, string, string[], Given?]>([
    ['Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', ['200 OK content-length "hello"']],
    ['Content-Length 0', 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', ['200 OK content-length ""']],
    [
      'a list of equal lengths',
      'HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\nContent-Length: 2\r\n\r\nhi',
      ['200 OK content-length "hi"'],
    ],
    [
      'chunked, with extensions and trailers',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n2;a="b"\r\nhi\r\n0\r\nA: b\r\n\r\n',
      ['200 OK chunked "hi" A,b'],
    ],
    [
      'Transfer-Encoding overrides Content-Length',
      'HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
      ['200 OK chunked "hi"'],
    ],
    ['no body with 204', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', ['204 No Content']],
    ['no body with 304', 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n', ['304 Not Modified']],
    ['no body to HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', ['200 OK'], { methods: ['HEAD', 'GET'] }],
    [
      'a refused CONNECT has a body',
      `HTTP/1.1 407 x\r\nContent-Length: 1\r\n\r\n!`,
      ['407 x content-length "!"'],
      { methods: ['CONNECT', 'GET'] },
    ],
    [
      'interim responses, and the final one',
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!',
      ['100 Continue interim', '103 Early Hints interim', '200 OK content-length "!"'],
    ],
    ['no reason', 'HTTP/1.1 204\r\n\r\n', ['204 ']],
    ['a blank and no reason', 'HTTP/1.1 204 \r\n\r\n', ['204 ']],
    ['more blanks than needed', 'HTTP/1.1 \t204   No \t Content \r\n\r\n', ['204 No \t Content']],
    ['raw bytes in the reason', 'HTTP/1.1 204 \xe4\x01\r\n\r\n', ['204 \xe4\x01']],
    ['bare LF ends lines', 'HTTP/1.1 200 OK\nContent-Length: 1\n\n!', ['200 OK content-length "!"']],
    ['a status out of the known classes', 'HTTP/1.1 999 x\r\nContent-Length: 1\r\n\r\n!', ['999 x content-length "!"']],
    ['another minor version', 'HTTP/1.9 204 x\r\n\r\n', ['204 x']],
    ['empty lines before a response', '\r\n\nHTTP/1.1 204 x\r\n\r\n\r\n', ['204 x']],
    [
      'a body that looks like a response',
      `HTTP/1.1 200 OK\r\nContent-Length: ${NEXT.length}\r\n\r\n${NEXT}`,
      [`200 OK content-length ${JSON.stringify(NEXT)}`],
    ],
  ])('%s', (_, text, expected, given) => {
    expect(everyWay(text, given)).toEqual(expected);
    expect(everyWay(text + NEXT, given)).toEqual([...expected, next]);
  });
});

describe('responses that last until the connection closes', () => {
  test.each<[string, string, string[], Given?]>([
    ['no length at all', 'HTTP/1.0 200 OK\r\n\r\nhello', ['200 OK until-close "hello"']],
    ['an empty body', 'HTTP/1.1 200 OK\r\n\r\n', ['200 OK until-close ""']],
    [
      'what looks like a response is its body',
      `HTTP/1.1 200 OK\r\n\r\n${NEXT}`,
      [`200 OK until-close ${JSON.stringify(NEXT)}`],
    ],
    [
      'chunked is not the last coding',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\nContent-Length: 1\r\n\r\nhello',
      ['200 OK until-close "hello"'],
    ],
    [
      'cut off by a reset, or the end of the capture',
      'HTTP/1.1 200 OK\r\n\r\nhello',
      ['reject unfinished'],
      { isComplete: false },
    ],
    ['one byte over the limit', 'HTTP/1.1 200 OK\r\n\r\nhello', ['reject body-too-long'], { maxBodyBytes: 4 }],
    ['just the limit', 'HTTP/1.1 200 OK\r\n\r\nhello', ['200 OK until-close "hello"'], { maxBodyBytes: 5 }],
    [
      'other bodies are not completed by the end',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell',
      ['reject unfinished'],
    ],
  ])('%s', (_, text, expected, given) => {
    expect(everyWay(text, given)).toEqual(expected);
  });
});

describe('what leaves HTTP', () => {
  test.each<[string, string, string[], Given?]>([
    ['101', `HTTP/1.1 101 x\r\nContent-Length: 4\r\n\r\n\x81\x00${NEXT}`, ['101 x interim']],
    ['2xx to CONNECT', `HTTP/1.1 200 x\r\nContent-Length: 4\r\n\r\n${NEXT}`, ['200 x'], { methods: ['CONNECT'] }],
  ])('%s', (_, text, expected, given) => {
    expect(everyWay(text, given)).toEqual(expected);
  });
});

describe('rejected responses, and where reading goes on', () => {
  test.each<[string, string, string[]]>([
    ['no status', 'HTTP/1.1 OK\r\nA: b\r\n\r\n', ['reject malformed-status-line', next]],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n', ['reject malformed-status-line', next]],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n', ['reject malformed-status-line', next]],
    ['a status with a zero in front', 'HTTP/1.1 099 OK\r\n\r\n', ['reject malformed-status-line', next]],
    ['a version of the wrong form', 'HTTP/1.01 200 OK\r\n\r\n', ['reject malformed-status-line', next]],
    ['another major version', 'HTTP/2.0 200 OK\r\n\r\n', ['reject unsupported-version', next]],
    ['the version of HTTP/2 without a minor number', 'HTTP/2 200\r\n\r\n', ['reject unsupported-version', next]],
    ['a fold before the first header', 'HTTP/1.1 200 OK\r\n x\r\n\r\n', ['reject malformed-header', next]],
    [
      'Transfer-Encoding in HTTP/1.0',
      'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      ['reject transfer-encoding-in-http-1.0', next],
    ],
    [
      'a length that is no number',
      'HTTP/1.1 200 OK\r\nContent-Length: 2a\r\n\r\nhi\r\n',
      ['reject content-length-invalid', next],
    ],
    [
      'lengths that differ',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi\r\n',
      ['reject content-length-conflict', next],
    ],
    [
      'a chunk size that is no number',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n',
      ['reject malformed-chunk', next],
    ],
    [
      'a body over the limit is skipped by its length',
      `HTTP/1.1 200 OK\r\nContent-Length: ${60 + NEXT.length}\r\n\r\n${'x'.repeat(60)}${NEXT}`,
      ['reject body-too-long', next],
    ],
    ['text between responses', `${NEXT}what is this?\r\n`, [next, next]],
    ['a status line in running text out of step', `${NEXT}x\r\nHTTP/1.1 200 OK\r\nfor more\r\n`, [next, next]],
    ['one that is lenient is not trusted out of step', `${NEXT}x\r\nHTTP/1.1  200 OK\r\nA: b\r\n\r\n`, [next, next]],
    ['one with a bare LF is not trusted out of step', `${NEXT}x\r\nHTTP/1.1 200 OK\nA: b\r\n\r\n`, [next, next]],
  ])('%s', (_, text, expected) => {
    expect(everyWay(text + NEXT, { maxBodyBytes: 60 })).toEqual(expected);
  });

  test('HTTP/0.9 where a request waits, else another protocol', () => {
    const text = `<html>\r\n${NEXT}`;
    expect(everyWay(text, { isAwaited: () => true })).toEqual(['reject http-0.9']);
    expect(everyWay(text)).toEqual(['protocol unknown', next]);
    expect(everyWay('SSH-2.0-x\r\n', { isAwaited: () => true })).toEqual(['protocol ssh']);
  });
});

describe('gaps', () => {
  const known = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n';
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
  test.each<[string, string, number, string, string[]]>([
    ['inside a body of known length', `${known}abc`, 4, `efg${NEXT}`, ['reject gap', next]],
    ['the whole of such a body', known, 10, NEXT, ['reject gap', next]],
    ['past its end', `${known}abc`, 8, `xx\r\n${NEXT}`, ['reject gap', next]],
    [
      'inside such a body, which looks like a response behind it',
      `HTTP/1.1 200 OK\r\nContent-Length: ${3 + 7 + NEXT.length}\r\n\r\nabc`,
      7,
      NEXT + NEXT,
      ['reject gap', next],
    ],
    ['inside the data of a chunk', `${chunked}a\r\nabc`, 4, `hij\r\n0\r\n\r\n${NEXT}`, ['reject gap', next]],
    ['over the end of a chunk', `${chunked}5\r\nabc`, 4, `\r\n0\r\n\r\n${NEXT}`, ['reject gap', next]],
    ['in a head', 'HTTP/1.1 200 OK\r\nA', 3, `: b\r\n\r\n${NEXT}`, ['reject gap', next]],
    ['in a status line', 'HTTP/1.1 2', 3, `OK\r\nA: b\r\n\r\n${NEXT}`, ['reject gap', next]],
    ['between responses', NEXT, 9, `: b\r\n\r\n${NEXT}`, [next, next]],
    ['between responses, the next one whole', NEXT, 9, NEXT, [next, next]],
    [
      'in a body that lasts until the end: nothing of it can be told apart',
      'HTTP/1.1 200 OK\r\n\r\nabc',
      9,
      NEXT,
      ['reject gap'],
    ],
    ['at the very start', '', 9, `x\r\n${NEXT}`, [next]],
  ])('%s', (_, before, length, after, expected) => {
    for (const cut of [1, 2, 7, 1000]) {
      const { parser, events, end } = recorded();
      for (let at = 0; at < before.length; at += cut) parser.push(latin1(before.slice(at, at + cut)), 0);
      parser.gap(length, 0);
      expectResponseBalance(parser);
      for (let at = 0; at < after.length; at += cut) parser.push(latin1(after.slice(at, at + cut)), 0);
      end();
      expectResponseBalance(parser);
      expect(events).toEqual(expected);
      expect(parser.counters.gapBytes).toBe(length);
    }
  });

  test('a stream seen from its middle on', () => {
    const text = `0 OK\r\nA: b\r\n\r\n{"HTTP/1.1 200 OK": 1}\n${NEXT}`;
    expect(everyWay(text, { midstream: true })).toEqual([next]);
  });
});

describe('bodies that nobody wants', () => {
  test.each<[string, string, number]>([
    ['Content-Length', `HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n${'x'.repeat(100)}`, 1],
    ['over the limit', `HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n${'x'.repeat(9000)}`, 1],
    [
      'chunked over the limit',
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n${'x'.repeat(100)}\r\n0\r\n\r\n`,
      1,
    ],
    ['until the end', `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(100)}`, 1],
    ['none, and others behind', `HTTP/1.1 204 x\r\n\r\n${NEXT}${NEXT}`, 3],
  ])('%s: only the head is ever held', (_, text, responses) => {
    const bytes = latin1(text);
    for (const size of [1, 3, 50, bytes.length]) {
      const rejects: string[] = [];
      const parser = new ResponseParser({ maxBodyBytes: 50, onReject: ({ reason }) => rejects.push(reason) });
      for (let at = 0; at < bytes.length; at += size) {
        parser.push(bytes.subarray(at, at + size), 0);
        expect(parser.heldBytes).toBeLessThanOrEqual(256);
        expectResponseBalance(parser);
      }
      parser.end(0, true);
      expectResponseBalance(parser);
      expect([parser.counters.responses, parser.counters.deliveredBytes, rejects]).toEqual([
        responses,
        bytes.length,
        [],
      ]);
    }
  });

  test('a gap in one is counted as for others', () => {
    const rejects: string[] = [];
    const parser = new ResponseParser({ onReject: ({ reason }) => rejects.push(reason) });
    parser.push(latin1('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc'), 0);
    parser.gap(3, 0);
    expectResponseBalance(parser);
    parser.push(latin1(`ghi${NEXT}`), 0);
    expect([rejects, parser.counters.responses]).toEqual([['gap'], 1]);
    expectResponseBalance(parser);
  });
});

test('a response that may not begin is left unread, with all that follows', () => {
  let isAllowed = false;
  const { parser, events } = recorded({ mayBegin: () => isAllowed });
  const bytes = latin1(`\r\n${NEXT}`);
  expect(parser.push(bytes, 0)).toBe(2);
  expectResponseBalance(parser);
  expect([events, parser.counters.pushedBytes]).toEqual([[], 2]);
  isAllowed = true;
  expect(parser.push(bytes.subarray(2), 0)).toBe(NEXT.length);
  expect(events).toEqual([next]);
});

test('memory: a response given up in its body is skipped by its length', () => {
  const budget = new MemoryBudget({ limitBytes: 256 });
  const slow = recorded({ budget });
  slow.parser.push(latin1('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'), 0);
  recorded({ budget }).parser.push(latin1('HTTP/1.1 200 OK\r\n'), 0);
  slow.parser.push(latin1(`defghij${NEXT}`), 0);
  expect(slow.events).toEqual(['reject memory', next]);
  expectResponseBalance(slow.parser);
});

test('a handler that throws at the end does not keep the stream open', () => {
  const parser = new ResponseParser({
    onResponse: () => {
      throw new Error('handler');
    },
  });
  parser.push(latin1('HTTP/1.1 200 OK\r\n\r\nabc'), 0);
  expect(() => parser.end(0, true)).toThrow('handler');
  parser.push(latin1(NEXT), 0);
  parser.end(0, true);
  expectResponseBalance(parser);
  expect([parser.counters.responses, parser.counters.skippedBytes]).toEqual([1, NEXT.length]);
});

test('times are those of the first and the last byte; a body until the end has its end', () => {
  const times: number[][] = [];
  const parser = new ResponseParser({
    onResponse: ({ index, firstByteUs, lastByteUs }) => times.push([index, firstByteUs, lastByteUs]),
  });
  parser.push(latin1('\r\nHTTP/1.1 204 x\r\n'), 10);
  parser.push(latin1('\r\nHTTP/1.1 2'), 20);
  parser.push(latin1('00 OK\r\n\r\nabc'), 30);
  parser.end(40, true);
  expect(times).toEqual([
    [0, 10, 20],
    [1, 20, 40],
  ]);
});
