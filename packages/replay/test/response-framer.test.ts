// Where answers end, at every split; and that no bytes bring the framer down.

import { describe, expect, test } from 'vitest';
import { everySplit, latin1 } from '../../../test/kit/every-split.ts';
import { mutated } from '../../../test/kit/mutation.ts';
import { createRandom, seedOfThisRun } from '../../../test/kit/random.ts';
import { ResponseFramer } from '../src/response-framer.ts';

/** How an answer was read: the progress, the status, whether the connection lasts, whether a close would end it. */
function framed(pieces: readonly Uint8Array[], isToHead = false): string {
  const framer = new ResponseFramer();
  framer.open(isToHead);
  let progress = 'more';
  for (const piece of pieces) {
    // In a larger buffer, as the sockets' is: nothing behind `end` may be read.
    const buffer = new Uint8Array(piece.length + 3).fill(0x0a);
    buffer.set(piece);
    progress = framer.push(buffer, piece.length);
    buffer.fill(0x21);
    if (progress === 'bad-answer') return progress;
  }
  const lasts = progress === 'complete' && framer.isPersistent ? ' lasting' : '';
  return `${progress} ${framer.status}${lasts}${framer.isEndedByClose() ? ' until close' : ''}`;
}

const OK = 'HTTP/1.1 200 OK\r\n';
const chunked = (body: string): string => `${OK}Transfer-Encoding: chunked\r\n\r\n${body}`;

const answers: readonly (readonly [sentence: string, answer: string, expected: string])[] = [
  ['a body of known length', `${OK}Content-Length: 2\r\n\r\nok`, 'complete 200 lasting'],
  ['a byte less of it', `${OK}Content-Length: 2\r\n\r\no`, 'more 200'],
  ['a byte more', `${OK}Content-Length: 2\r\n\r\nok!`, 'complete 200'],
  ['a second answer', `${OK}Content-Length: 0\r\n\r\n${OK}Content-Length: 0\r\n\r\n`, 'complete 200'],
  ['no body', `${OK}Content-Length: 0\r\n\r\n`, 'complete 200 lasting'],
  ['no length', `${OK}Server: x\r\n\r\nanything`, 'more 200 until close'],
  ['no fields', `${OK}\r\n`, 'more 200 until close'],
  ['204 has no body, whatever it says', 'HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n', 'complete 204 lasting'],
  ['304 neither', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', 'complete 304 lasting'],
  ['Connection: close', `${OK}Connection: Close\r\nContent-Length: 0\r\n\r\n`, 'complete 200'],
  ['close among others', `${OK}connection: x, close\r\nContent-Length: 0\r\n\r\n`, 'complete 200'],
  ['an option that is like it', `${OK}Connection: closed\r\nContent-Length: 0\r\n\r\n`, 'complete 200 lasting'],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', 'complete 200'],
  ['HTTP/1.0, kept', 'HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n', 'complete 200 lasting'],
  [
    'interim answers',
    `HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nLink: x\r\n\r\n${OK}Content-Length: 1\r\n\r\nx`,
    'complete 200 lasting',
  ],
  ['interim answers only', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 P\r\n\r\n', 'more 0'],
  ['101', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n', 'bad-answer'],
  ['chunks', chunked('5\r\nhello\r\nA;x="y"\r\n0123456789\r\n0\r\n\r\n'), 'complete 200 lasting'],
  ['chunks with trailers', chunked('1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n'), 'complete 200 lasting'],
  ['chunks with bare LF and blanks', chunked('1 \nx\n000\n\n'), 'complete 200 lasting'],
  ['chunks without their end', chunked('1\r\nx\r\n0\r\n'), 'more 200'],
  ['bytes behind chunks', chunked('0\r\n\r\nx'), 'complete 200'],
  ['no size', chunked('\r\nx'), 'bad-answer'],
  ['a size that is none', chunked('x\r\n'), 'bad-answer'],
  ['a negative size', chunked('-1\r\n'), 'bad-answer'],
  ['a size beyond all', chunked('fffffffffffffff\r\n'), 'bad-answer'],
  ['data over its size', chunked('1\r\nxx\r\n'), 'bad-answer'],
  ['CR CR behind data', chunked('1\r\nx\r\r\n'), 'bad-answer'],
  ['a bare CR in a size line', chunked('1\rx'), 'bad-answer'],
  [
    'chunked over a length',
    `${OK}Content-Length: 9\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n0\r\n\r\n`,
    'complete 200',
  ],
  [
    'chunked and nothing behind it',
    `${OK}Transfer-Encoding: gzip, chunked ,\t,\r\n\r\n0\r\n\r\n`,
    'complete 200 lasting',
  ],
  [
    'a vertical tab in the name of a coding',
    `${OK}Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n`,
    'more 200 until close',
  ],
  [
    'two words in the name of a coding',
    `${OK}Transfer-Encoding: gzip chunked\r\n\r\n0\r\n\r\n`,
    'more 200 until close',
  ],
  ['another coding last', `${OK}Transfer-Encoding: chunked, gzip\r\n\r\n`, 'more 200 until close'],
  ['chunked in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 'complete 200'],
  ['equal lengths', `${OK}Content-Length: 1, 1\r\nContent-Length: 01\r\n\r\nx`, 'complete 200 lasting'],
  ['lengths that differ', `${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\nx`, 'bad-answer'],
  ['a length with a sign', `${OK}Content-Length: +1\r\n\r\nx`, 'bad-answer'],
  ['no number', `${OK}Content-Length: \r\n\r\nx`, 'bad-answer'],
  ['a folded length', `${OK}Content-Length: 1\r\n 2\r\n\r\nx`, 'bad-answer'],
  ['another folded field', `${OK}X: 1\r\n Content-Length: 2\r\nContent-Length:1\r\n\r\nx`, 'complete 200 lasting'],
  ['blanks before a colon', `${OK}Content-Length \t:\t1 \r\n\r\nx`, 'complete 200 lasting'],
  ['names that only begin so', `${OK}Content-Lengths: 9\r\nContent-Length: 0\r\n\r\n`, 'complete 200 lasting'],
  ['bare LF', 'HTTP/1.1 200 OK\nContent-Length: 1\n\nx', 'complete 200 lasting'],
  ['a line of one CR is not empty', `${OK}\r\r\nContent-Length: 0\r\n\r\n`, 'complete 200 lasting'],
  ['lines without a colon', `${OK}nonsense\r\n: x\r\nContent-Length: 0\r\n\r\n`, 'complete 200 lasting'],
  ['empty lines before it', `\r\n\n\r\n${OK}Content-Length: 0\r\n\r\n`, 'complete 200 lasting'],
  ['no reason', 'HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n', 'complete 404 lasting'],
  ['blanks around the status', 'HTTP/1.1 \t 999 \r\nContent-Length: 0\r\n\r\n', 'complete 999 lasting'],
  ['four digits', 'HTTP/1.1 2000 OK\r\n\r\n', 'bad-answer'],
  ['two digits', 'HTTP/1.1 20\r\n\r\n', 'bad-answer'],
  ['a status of 0', 'HTTP/1.1 000 No\r\n\r\n', 'bad-answer'],
  ['no blank', 'HTTP/1.1200 OK\r\n\r\n', 'bad-answer'],
  ['HTTP/2', 'HTTP/2.0 200 OK\r\n\r\n', 'bad-answer'],
  ['no version', 'HTTP/1.x 200 OK\r\n\r\n', 'bad-answer'],
  ['garbage is told by its first bytes', 'SSH-2.0-x', 'bad-answer'],
  ['a request', 'GET / HTTP/1.1\r\n\r\n', 'bad-answer'],
  ['nothing', '', 'more 0'],
];

describe('an answer, at every split', () => {
  test.each(answers)('%s', (_sentence, answer, expected) => {
    for (const pieces of everySplit(latin1(answer))) expect(framed(pieces)).toBe(expected);
  });

  test('to HEAD it has no body', () => {
    for (const pieces of everySplit(latin1(`${OK}Content-Length: 5\r\n\r\n`))) {
      expect(framed(pieces, true)).toBe('complete 200 lasting');
    }
    expect(framed([latin1(chunked(''))], true)).toBe('complete 200 lasting');
    expect(framed([latin1(`${OK}Content-Length: 1\r\n\r\nx`)], true)).toBe('complete 200');
  });
});

describe('limits', () => {
  const block = latin1(`X: ${'x'.repeat(1021)}\r\n`);
  const pushAll = (framer: ResponseFramer, pieces: Iterable<Uint8Array>): string => {
    let progress = 'more';
    for (const piece of pieces) {
      progress = framer.push(piece, piece.length);
      if (progress !== 'more') break;
    }
    return progress;
  };

  test('a head over 64 KiB is bad, whole or in pieces, one below it is not', () => {
    for (const [count, expected] of [
      [63, 'complete'],
      [64, 'bad-answer'],
    ] as const) {
      const head = [latin1(`${OK}Content-Length: 0\r\n`), ...Array<Uint8Array>(count).fill(block), latin1('\r\n')];
      const framer = new ResponseFramer();
      framer.open(false);
      expect(pushAll(framer, head)).toBe(expected);
      framer.open(false);
      expect(pushAll(framer, [new Uint8Array(Buffer.concat(head))])).toBe(expected);
    }
  });

  test('interim answers and empty lines count in it', () => {
    const framer = new ResponseFramer();
    for (const piece of ['HTTP/1.1 102 Processing\r\n\r\n', '\r\n']) {
      framer.open(false);
      expect(pushAll(framer, Array<Uint8Array>(40_000).fill(latin1(piece)))).toBe('bad-answer');
    }
  });

  test('a size line or trailers without end are bad', () => {
    for (const start of ['1;', '0\r\nA: ']) {
      const framer = new ResponseFramer();
      framer.open(false);
      expect(pushAll(framer, [latin1(chunked(start)), ...Array<Uint8Array>(70).fill(latin1('x'.repeat(1024)))])).toBe(
        'bad-answer',
      );
    }
  });

  test('a length beyond all numbers is waited for', () => {
    expect(framed([latin1(`${OK}Content-Length: ${'9'.repeat(400)}\r\n\r\nx`)])).toBe('more 200');
  });

  test('what Keep-Alive says is told', () => {
    const framer = new ResponseFramer();
    const said = (value: string): number => {
      framer.open(false);
      const bytes = latin1(`${OK}Keep-Alive: ${value}\r\nContent-Length: 0\r\n\r\n`);
      framer.push(bytes, bytes.length);
      return framer.keepAliveSeconds;
    };
    expect(['timeout=5, max=100', 'max=3,timeout = 1', 'max=5', 'xtimeout=5', 'timeout=0'].map(said)).toEqual([
      5, 1, -1, -1, 0,
    ]);
  });
});

test('damaged answers are read the same however they are cut, and never throw', () => {
  const seed = seedOfThisRun();
  const random = createRandom(seed);
  const inserted = ['\r\n', '\n', '\r', ' ', '0', 'Content-Length: 1\r\n', OK].map(latin1);
  for (let round = 0; round < 4000; round++) {
    const [, answer] = random.pick(answers);
    const bytes = mutated(latin1(answer + (random.chance(0.3) ? random.pick(answers)[1] : '')), random, inserted);
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      const next = at + 1 + random.below(9);
      pieces.push(bytes.subarray(at, next));
      at = next;
    }
    expect(framed(pieces), `seed ${seed}, round ${round}`).toBe(framed([bytes]));
  }
});
