// A staging server that answers wrongly in every way, under both forwarders: one count for each request, no socket left
// open, memory flat, the next request answered as ever and nothing sent twice.

import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { usedMb } from '../../../test/kit/memory.ts';
import { type OddAnswer, type OddGreeting, OK, openOddServer } from '../../../test/kit/odd-server.ts';
import { createReplayer, type FailedReason, type Outcome } from '../src/index.ts';
import { aRequest, expectBalance, type RequestFields } from './a-request.ts';

/** What is to come of the request: a status where it counts as answered, else the reason, or the reasons between which the system decides. */
type End = number | FailedReason | readonly FailedReason[];

interface Wrong {
  /** What the server does with the first request. */
  readonly answer?: OddAnswer;
  /** What it does with the first connection, before anything came. */
  readonly greet?: OddGreeting;
  readonly request?: RequestFields;
}

/** Status 418, so that it is not taken for the good answer, which is 200. */
const HEAD = 'HTTP/1.1 418 Odd\r\n';
const EMPTY = `${HEAD}Content-Length: 0\r\n\r\n`;
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;

const says =
  (text: string): OddAnswer =>
  (socket) =>
    socket.write(text, 'latin1');
const saysAndCloses =
  (text: string): OddAnswer =>
  (socket) =>
    socket.end(text, 'latin1');
/** Late enough for the text to arrive before. */
const saysAndResets =
  (text: string): OddAnswer =>
  (socket) =>
    socket.write(text, 'latin1', () => setTimeout(() => socket.resetAndDestroy(), 20));

/** Again and again, until the other side has enough. */
function repeat(socket: Socket, text: string): void {
  if (!socket.destroyed) socket.write(text, 'latin1', () => setImmediate(repeat, socket, text));
}

/** A byte each `everyMs`. */
async function drip(socket: Socket, text: string, everyMs: number): Promise<void> {
  for (const byte of text) {
    if (socket.destroyed) return;
    socket.write(byte, 'latin1');
    await delay(everyMs);
  }
}

/** A row for each place at which an answer may be cut; `cut` says how it ends there. */
function atEachPoint(cut: (text: string) => Wrong, words: string, end: (isWithin: boolean) => End): Row[] {
  const points: [string, string][] = [
    ['before its answer', ''],
    ['within the status line', 'HTTP/1.1 41'],
    ['within the head', `${HEAD}Content-Len`],
    ['before the body', `${HEAD}Content-Length: 5\r\n\r\n`],
    ['within the body', `${HEAD}Content-Length: 5\r\n\r\nab`],
    ['within a chunk size', `${CHUNKED}5`],
    ['within a chunk', `${CHUNKED}5\r\nab`],
    ['before the last chunk', `${CHUNKED}2\r\nab\r\n`],
    ['within the trailers', `${CHUNKED}0\r\nX: y\r\n`],
    ['after an interim answer', 'HTTP/1.1 102 Processing\r\n\r\n'],
  ];
  const rows = points.map(([where, text]): Row => [`${words} ${where}`, cut(text), end(true)]);
  return [...rows, [`${words} after its answer`, cut(EMPTY), end(false)]];
}

type Row = readonly [sentence: string, wrong: Wrong, exact: End, undici?: End];

const ENDED = ['closed-early', 'reset'] as const;

const rows: readonly Row[] = [
  ...atEachPoint(
    (text) => ({ answer: saysAndCloses(text) }),
    'it closes',
    (isWithin) => (isWithin ? 'closed-early' : 418),
  ),
  ...atEachPoint(
    (text) => ({ answer: saysAndResets(text) }),
    'it resets',
    (isWithin) => (isWithin ? ENDED : 418),
  ),
  ...atEachPoint(
    (text) => ({ answer: says(text) }),
    'it falls silent',
    (isWithin) => (isWithin ? 'timeout' : 418),
  ),
  ['it closes a connection as soon as that is there', { greet: (socket, nth) => nth === 0 && socket.end() }, ENDED],
  ['it resets it then', { greet: (socket, nth) => nth === 0 && socket.resetAndDestroy() }, ENDED],
  ['two answers at once', { answer: says(`${EMPTY}${EMPTY}`) }, 418],
  [
    'a second answer while the connection is idle',
    { answer: (socket) => socket.write(EMPTY, () => setTimeout(() => socket.write(EMPTY), 20)) },
    418,
  ],
  ['an answer and half of another', { answer: says(`${EMPTY}HTTP/1.1 4`) }, 418],
  ['an answer and garbage', { answer: says(`${EMPTY}\0garbage`) }, 418],
  // Nothing tells it from a very quick answer.
  ['an answer before the request, and none to it', { greet: says1st(EMPTY), answer: () => {} }, 418],
  ['an answer before the request, and one to it', { greet: says1st(EMPTY), answer: says(OK) }, 418],
  ['the greeting of another protocol', { greet: says1st('SSH-2.0-OpenSSH_9.2\r\n'), answer: () => {} }, 'bad-answer'],
  ['garbage', { answer: says('\0\x01\x02 not http at all\r\n\r\n') }, 'bad-answer'],
  ['garbage without a line end', { answer: says('x'.repeat(10)) }, 'bad-answer'],
  ['megabytes of garbage', { answer: says('x'.repeat(4_000_000)) }, 'bad-answer'],
  ['a page without a head, as of HTTP/0.9', { answer: saysAndCloses('<html>hello</html>') }, 'bad-answer'],
  ['HTTP/2', { answer: says('HTTP/2.0 200 OK\r\n\r\n') }, 'bad-answer', 'timeout'],
  ['a status of two digits', { answer: says('HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n') }, 'bad-answer'],
  ['a status of four', { answer: says('HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n') }, 'bad-answer'],
  ['a status that nobody knows', { answer: says('HTTP/1.1 999 ?\r\nContent-Length: 0\r\n\r\n') }, 999],
  ['an HTTP/1.0 answer', { answer: says('HTTP/1.0 418 Odd\r\nContent-Length: 0\r\n\r\n') }, 418],
  ['empty lines without end', { answer: (socket) => repeat(socket, '\r\n'.repeat(5000)) }, 'bad-answer', 'timeout'],
  ['one header without end', { answer: (socket) => repeat2(socket, `${HEAD}X: `, 'x'.repeat(10_000)) }, 'bad-answer'],
  ['headers without end', { answer: (socket) => repeat2(socket, HEAD, 'X: y\r\n'.repeat(1000)) }, 'bad-answer'],
  [
    'a switch of protocols',
    { answer: says('HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n') },
    'bad-answer',
  ],
  [
    'ten interim answers before its own',
    { answer: says(`${'HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n'.repeat(10)}${EMPTY}`) },
    418,
  ],
  // undici never asks for it, and takes it for an error.
  [
    '100 Continue, which nobody asked for',
    { answer: says(`HTTP/1.1 100 Continue\r\n\r\n${EMPTY}`) },
    418,
    'bad-answer',
  ],
  ['a length to 304 without a body', { answer: says('HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n') }, 304],
  ['a length to 204 without a body', { answer: says('HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n') }, 204],
  [
    'a thousand interim answers, and no other',
    { answer: says('HTTP/1.1 102 Processing\r\n\r\n'.repeat(1000)) },
    'timeout',
  ],
  [
    'interim answers without end',
    { answer: (socket) => repeat(socket, 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(1000)) },
    'bad-answer',
    'timeout',
  ],
  [
    'keep-alive, and it closes',
    { answer: saysAndCloses(`${HEAD}Connection: keep-alive\r\nContent-Length: 0\r\n\r\n`) },
    418,
  ],
  [
    'keep-alive, and it closes a little later',
    { answer: (socket) => socket.write(EMPTY, () => setTimeout(() => socket.end(), 20)) },
    418,
  ],
  ['Keep-Alive: timeout=0', { answer: says(`${HEAD}Keep-Alive: timeout=0\r\nContent-Length: 0\r\n\r\n`) }, 418],
  ['close, and it stays open', { answer: says(`${HEAD}Connection: close\r\nContent-Length: 0\r\n\r\n`) }, 418],
  ['a length that is too short', { answer: says(`${HEAD}Content-Length: 2\r\n\r\nabcdef`) }, 418],
  ['a length that is too long', { answer: says(`${HEAD}Content-Length: 9\r\n\r\nab`) }, 'timeout'],
  ['two lengths', { answer: says(`${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`) }, 'bad-answer'],
  ['a length that is none', { answer: says(`${HEAD}Content-Length: x\r\n\r\n`) }, 'bad-answer'],
  ['a negative length', { answer: says(`${HEAD}Content-Length: -1\r\n\r\n`) }, 'bad-answer'],
  [
    'a length beyond all numbers',
    { answer: says(`${HEAD}Content-Length: ${'9'.repeat(40)}\r\n\r\n`) },
    'timeout',
    'bad-answer',
  ],
  [
    'a length beside chunks',
    { answer: says(`${HEAD}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`) },
    418,
    'bad-answer',
  ],
  ['a chunk size that is none', { answer: says(`${CHUNKED}zz\r\n`) }, 'bad-answer'],
  ['a chunk size beyond all numbers', { answer: says(`${CHUNKED}${'f'.repeat(40)}\r\n`) }, 'bad-answer'],
  ['a chunk that is longer than it says', { answer: says(`${CHUNKED}2\r\nabcd\r\n0\r\n\r\n`) }, 'bad-answer'],
  [
    'a chunk extension without end',
    { answer: (socket) => repeat2(socket, `${CHUNKED}2;`, 'x'.repeat(10_000)) },
    'bad-answer',
    'timeout',
  ],
  [
    'trailers without end',
    { answer: (socket) => repeat2(socket, `${CHUNKED}0\r\n`, 'X: y\r\n'.repeat(1000)) },
    'bad-answer',
  ],
  ['bytes behind the last chunk', { answer: says(`${CHUNKED}0\r\n\r\nmore`) }, 418],
  ['a body after 204', { answer: says('HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nhello') }, 204],
  ['a body after 304', { answer: says('HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\nhello') }, 304],
  ['a body to HEAD', { request: { method: 'HEAD' }, answer: says(`${HEAD}Content-Length: 5\r\n\r\nhello`) }, 418],
  ['an answer without a length that never ends', { answer: says(`${HEAD}\r\nab`) }, 'timeout'],
  ['one that goes on for ever', { answer: (socket) => repeat2(socket, `${HEAD}\r\n`, 'x'.repeat(10_000)) }, 'timeout'],
  [
    'chunks that go on for ever',
    { answer: (socket) => repeat2(socket, CHUNKED, '2\r\nab\r\n'.repeat(1000)) },
    'timeout',
  ],
  ['an answer without a length, then it closes', { answer: saysAndCloses(`${HEAD}\r\nab`) }, 418],
  ['an answer in drops', { answer: (socket) => void drip(socket, EMPTY, 1) }, 418],
  ['an answer in drops that takes too long', { answer: (socket) => void drip(socket, EMPTY, 20) }, 'timeout'],
];

/** On the first connection only. */
function says1st(text: string): OddGreeting {
  return (socket, nth) => nth === 0 && socket.write(text);
}

/** Once one, then the other again and again. */
function repeat2(socket: Socket, first: string, again: string): void {
  socket.write(first);
  repeat(socket, again);
}

const TIMEOUT_MS = 300;
/** Longer than what the servers above do late. */
const LATER_MS = 30;

describe.each(['exact', 'undici'] as const)('the forwarder %s:', (forwarder) => {
  // At the same time: most of them wait.
  test.concurrent.for(rows)('%s', async ([_sentence, { answer, greet, request }, exact, undici], { expect }) => {
    const server = await openOddServer(
      (socket, text, nth) => (nth === 0 && answer !== undefined ? answer(socket, text, nth) : socket.write(OK)),
      greet,
    );
    const outcomes: Outcome[] = [];
    const replayer = createReplayer({
      targets: [`http://127.0.0.1:${server.port}`],
      ...{ forwarder, timeoutMs: TIMEOUT_MS, connections: 1 },
      onOutcome: (outcome) => outcomes.push(outcome),
    });
    replayer.send(aRequest({ target: '/odd', ...request }));
    await replayer.drain();
    const end = forwarder === 'undici' ? (undici ?? exact) : exact;
    const [odd] = outcomes;
    if (typeof end === 'number') expect(odd).toMatchObject({ result: 'answered', status: end });
    else expect([end].flat(), `it ended as ${odd?.failure ?? odd?.status}`).toContain(odd?.failure);

    if (typeof end === 'number') await delay(LATER_MS);
    for (const target of ['/next', '/last']) {
      replayer.send(aRequest({ target }));
      await replayer.drain();
    }
    expect(outcomes.slice(1)).toMatchObject([
      { requestTarget: '/next', result: 'answered', status: 200 },
      { requestTarget: '/last', result: 'answered', status: 200 },
    ]);
    await replayer.close();
    expectBalance(replayer.ledger().targets[0]!);
    await expect.poll(() => server.openConnections, { interval: 2 }).toBe(0);
    for (const target of ['/odd', '/next', '/last']) {
      expect(server.requests.filter((text) => text.includes(` ${target} `)).length).toBeLessThanOrEqual(1);
    }
    await server.close();
  });

  test('an answer of 100 MB is read to its end, and no more of it kept than of a small one', async () => {
    const block = Buffer.alloc(1024 * 1024);
    let left = 100;
    function more(socket: Socket): void {
      while (left-- > 0) if (!socket.write(block)) return void socket.once('drain', () => more(socket));
    }
    const server = await openOddServer((socket, _request, nth) => {
      if (nth !== 1) return socket.write(OK);
      socket.write(`${HEAD}Content-Length: ${100 * block.length}\r\n\r\n`);
      return more(socket);
    });
    const statuses: unknown[] = [];
    const replayer = createReplayer({
      targets: [`http://127.0.0.1:${server.port}`],
      ...{ forwarder, connections: 1, timeoutMs: 15_000 },
      onOutcome: ({ status, failure }) => statuses.push(failure ?? status),
    });
    replayer.send(aRequest());
    await replayer.drain();
    const beforeMb = usedMb();
    let mostMb = 0;
    const sampling = setInterval(() => {
      mostMb = Math.max(mostMb, process.memoryUsage().arrayBuffers / 1024 / 1024);
    }, 5);
    for (let n = 0; n < 2; n++) replayer.send(aRequest());
    await replayer.drain();
    clearInterval(sampling);
    expect(statuses).toEqual([200, 418, 200]);
    expect(usedMb() - beforeMb).toBeLessThan(3);
    // undici makes a buffer for each read, which waits for the collector.
    expect(mostMb).toBeLessThan(64);
    expect([server.connections, left]).toEqual([1, -1]);
    await replayer.close();
    await server.close();
  });

  test('thousands of wrong answers leave neither memory nor sockets behind', async () => {
    const wrong = ['HTTP/1.1 200 OK\r\n', 'x', '', `${OK}${OK}`, 'HTTP/1.1 200 OK\r\n\r\nx', `${CHUNKED}zz`];
    const server = await openOddServer((socket, _request, nth) => {
      if (nth % 7 === 6) socket.resetAndDestroy();
      else socket.end(wrong[nth % wrong.length]);
    });
    const replayer = createReplayer({
      targets: [`http://127.0.0.1:${server.port}`],
      ...{ forwarder, connections: 16 },
    });
    async function send(count: number): Promise<void> {
      for (let n = 0; n < count; n++) replayer.send(aRequest({ connection: n }));
      await replayer.drain();
    }
    await send(600);
    const beforeMb = usedMb();
    await send(1800);
    expect(usedMb() - beforeMb).toBeLessThan(3);
    expect(replayer.ledger().targets[0]).toMatchObject({ received: 2400, limited: {}, skipped: {} });
    expectBalance(replayer.ledger().targets[0]!);
    await replayer.close();
    await server.close();
    await expect.poll(tcpSockets).toBe(0);
  });

  test('a server that says keep-alive and closes at once gets each request at most once, and each is counted', async () => {
    const server = await openOddServer((socket) => socket.end(OK));
    const replayer = createReplayer({ targets: [`http://127.0.0.1:${server.port}`], ...{ forwarder, connections: 2 } });
    for (let n = 0; n < 100; n++) replayer.send(aRequest({ connection: n % 4, target: `/${n}` }));
    await replayer.drain();
    const { answered, failed } = replayer.ledger().targets[0]!;
    expect(new Set(server.requests).size).toBe(server.requests.length);
    expect(answered).toBe(server.requests.length);
    expect(answered + (failed['closed-early'] ?? 0) + (failed.reset ?? 0)).toBe(100);
    expect(answered).toBeGreaterThan(50);
    await replayer.close();
    await server.close();
  });
});

/** Sockets of this process, both sides. */
function tcpSockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
}
