// Broken requests by the ten thousand: the parser never throws for bytes, never hangs, keeps its sums, says the same
// however the bytes are cut, and agrees with parseRequest about every request that it delivers.

import { expect, test } from 'vitest';
import { asLatin1, latin1 } from '../../../test/kit/every-split.ts';
import { createRandom, type Random, seedOfThisRun } from '../../../test/kit/random.ts';
import { parseRequest } from '../src/index.ts';
import { expectBalance, NEXT, recorded } from './every-way.ts';

const SEEDS = [
  NEXT,
  'PUT /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello',
  'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: u\r\n\r\n',
  'GET / HTTP/1.0\nA: b\n c\n\n',
  'GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
  'CONNECT a:1 HTTP/1.1\r\n\r\n',
];
const PIECES = [
  '\r\n',
  '\n',
  '\r',
  ' ',
  ':',
  '0',
  '\x00',
  '\xff',
  'HTTP/1.1',
  'GET ',
  'Content-Length: 1\r\n',
  '\r\n\r\n',
];

function mutated(random: Random): string {
  let text = '';
  for (let n = 1 + random.below(3); n > 0; n--) text += random.pick(SEEDS);
  for (let n = random.below(4); n > 0; n--) {
    const at = random.below(text.length);
    text = text.slice(0, at) + (random.chance(0.7) ? random.pick(PIECES) : '') + text.slice(at + random.below(4));
  }
  return text;
}

/** What a parser says of the text in pieces of random length, with or without a gap at a random place. */
function said(text: string, random: Random | undefined, isMidstream: boolean): readonly string[] {
  const { parser, events, requests } = recorded({ midstream: isMidstream, maxHeadBytes: 120, maxBodyBytes: 20 });
  const bytes = latin1(text);
  for (let at = 0; at < bytes.length; ) {
    const length = random === undefined ? bytes.length : 1 + random.below(random.chance(0.3) ? 3 : 40);
    parser.push(bytes.subarray(at, at + length), 0);
    at += length;
    if (parser.heldBytes > 2048) throw new Error(`holds ${parser.heldBytes}`);
  }
  parser.end(0);
  expectBalance(parser);
  for (const request of requests) {
    const again = parseRequest(request.bytes);
    if (typeof again === 'string')
      throw new Error(`parseRequest: ${again} for ${JSON.stringify(asLatin1(request.bytes))}`);
    if (again.target !== request.target || again.headers.join() !== request.headers.join())
      throw new Error('parseRequest differs');
  }
  return events;
}

test('mutated requests', () => {
  const random = createRandom(seedOfThisRun());
  for (let round = 0; round < 8000; round++) {
    const text = mutated(random);
    const isMidstream = random.chance(0.3);
    const whole = said(text, undefined, isMidstream).join('\n');
    const cut = said(text, random, isMidstream).join('\n');
    if (whole !== cut) expect(cut, `seed ${random.seed}, ${JSON.stringify(text)}`).toBe(whole);
  }
});

test('mutated requests with gaps and closings at random places', () => {
  const random = createRandom(seedOfThisRun());
  for (let round = 0; round < 4000; round++) {
    const { parser } = recorded({ maxHeadBytes: 120, maxBodyBytes: 20 });
    for (let n = 0; n < 4; n++) {
      parser.push(latin1(mutated(random)), 0);
      if (random.chance(0.5)) parser.gap(random.below(12), 0);
      if (random.chance(0.1)) parser.startMidstream();
      if (random.chance(0.05)) parser.becomeOpaque();
      expectBalance(parser);
    }
    parser.end(0);
    expectBalance(parser);
    if (parser.heldBytes !== 0) expect(parser.heldBytes, `seed ${random.seed}`).toBe(0);
  }
});

test('noise', () => {
  const random = createRandom(seedOfThisRun());
  for (let round = 0; round < 4000; round++) {
    const { parser } = recorded({ midstream: random.chance(0.5) });
    parser.push(random.bytes(random.below(200)), 0);
    parser.end(0);
    expectBalance(parser);
  }
});
