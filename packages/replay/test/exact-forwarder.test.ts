// The list of the exact forwarder's changes, proven by the bytes that it writes to a raw TCP server.

import { createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { latin1 } from '../../../test/kit/every-split.ts';
import { type OddServer, OK, openOddServer } from '../../../test/kit/odd-server.ts';
import { ExactWriter } from '../src/exact-message.ts';
import { createReplayer, type Replayer, type ReplayerOptions, type ReplayRequest } from '../src/index.ts';
import { aRequest, expectBalance, type RequestFields } from './a-request.ts';

let server: OddServer;
beforeAll(async () => {
  server = await openOddServer();
});
afterAll(() => server.close());

/** What the server gets of a request; where nothing came, why. */
async function sentAs(request: ReplayRequest, options: Partial<ReplayerOptions> = {}, basePath = ''): Promise<string> {
  const before = server.requests.length;
  await using replayer = createReplayer({
    targets: [`http://127.0.0.1:${server.port}${basePath}`],
    mark: false,
    ...options,
  });
  replayer.send(request);
  await replayer.drain();
  const ledger = replayer.ledger().targets[0]!;
  expectBalance(ledger);
  const [sent] = server.requests.slice(before);
  return sent?.replaceAll(String(server.port), 'PORT') ?? Object.keys({ ...ledger.skipped, ...ledger.failed }).join();
}

/** A captured request whose bytes are these, with what a parser makes of them. */
function captured(text: string, fields: RequestFields): ReplayRequest {
  const bytes = latin1(text);
  const bodyStart = /\r?\n\r?\n/.exec(text)!.index + /\r?\n\r?\n/.exec(text)![0].length;
  return { ...aRequest(fields), bytes, bodyStart, headers: fields.headers ?? [] };
}

const HOST = 'Host: 127.0.0.1:PORT';
const lines = (...all: string[]): string => `${all.join('\r\n')}\r\n\r\n`;

describe('what is sent of a request that is written in the ordinary way', () => {
  test.each<[string, RequestFields, string]>([
    [
      'all headers as they are, Host with its new value in its old place',
      { headers: ['X-B', '1', 'hOST', 'p', 'aCCept', '*/*', 'X-B', '2', 'x-empty', '', 'X-Obs', 'caf\xe9 \xff\x01'] },
      lines(
        'GET / HTTP/1.1',
        'X-B: 1',
        'hOST: 127.0.0.1:PORT',
        'aCCept: */*',
        'X-B: 2',
        'x-empty: ',
        'X-Obs: caf\xe9 \xff\x01',
      ),
    ],
    [
      'the target',
      { target: '//a/../b/%00?q=%zz&\xe4 \xc3\xa4#f' },
      lines('GET //a/../b/%00?q=%zz&\xe4 \xc3\xa4#f HTTP/1.1', HOST),
    ],
    ['a target in absolute form', { target: 'http://p/a?b' }, lines('GET http://p/a?b HTTP/1.1', HOST)],
    ['OPTIONS *', { method: 'OPTIONS', target: '*' }, lines('OPTIONS * HTTP/1.1', HOST)],
    ['any token as a method', { method: 'm-SEARCH' }, lines('m-SEARCH / HTTP/1.1', HOST)],
    [
      'HTTP/1.0, kept alive',
      { version: '1.0', headers: ['A', 'b'] },
      lines('GET / HTTP/1.0', 'A: b', 'Connection: keep-alive'),
    ],
    [
      'HTTP/1.0 that says keep-alive',
      { version: '1.0', headers: ['Connection', 'Keep-Alive'] },
      lines('GET / HTTP/1.0', 'Connection: Keep-Alive'),
    ],
    ['another minor version', { version: '1.7' }, lines('GET / HTTP/1.7', HOST)],
    ['no Host is added', { headers: ['A', 'b'] }, lines('GET / HTTP/1.1', 'A: b')],
    ['no headers at all', { headers: [] }, lines('GET / HTTP/1.1')],
    [
      'every Host is the target',
      { headers: ['Host', 'a', 'host', 'b'] },
      lines('GET / HTTP/1.1', HOST, 'host: 127.0.0.1:PORT'),
    ],
    [
      'close becomes keep-alive, other options stay',
      { headers: ['Connection', 'TE, Close', 'TE', 'trailers', 'Connection', 'closed'] },
      lines('GET / HTTP/1.1', 'Connection: TE, keep-alive', 'TE: trailers', 'Connection: closed'),
    ],
    [
      'hop-by-hop headers and expectations',
      { headers: ['Keep-Alive', 'timeout=5', 'Proxy-Connection', 'x', 'Upgrade', 'h2c', 'Expect', '100-continue'] },
      lines('GET / HTTP/1.1', 'Keep-Alive: timeout=5', 'Proxy-Connection: x', 'Upgrade: h2c', 'Expect: 100-continue'),
    ],
    [
      'a body with its length',
      { method: 'POST', headers: ['Content-Length', '03'], body: 'a\xff\r' },
      `${lines('POST / HTTP/1.1', 'Content-Length: 03')}a\xff\r`,
    ],
    [
      'a GET with a body',
      { headers: ['Content-Length', '3'], body: 'abc' },
      `${lines('GET / HTTP/1.1', 'Content-Length: 3')}abc`,
    ],
    ['a POST without a body', { method: 'POST', headers: [] }, lines('POST / HTTP/1.1')],
    [
      'a chunked body in its chunks, with its trailers',
      {
        method: 'PUT',
        headers: ['transfer-encoding', 'Chunked'],
        framing: 'chunked',
        body: 'hello chunks',
        trailers: ['X-T', '1'],
      },
      `${lines('PUT / HTTP/1.1', 'transfer-encoding: Chunked')}5\r\nhello\r\n5\r\n chun\r\n2\r\nks\r\n0\r\nX-T: 1\r\n\r\n`,
    ],
    [
      'an empty chunked body',
      { method: 'PUT', headers: ['Transfer-Encoding', 'chunked'], framing: 'chunked' },
      `${lines('PUT / HTTP/1.1', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
    ],
    ['HEAD', { method: 'HEAD' }, lines('HEAD / HTTP/1.1', HOST)],
  ])('%s', async (_sentence, request, expected) => {
    expect(await sentAs(aRequest(request))).toBe(expected);
  });

  test.each([15_000, 60_000])('a target of %i characters, and a body beside it', async (length) => {
    const target = `/${'a'.repeat(length)}`;
    const sent = await sentAs(aRequest({ target, method: 'POST', body: 'b'.repeat(20_000) }));
    expect(sent).toBe(`${lines(`POST ${target} HTTP/1.1`, HOST, 'Content-Length: 20000')}${'b'.repeat(20_000)}`);
  });

  test('chunks of a body over 16 KiB with their borders, extensions and trailers', async () => {
    const chunks = ['a'.repeat(9000), 'b', 'c'.repeat(20_000)].map(
      (data) => `${data.length.toString(16)};x=1\r\n${data}\r\n`,
    );
    const body = `${chunks.join('')}0\r\nX-T: 1\r\n\r\n`;
    const head = lines('PUT / HTTP/1.1', 'Transfer-Encoding: chunked');
    const fields = { method: 'PUT', headers: ['Transfer-Encoding', 'chunked'], framing: 'chunked' as const };
    expect(await sentAs({ ...captured(head + body, fields), body: latin1('not this one') })).toBe(head + body);
  });
});

describe('what is sent of a request that is written oddly', () => {
  const host = ['Host', 'p'];
  test.each<[string, string, RequestFields, string]>([
    [
      'bare LF',
      'GET / HTTP/1.1\nA: b\nHost: p\n\n',
      { headers: ['A', 'b', ...host] },
      `GET / HTTP/1.1\nA: b\n${HOST}\nGor-Replayed: 1\r\n\n`,
    ],
    [
      'several blanks',
      'GET  /a \t HTTP/1.1\r\nHost: p\r\n\r\n',
      { target: '/a', headers: host },
      lines('GET  /a \t HTTP/1.1', HOST, 'Gor-Replayed: 1'),
    ],
    [
      'no blank before a value',
      'GET / HTTP/1.1\r\nA:b\r\nHost:p\r\n\r\n',
      { headers: ['A', 'b', ...host] },
      lines('GET / HTTP/1.1', 'A:b', HOST.replace(' ', ''), 'Gor-Replayed: 1'),
    ],
    [
      'blanks around all',
      'GET / HTTP/1.1\r\nA \t:  b \r\nHost : p\r\n\r\n',
      { headers: ['A', 'b', ...host] },
      lines('GET / HTTP/1.1', 'A \t:  b ', 'Host : 127.0.0.1:PORT', 'Gor-Replayed: 1'),
    ],
    [
      'lines without a colon',
      'GET / HTTP/1.1\r\nHost\r\n:x\r\n\r\n',
      { headers: ['Host', '', '', 'x'] },
      lines('GET / HTTP/1.1', 'Host', ':x', 'Gor-Replayed: 1'),
    ],
    [
      'folds',
      'GET / HTTP/1.1\r\nA: b \r\n  c\r\n\td\r\nHost: p\r\n q\r\n\r\n',
      { headers: ['A', 'b c d', 'Host', 'p q'] },
      lines('GET / HTTP/1.1', 'A: b c d', HOST, 'Gor-Replayed: 1'),
    ],
    [
      'a fold behind an empty value',
      'GET / HTTP/1.1\r\nA:\r\n b\r\n\r\n',
      { headers: ['A', 'b'] },
      lines('GET / HTTP/1.1', 'A: b', 'Gor-Replayed: 1'),
    ],
    [
      'chunk extensions',
      'GET / HTTP/1.1\nTransfer-Encoding: chunked\r\n\r\n01;x=y\r\nz\r\n0\r\n\r\n',
      { headers: ['Transfer-Encoding', 'chunked'], framing: 'chunked' },
      'GET / HTTP/1.1\nTransfer-Encoding: chunked\r\nGor-Replayed: 1\r\n\r\n01;x=y\r\nz\r\n0\r\n\r\n',
    ],
  ])('%s', async (_sentence, text, fields, expected) => {
    const got: string[] = [];
    await using raw = await rawServer((socket, bytes) => {
      got.push(bytes);
      socket.write(OK);
    });
    await using replayer = createReplayer({ targets: [`http://127.0.0.1:${raw.port}`] });
    replayer.send(captured(text, fields));
    await replayer.drain();
    expect(got.join('').replaceAll(String(raw.port), 'PORT')).toBe(expected);
  });
});

test.each([
  ['blanks in a value', `A: ${' '.repeat(200_000)}b\r\n x`],
  ['blanks in a name', `A${' '.repeat(200_000)}b: c`],
  ['folds', `A: b${'\r\n c'.repeat(40_000)}`],
  ['options', `Connection: ${'close,'.repeat(30_000)}x`],
])('writing a head of 200 KB of %s takes no time to speak of', (_sentence, line) => {
  const writer = new ExactWriter({ authority: 'a', basePath: '', originalHost: false, mark: true, sessions: false });
  const startMs = performance.now();
  writer.message(captured(`GET / HTTP/1.1\n${line}\n\n`, { headers: ['A', 'b'] }));
  expect(performance.now() - startMs).toBeLessThan(1000);
});

describe('what is sent of a request that has no bytes of its own', () => {
  const bodyStart = undefined;
  test.each<[string, RequestFields, string]>([
    ['its fields', { headers: ['a', 'b', 'Host', 'p'], bodyStart }, lines('GET / HTTP/1.1', 'a: b', HOST)],
    [
      'a version with HTTP/',
      { version: 'HTTP/1.0', headers: [], bodyStart },
      lines('GET / HTTP/1.0', 'Connection: keep-alive'),
    ],
    [
      'the length of its body',
      { headers: ['Content-Length', '9', 'content-length', '9'], body: 'ab', bodyStart },
      `${lines('GET / HTTP/1.1', 'Content-Length: 2')}ab`,
    ],
    [
      'a chunked body in one chunk',
      {
        headers: ['Transfer-Encoding', 'chunked', 'Content-Length', '1'],
        framing: 'chunked',
        body: 'hello chunks',
        trailers: ['T', 'u'],
        bodyStart,
      },
      `${lines('GET / HTTP/1.1', 'Transfer-Encoding: chunked')}c\r\nhello chunks\r\n0\r\nT: u\r\n\r\n`,
    ],
    [
      'an empty chunked body',
      { framing: 'chunked', headers: [], bodyStart },
      `${lines('GET / HTTP/1.1', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
    ],
    ['nothing, where a value breaks its line', { headers: ['A', 'b\r\nEvil: 1'], bodyStart }, 'cannot-send'],
    [
      'nothing, where a trailer does',
      { headers: [], framing: 'chunked', trailers: ['A', 'b\n'], bodyStart },
      'cannot-send',
    ],
    ['nothing, where the target does', { target: '/\n', bodyStart }, 'cannot-send'],
    ['nothing, where a name is no Latin-1', { headers: ['\u20ac', 'b'], bodyStart }, 'cannot-send'],
  ])('%s', async (_sentence, request, expected) => {
    expect(await sentAs(aRequest(request))).toBe(expected);
  });
});

describe('options', () => {
  test.each<[string, RequestFields, string, string]>([
    ['a base path goes in front of the path', { target: '/a?b' }, '/base/x/', 'GET /base/x/a?b HTTP'],
    ['also in absolute form', { target: 'HTTP://p:1/a' }, '/base', 'GET HTTP://p:1/base/a HTTP'],
    ['and where that has no path', { target: 'http://p?q' }, '/base', 'GET http://p/base/?q HTTP'],
    ['but not of *', { method: 'OPTIONS', target: '*' }, '/base', 'OPTIONS * HTTP'],
  ])('%s', async (_sentence, request, basePath, expected) => {
    expect(await sentAs(aRequest(request), {}, basePath)).toMatch(new RegExp(`^${expected.replace(/[?*.]/g, '\\$&')}`));
  });

  test('the original Host stays where it is asked for', async () => {
    const request = aRequest({ headers: ['A', 'b', 'HOST', 'p:81'] });
    expect(await sentAs(request, { originalHost: true })).toBe(lines('GET / HTTP/1.1', 'A: b', 'HOST: p:81'));
  });

  test('the mark is added once, at the end', async () => {
    const marked = lines('GET / HTTP/1.1', 'A: b', 'Gor-Replayed: 1');
    expect(await sentAs(aRequest({ headers: ['A', 'b'] }), { mark: true })).toBe(marked);
    const before = ['gOR-rEPLAYED', '7', 'A', 'b'];
    expect(await sentAs(aRequest({ headers: before }), { mark: true })).toBe(
      lines('GET / HTTP/1.1', 'gOR-rEPLAYED: 7', 'A: b'),
    );
  });

  test.each(['nonsense', 7])('a forwarder %s is refused', (forwarder) => {
    // @ts-expect-error a caller without types
    expect(() => createReplayer({ targets: ['a'], forwarder })).toThrow(`forwarder is ${forwarder}`);
  });
});

describe('what is not sent', () => {
  test.each<[string, RequestFields, string]>([
    ['CONNECT', { method: 'CONNECT', target: 'a:443' }, 'connect'],
    ['an upgrade', { headers: ['Connection', 'keep-alive, Upgrade', 'Upgrade', 'websocket'] }, 'upgrade'],
  ])('%s', async (_sentence, request, reason) => {
    expect(await sentAs(aRequest(request))).toBe(reason);
  });
});

interface RawServer extends AsyncDisposable {
  readonly port: number;
  /** Connections accepted, and those open now. */
  readonly accepted: number;
  readonly open: number;
}

/** Gives each read as text, a character a byte. */
async function rawServer(onData: (socket: Socket, bytes: string, nth: number) => void): Promise<RawServer> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const listening: Server = createServer((socket) => {
    const nth = accepted++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (bytes) => onData(socket, bytes.toString('latin1'), nth));
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const address = listening.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    get accepted() {
      return accepted;
    },
    get open() {
      return sockets.size;
    },
    [Symbol.asyncDispose]: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => listening.close(() => resolve()));
    },
  };
}

const answeredOf = (replayer: Replayer): number => replayer.ledger().targets[0]!.answered;

describe('sockets', () => {
  test('one after the other goes on one socket, which is closed when it was idle for 1.5 s', async () => {
    await using raw = await rawServer((socket) => socket.write(OK));
    await using replayer = createReplayer({ targets: [`http://127.0.0.1:${raw.port}`] });
    for (let n = 0; n < 20; n++) {
      replayer.send(aRequest({ connection: n }));
      await replayer.drain();
    }
    expect([raw.accepted, answeredOf(replayer)]).toEqual([1, 20]);
    expect(raw.open).toBe(1);
    await expect.poll(() => raw.open, { timeout: 3000 }).toBe(0);
  });

  test.each([
    [
      'HEAD, which some servers answer with a body',
      aRequest({ method: 'HEAD' }),
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n',
    ],
    ['an answer that says close', aRequest(), 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'],
    [
      'an answer that keeps it for no time',
      aRequest(),
      'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=0\r\nContent-Length: 0\r\n\r\n',
    ],
    ['bytes behind the answer', aRequest(), `${OK}HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n`],
  ])('a socket is not used again after %s', async (_sentence, request, answer) => {
    await using raw = await rawServer((socket) => socket.write(answer));
    await using replayer = createReplayer({ targets: [`http://127.0.0.1:${raw.port}`] });
    for (let n = 0; n < 5; n++) {
      replayer.send(request);
      await replayer.drain();
    }
    expect([raw.accepted, answeredOf(replayer)]).toEqual([5, 5]);
  });

  test('bytes on an idle socket close it', async () => {
    const sockets: Socket[] = [];
    await using raw = await rawServer((socket) => sockets.push(socket) && socket.write(OK));
    await using replayer = createReplayer({ targets: [`http://127.0.0.1:${raw.port}`] });
    replayer.send(aRequest());
    await replayer.drain();
    sockets[0]!.write('HTTP/1.1 408 Too late\r\nContent-Length: 0\r\n\r\n');
    await expect.poll(() => raw.open).toBe(0);
    replayer.send(aRequest());
    await replayer.drain();
    expect([raw.accepted, answeredOf(replayer)]).toEqual([2, 2]);
  });

  test('an answer before the request was read counts, and the rest is not sent', async () => {
    await using raw = await rawServer((socket) => {
      socket.pause();
      socket.write('HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n');
    });
    const statuses: unknown[] = [];
    await using replayer = createReplayer({
      targets: [`http://127.0.0.1:${raw.port}`],
      onOutcome: ({ status, failure }) => statuses.push(status, failure),
      maxWaitingBytes: 1e9,
    });
    const body = new Uint8Array(64 * 1024 * 1024);
    const before = process.memoryUsage().arrayBuffers + process.memoryUsage().external;
    replayer.send({ ...aRequest({ method: 'POST' }), bodyStart: undefined, framing: 'content-length', body });
    await replayer.drain();
    const grown = process.memoryUsage().arrayBuffers + process.memoryUsage().external - before;
    expect(statuses).toEqual([413, undefined]);
    expect(grown).toBeLessThan(body.length / 4);
    await replayer.close();
  });

  test('a socket whose request was answered before all of it was written is not used again', async () => {
    await using raw = await rawServer((socket, _bytes, nth) => {
      if (nth === 0) socket.pause(); // what follows would be taken for the rest of the body
      socket.write(OK);
    });
    await using replayer = createReplayer({
      targets: [`http://127.0.0.1:${raw.port}`],
      maxWaitingBytes: 1e9,
      timeoutMs: 2000,
    });
    const body = new Uint8Array(32 * 1024 * 1024);
    replayer.send({ ...aRequest({ method: 'POST' }), bodyStart: undefined, framing: 'content-length', body });
    await replayer.drain();
    replayer.send(aRequest());
    await replayer.drain();
    expect([raw.accepted, answeredOf(replayer)]).toEqual([2, 2]);
  });

  test('an answer of one byte at a time, and a request behind it', async () => {
    await using raw = await rawServer(async (socket) => {
      for (const byte of `HTTP/1.1 100 Continue\r\n\r\n${OK}`) {
        socket.write(byte);
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    await using replayer = createReplayer({ targets: [`http://127.0.0.1:${raw.port}`], connections: 1 });
    replayer.send(aRequest({ connection: 1 }));
    replayer.send(aRequest({ connection: 2 }));
    await replayer.drain();
    expect([raw.accepted, answeredOf(replayer)]).toEqual([1, 2]);
  });

  test('closing ends what is connecting, in flight and idle; nothing stays open', async () => {
    await using raw = await rawServer((socket, _bytes, nth) => nth % 2 === 0 && socket.write(OK));
    const replayer = createReplayer({ targets: [`http://127.0.0.1:${raw.port}`] });
    for (let n = 0; n < 8; n++) replayer.send(aRequest({ connection: n }));
    await expect.poll(() => answeredOf(replayer)).toBe(4);
    replayer.send(aRequest({ connection: 9 }));
    replayer.send(aRequest({ connection: 10 }));
    await Promise.all([replayer.close(), replayer.close()]);
    const ledger = replayer.ledger().targets[0]!;
    expectBalance(ledger);
    expect(ledger).toMatchObject({ waiting: 0, inFlight: 0, failed: { closed: 6 } });
    await expect.poll(() => raw.open).toBe(0);
  });
});
