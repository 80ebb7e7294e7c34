// Both streams of connections by the ten thousand, broken in every way: nothing throws, budgets hold, sums balance on both
// sides; and where nothing is broken, every response has its request, however the bytes come.

import { expect, test } from 'vitest';
import { latin1 } from '../../../test/kit/every-split.ts';
import { createRandom, type Random, seedOfThisRun } from '../../../test/kit/random.ts';
import { HttpConnection, MemoryBudget, ResponseParser } from '../src/index.ts';
import { expectResponseBalance, expectResponseCountersBalance } from './every-way.ts';

interface Exchange {
  readonly request: string;
  readonly response: string;
}

const EXCHANGES: readonly ((target: string) => Exchange)[] = [
  (target) => ({
    request: `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`,
    response: `HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n${target}`,
  }),
  (target) => ({
    request: `HEAD ${target} HTTP/1.1\r\n\r\n`,
    response: 'HTTP/1.1 200 OK\r\nContent-Length: 700\r\n\r\n',
  }),
  (target) => ({
    request: `PUT ${target} HTTP/1.1\r\nContent-Length: 30\r\n\r\n${'GET / HTTP/1.1\r\nA: b\r\n\r\n'.padEnd(30)}`,
    response: 'HTTP/1.1 204 x\r\n\r\n',
  }),
  (target) => ({
    request: `GET ${target} HTTP/1.1\r\n\r\n`,
    response: `HTTP/1.1 103 x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11;a=b\r\nHTTP/1.1 200 OK\r\n\r\n0\r\nT: u\r\n\r\n`,
  }),
  (target) => ({
    request: `POST ${target} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
    response: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n',
  }),
  (target) => ({
    request: `GET ${target} HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n`,
    response: 'HTTP/1.1 200 no\r\nContent-Length: 1\r\n\r\n!',
  }),
  (target) => ({
    request: `CONNECT ${target} HTTP/1.1\r\n\r\n`,
    response: 'HTTP/1.1 407 no\r\nContent-Length: 1\r\n\r\n!',
  }),
];
const ODD: readonly Exchange[] = [
  {
    request: 'GET /x HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x80',
    response: 'HTTP/1.1 101 x\r\n\r\n\x81\x00',
  },
  { request: 'CONNECT a:1 HTTP/1.1\r\n\r\n\x16\x03\x01', response: 'HTTP/1.1 200 OK\r\n\r\n\x16\x03\x03' },
  {
    request: 'PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n',
    response: 'HTTP/1.1 417 x\r\nContent-Length: 0\r\n\r\n',
  },
  { request: 'GET /0.9\r\n', response: '<html>' },
  { request: 'GET / HTTP/1.0\r\n\r\n', response: 'HTTP/1.0 200 OK\r\n\r\nuntil the end' },
  { request: 'SSH-2.0-x\r\n', response: 'SSH-2.0-y\r\n' },
  { request: '*1\r\n$4\r\nPING\r\n', response: '+PONG\r\n' },
];
const PIECES = [
  '\r\n',
  '\r\n\r\n',
  '\n',
  '\r',
  ' ',
  ':',
  '0',
  '\x00',
  '\xff',
  'HTTP/1.1',
  'GET ',
  'HTTP/1.1 200 ',
  'Content-Length: 1\r\n',
  'PROXY ',
];

function mutated(text: string, random: Random): string {
  for (let n = random.below(3); n > 0; n--) {
    const at = random.below(text.length);
    text = text.slice(0, at) + (random.chance(0.7) ? random.pick(PIECES) : '') + text.slice(at + random.below(4));
  }
  return text;
}

/** The text in pieces of random length, some of them lost. */
function* cut(text: string, random: Random, loss: number): Generator<Uint8Array | number> {
  const bytes = latin1(text);
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + random.below(random.chance(0.3) ? 3 : 60);
    const piece = bytes.subarray(at, at + length);
    yield random.chance(loss) ? piece.length : piece;
    at += length;
  }
}

function expectBalances(connection: HttpConnection): void {
  const { requestCounters: counters, responseCounters: ofServer, pendingBytes } = connection;
  const rejects = Object.values(counters.rejected).reduce((sum, count) => sum + count, 0);
  const read = counters.deliveredBytes + counters.rejectedBytes + counters.skippedBytes;
  const isBalanced = counters.begun === counters.requests + rejects + (connection.isInRequest ? 1 : 0);
  if (!isBalanced || counters.pushedBytes > read + pendingBytes.client) expect(counters).toBe('balanced');
  const readOfServer = ofServer.deliveredBytes + ofServer.rejectedBytes + ofServer.skippedBytes;
  expectResponseCountersBalance(ofServer, connection.isInResponse, ofServer.pushedBytes - readOfServer);
}

test('mutated exchanges, cut, lost and interleaved anyhow', () => {
  const random = createRandom(seedOfThisRun());
  const budgets = [new MemoryBudget({ limitBytes: 3000 }), new MemoryBudget({ limitBytes: 3000 })] as const;
  let requests = 0;
  let responses = 0;
  for (let round = 0; round < 6000; round++) {
    const connection = new HttpConnection({
      ...{ budget: budgets[0], responseBudget: budgets[1], maxHeadBytes: 150, maxBodyBytes: 40 },
      responseLimits: { maxHeadBytes: 150, maxBodyBytes: 40 },
      onRequest: () => requests++,
      onReject: () => {},
      ...(random.chance(0.8) ? { onResponse: () => responses++ } : {}),
    });
    const exchanges = Array.from({ length: 1 + random.below(4) }, (_, at) =>
      random.chance(0.7) ? random.pick(EXCHANGES)(`/${at}`) : random.pick(ODD),
    );
    const loss = random.pick([0, 0, 0.05, 0.3]);
    const [ofClient, ofServer] = (['request', 'response'] as const).map((side) =>
      cut(mutated(exchanges.map((exchange) => exchange[side]).join(''), random), random, loss),
    );
    if (random.chance(0.2)) connection.client.start('midstream', 0);
    if (random.chance(0.2)) connection.server.start('midstream', 0);
    let nowUs = 0;
    for (const waiting = new Set([ofClient!, ofServer!]); waiting.size > 0; ) {
      const pieces = random.pick([...waiting]);
      const stream = pieces === ofClient ? connection.client : connection.server;
      const { value, done } = pieces.next();
      nowUs += random.chance(0.05) ? 700_000 : random.below(1000);
      if (done === true) {
        waiting.delete(pieces);
        if (random.chance(0.5)) stream.end(random.pick(['fin', 'reset', 'idle']), nowUs);
      } else if (typeof value === 'number') stream.gap(value, nowUs);
      else stream.data(value, nowUs);
      expectBalances(connection);
      if (budgets.some(({ heldBytes }) => heldBytes > 3000)) throw new Error(`seed ${random.seed}: over the budget`);
    }
    if (random.chance(0.9)) connection.client.end('closed', nowUs);
    if (random.chance(0.9)) connection.server.end('closed', nowUs);
    expectBalances(connection);
  }
  expect(requests).toBeGreaterThan(3000);
  expect(responses).toBeGreaterThan(2000);
});

test('every response has its request, however the bytes come', () => {
  const random = createRandom(seedOfThisRun());
  for (let round = 0; round < 2000; round++) {
    const isPipelined = random.chance(0.5);
    const pairs: string[] = [];
    const delivered: string[] = [];
    const connection = new HttpConnection({
      onRequest: ({ target }) => delivered.push(target),
      onReject: ({ reason }) => delivered.push(reason),
      onResponse: ({ isInterim, request }) => isInterim || pairs.push(`${request?.target}`),
      onResponseReject: ({ reason }) => pairs.push(reason),
    });
    const targets = Array.from({ length: 1 + random.below(6) }, (_, at) => `/${at}`);
    let nowUs = 0;
    const tell = (stream: HttpConnection['client'], text: string): void => {
      for (const piece of cut(text, random, 0)) {
        nowUs += 10;
        if (typeof piece !== 'number') stream.data(piece, nowUs);
      }
    };
    const exchanges = targets.map((target) => random.pick(EXCHANGES.slice(0, isPipelined ? 5 : 7))(target));
    if (isPipelined) {
      tell(connection.client, exchanges.map(({ request }) => request).join(''));
      tell(connection.server, exchanges.map(({ response }) => response).join(''));
    } else {
      // Now and then the capture has an answer before its request, but not before the first.
      for (const [at, { request, response }] of exchanges.entries()) {
        const isSwapped = at > 0 && random.chance(0.3);
        tell(isSwapped ? connection.server : connection.client, isSwapped ? response : request);
        tell(isSwapped ? connection.client : connection.server, isSwapped ? request : response);
      }
    }
    const message = `seed ${random.seed}, round ${round}`;
    expect(delivered, message).toEqual(targets);
    expect(pairs, message).toEqual(targets);
    expectBalances(connection);
  }
});

test('mutated responses say the same however they are cut', () => {
  const random = createRandom(seedOfThisRun());
  const said = (text: string, isMidstream: boolean, pieces: Iterable<Uint8Array | number>): string => {
    const events: string[] = [];
    const parser = new ResponseParser({
      ...{ midstream: isMidstream, maxHeadBytes: 120, maxBodyBytes: 20 },
      onResponse: ({ status, reason, headers, bodyLength }) =>
        events.push(`${status} ${reason} ${headers} ${bodyLength}`),
      onReject: ({ reason }) => events.push(reason),
      onOtherProtocol: (protocol) => events.push(protocol),
    });
    for (const piece of pieces) if (typeof piece !== 'number') parser.push(piece, 0);
    parser.end(0, true);
    expectResponseBalance(parser);
    if (parser.counters.pushedBytes !== text.length) throw new Error('not all was read');
    return events.join('\n');
  };
  for (let round = 0; round < 6000; round++) {
    const exchanges = Array.from({ length: 1 + random.below(3) }, () =>
      random.pick(random.chance(0.8) ? EXCHANGES.map((make) => make('/')) : ODD),
    );
    const text = mutated(exchanges.map(({ response }) => response).join(''), random);
    const isMidstream = random.chance(0.3);
    const whole = said(text, isMidstream, [latin1(text)]);
    const inPieces = said(text, isMidstream, cut(text, random, 0));
    if (inPieces !== whole) expect(inPieces, `seed ${random.seed}, ${JSON.stringify(text)}`).toBe(whole);
  }
});
