import { describe, expect, test } from 'vitest';
import { latin1 } from '../../../test/kit/every-split.ts';
import { MemoryBudget, RequestParser } from '../src/index.ts';
import { expectBalance, NEXT, recorded } from './every-way.ts';

const head = 'PUT / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n';

describe('many parsers on one budget', () => {
  test('the request longest without progress is given up, and only that', () => {
    const budget = new MemoryBudget({ limitBytes: 3 * 256 });
    const parsers = [0, 1, 2, 3].map(() => recorded({ budget }));
    const [first, second, third, fourth] = parsers.map(({ parser }) => parser);
    first!.push(latin1(head), 0);
    second!.push(latin1(head), 0);
    third!.push(latin1(head), 0);
    first!.push(latin1('moves'), 0);
    fourth!.push(latin1(head), 7);
    expect(parsers.map(({ events }) => events)).toEqual([[], ['reject memory'], [], []]);
    expect(budget.heldBytes).toBe(3 * 256);
    expect([budget.heldMessages, budget.givenUpMessages]).toEqual([3, 1]);
    for (const { parser } of parsers) expectBalance(parser);
  });

  test('a request given up in its body is skipped by its length, and the next one read', () => {
    const budget = new MemoryBudget({ limitBytes: 256 });
    const slow = recorded({ budget });
    slow.parser.push(latin1(`${head}abc`), 0);
    recorded({ budget }).parser.push(latin1(head), 0);
    expect(slow.events).toEqual(['reject memory']);
    slow.parser.push(latin1(NEXT.padStart(997 + NEXT.length, '!')), 0);
    expect(slow.events).toEqual(['reject memory', 'GET /next 1.1']);
    expectBalance(slow.parser);
  });

  test('a request given up in its chunks is skipped by them', () => {
    const budget = new MemoryBudget({ limitBytes: 256 });
    const slow = recorded({ budget });
    slow.parser.push(latin1('PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab'), 0);
    recorded({ budget }).parser.push(latin1(head), 0);
    slow.parser.push(latin1(`cde\r\n0\r\n\r\n${NEXT}`), 0);
    expect(slow.events).toEqual(['reject memory', 'GET /next 1.1']);
  });

  test('a request larger than the whole budget costs only itself', () => {
    const budget = new MemoryBudget({ limitBytes: 1024 });
    const other = recorded({ budget });
    other.parser.push(latin1(head), 0);
    const large = recorded({ budget });
    large.parser.push(latin1(`PUT / HTTP/1.1\r\nContent-Length: 5000\r\n\r\n${'x'.repeat(2000)}`), 0);
    large.parser.push(latin1('x'.repeat(3000) + NEXT), 0);
    expect(other.events).toEqual([]);
    expect(large.events).toEqual(['reject memory', 'GET /next 1.1']);
  });

  test('the count of messages is limited, too', () => {
    const budget = new MemoryBudget({ maxMessages: 2 });
    const parsers = [0, 1, 2].map(() => recorded({ budget }));
    for (const { parser } of parsers) parser.push(latin1('GET'), 0);
    expect(budget.heldMessages).toBe(2);
    expect(budget.givenUpMessages).toBe(1);
    for (const { parser } of parsers) {
      parser.end(0);
      expectBalance(parser);
    }
    expect(budget.heldBytes).toBe(0);
  });

  test('a handler that throws over a given-up request does so when the pushing parser is done', () => {
    const budget = new MemoryBudget({ limitBytes: 256 });
    const victim = new RequestParser({
      budget,
      onRequest: () => {},
      onReject: () => {
        throw new Error('handler');
      },
    });
    victim.push(latin1(head), 0);
    const pusher = recorded({ budget });
    expect(() => pusher.parser.push(latin1(head + 'x'.repeat(20)), 0)).toThrow('handler');
    expectBalance(victim);
    expectBalance(pusher.parser);
    pusher.parser.push(latin1('x'.repeat(980)), 0);
    expect(pusher.events).toHaveLength(1);
  });
});

describe('floods', () => {
  const flood = (parser: RequestParser, start: string, more: string, pushes: number): number => {
    parser.push(latin1(start), 0);
    const piece = latin1(more);
    let mostHeld = 0;
    for (let n = 0; n < pushes; n++) {
      parser.push(piece, 0);
      mostHeld = Math.max(mostHeld, parser.heldBytes);
    }
    expectBalance(parser);
    return mostHeld;
  };

  test.each<[string, string, string, string, number]>([
    ['an endless header', 'GET / HTTP/1.1\r\nA: ', 'a'.repeat(1000), 'head-too-long', 512 * 1024],
    ['endless headers', 'GET / HTTP/1.1\r\n', 'A:\r\n', 'too-many-headers', 8 * 1024],
    ['endless folds', 'GET / HTTP/1.1\r\nA: b\r\n', ' c\r\n', 'too-many-headers', 8 * 1024],
    ['an endless request line', 'GET /', 'a'.repeat(1000), 'head-too-long', 512 * 1024],
    [
      'an endless chunk extension',
      'PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;',
      'a'.repeat(100),
      'chunk-extensions-too-long',
      33 * 1024,
    ],
    [
      'many chunk extensions',
      'PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n',
      '1;aaaaaaaaaaaaaaaaa\r\nx\r\n',
      'chunk-extensions-too-long',
      64 * 1024,
    ],
    [
      'endless zeros of a chunk size',
      'PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n',
      '0'.repeat(100),
      'chunk-extensions-too-long',
      33 * 1024,
    ],
    [
      'endless trailers',
      'PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n',
      'A:\r\n',
      'too-many-headers',
      16 * 1024,
    ],
    [
      'an endless trailer',
      'PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA:',
      'a'.repeat(1000),
      'trailers-too-long',
      1024 * 1024,
    ],
    [
      'endless small chunks',
      'PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n',
      '1\r\nx\r\n'.repeat(1000),
      'body-too-long',
      400 * 1024,
    ],
  ])('%s ends at its limit, in little memory', (_, start, more, reason, mostBytes) => {
    const { parser, events } = recorded({ maxBodyBytes: 100_000 });
    expect(flood(parser, start, more, 1500)).toBeLessThanOrEqual(mostBytes);
    expect(events).toEqual([`reject ${reason}`]);
  });

  test('a crowd of slow senders stays within the budget, and a busy one gets through', () => {
    const budget = new MemoryBudget({ limitBytes: 64 * 1024 });
    const busy = recorded({ budget });
    for (let n = 0; n < 1000; n++) {
      recorded({ budget }).parser.push(latin1('GET / HTTP/1.1\r\nHost: a\r\nX-'), 0);
      busy.parser.push(latin1(n % 2 === 0 ? NEXT.slice(0, 9) : NEXT.slice(9)), 0);
      expect(budget.heldBytes).toBeLessThanOrEqual(64 * 1024);
    }
    expect(busy.parser.counters.requests).toBe(500);
    expect(budget.givenUpMessages).toBe(1000 - 255);
  });

  test('a head that comes byte by byte is searched once', () => {
    const { parser, events } = recorded({ maxHeadBytes: 256 * 1024 });
    const byte = latin1('a');
    parser.push(latin1('GET / HTTP/1.1\r\nA: '), 0);
    const started = process.cpuUsage().user;
    for (let n = 0; n < 250_000; n++) parser.push(byte, 0);
    parser.push(latin1('\r\n\r\n'), 0);
    expect(events).toEqual(['GET / 1.1']);
    // Searching again at each byte would take 250,000 × 125 KB, many seconds.
    expect(process.cpuUsage().user - started).toBeLessThan(2_000_000);
  });
});
