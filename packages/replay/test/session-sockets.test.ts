// A connection to the target for each captured one: what the server sees of them, and what ends them.

import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OK } from '../../../test/kit/odd-server.ts';
import { createRandom, seedOfThisRun } from '../../../test/kit/random.ts';
import { createReplayer, type Replayer, type ReplayerOptions } from '../src/index.ts';
import { SessionSockets } from '../src/session-sockets.ts';
import type { PooledSocket } from '../src/socket-pool.ts';
import { aRequest, expectBalance } from './a-request.ts';

interface Accepted {
  /** The paths asked for, in their order. */
  readonly paths: string[];
  readonly heads: string[];
  isOpen: boolean;
  readonly socket: Socket;
}

type Answer = (accepted: Accepted, path: string) => void;
const well: Answer = ({ socket }) => socket.write(OK);

let server: Server;
let accepted: Accepted[];
let answer: Answer;

beforeEach(async () => {
  accepted = [];
  answer = well;
  server = createServer((socket) => {
    const each: Accepted = { paths: [], heads: [], isOpen: true, socket };
    accepted.push(each);
    let text = '';
    socket.setEncoding('latin1').on('data', (data) => {
      text += String(data);
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const head = text.slice(0, end + 4);
        text = text.slice(end + 4);
        each.heads.push(head);
        each.paths.push(head.split(' ')[1] ?? '');
        answer(each, each.paths.at(-1)!);
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      each.isOpen = false;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  for (const { socket } of accepted) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

function replayerWith(options: Partial<ReplayerOptions> = {}): Replayer {
  const { port } = server.address() as { port: number };
  return createReplayer({ targets: [`http://127.0.0.1:${port}`], mark: false, sessions: true, ...options });
}

const get = (connection: string | number, index: number) => aRequest({ connection, target: `/${connection}/${index}` });
const pathsOf = (connection: string | number, ...indexes: number[]) =>
  indexes.map((index) => `/${connection}/${index}`);

/** Waits for what the server is told by the kernel a little later. */
async function until(holds: () => boolean): Promise<void> {
  for (const endMs = performance.now() + 5000; !holds(); ) {
    if (performance.now() > endMs) throw new Error('it did not come to that within 5 s');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const openCount = (): number => accepted.filter(({ isOpen }) => isOpen).length;

describe('each captured connection has one to the target', () => {
  test('with its requests in their order, open as long as it was', async () => {
    await using replayer = replayerWith();
    for (let index = 0; index < 5; index++) {
      for (const connection of ['a', 'b', 'c']) replayer.send(get(connection, index));
    }
    await replayer.drain();
    replayer.endConnection('b');
    await until(() => openCount() === 2);
    replayer.send(get('a', 5));
    await replayer.drain();
    expect(accepted.map(({ paths }) => paths).sort()).toEqual([
      pathsOf('a', 0, 1, 2, 3, 4, 5),
      pathsOf('b', 0, 1, 2, 3, 4),
      pathsOf('c', 0, 1, 2, 3, 4),
    ]);
    expect(accepted.find(({ isOpen }) => !isOpen)?.paths[0]).toBe('/b/0');
    expect(replayer.ledger().targets[0]!.sessionSockets).toEqual({ opened: 3, reopened: 0, evicted: 0, idle: 0 });
  });

  test('what it said of itself goes out as it was captured', async () => {
    await using replayer = replayerWith();
    const headers = ['Host', 'p', 'connection', 'Close, x'];
    replayer.send(aRequest({ connection: 1, headers }));
    replayer.send(aRequest({ connection: 2, version: 'HTTP/1.0', headers: ['Host', 'p'] }));
    await replayer.drain();
    const heads = accepted.flatMap(({ heads: all }) => all.map((head) => head.replace(/^Host:.*\r\n/m, ''))).sort();
    expect(heads).toEqual(['GET / HTTP/1.0\r\n\r\n', 'GET / HTTP/1.1\r\nconnection: Close, x\r\n\r\n']);
  });

  test('that ended while requests waited or were under way: they go, then it closes', async () => {
    const open: Accepted[] = [];
    answer = (each) => void open.push(each);
    await using replayer = replayerWith();
    for (const index of [0, 1, 2]) replayer.send(get('a', index));
    replayer.endConnection('a');
    for (let done = 0; done < 3; done++) {
      await until(() => open.length > done);
      expect(openCount()).toBe(1);
      open[done]!.socket.write(OK);
    }
    await replayer.drain();
    await until(() => openCount() === 0);
    expect(accepted.map(({ paths }) => paths)).toEqual([pathsOf('a', 0, 1, 2)]);
  });

  test('what comes after its end has a new one', async () => {
    await using replayer = replayerWith();
    replayer.send(get('a', 0));
    await replayer.drain();
    replayer.endConnection('a');
    replayer.endConnection('never seen');
    replayer.send(get('a', 1));
    await replayer.drain();
    expect(accepted.map(({ paths }) => paths)).toEqual([pathsOf('a', 0), pathsOf('a', 1)]);
  });

  test('a target that closes first gets a new one with the next request, and nothing fails', async () => {
    answer = ({ socket }, path) => (path === '/a/0' ? socket.end(OK) : socket.write(OK));
    await using replayer = replayerWith();
    for (const index of [0, 1, 2]) {
      replayer.send(get('a', index));
      await replayer.drain();
      await until(() => accepted.every(({ isOpen, paths }) => isOpen === !paths.includes('/a/0')));
    }
    const ledger = replayer.ledger().targets[0]!;
    expect(ledger).toMatchObject({ answered: 3, failed: {}, sessionSockets: { opened: 2, reopened: 1 } });
    expect(accepted.map(({ paths }) => paths)).toEqual([pathsOf('a', 0), pathsOf('a', 1, 2)]);
  });

  test('one whose request timed out goes on with a new one', async () => {
    answer = (each, path) => void (path === '/a/1' || well(each, path));
    await using replayer = replayerWith({ timeoutMs: 100 });
    for (const index of [0, 1]) replayer.send(get('a', index));
    await replayer.drain();
    for (const index of [2, 3]) replayer.send(get('a', index));
    replayer.endConnection('a');
    await replayer.drain();
    await until(() => openCount() === 0);
    const ledger = replayer.ledger().targets[0]!;
    expectBalance(ledger);
    expect(ledger.sessionSockets).toMatchObject({ opened: 2, reopened: 1 });
    expect(accepted.map(({ paths }) => paths)).toEqual([pathsOf('a', 0, 1), pathsOf('a', 2, 3)]);
  });

  test('a request beside its predecessor has a socket for itself, which closes', async () => {
    const slow: Accepted[] = [];
    answer = (each, path) => void (path === '/a/0' ? slow.push(each) : well(each, path));
    await using replayer = replayerWith({ orderWaitMs: 30 });
    replayer.send(get('a', 0));
    replayer.send(get('a', 1));
    await until(() => accepted.length === 2 && openCount() === 1);
    slow[0]!.socket.write(OK);
    await replayer.drain();
    replayer.send(get('a', 2));
    await replayer.drain();
    expect(replayer.ledger().targets[0]).toMatchObject({ answered: 3, overlapped: 1, sessionSockets: { opened: 2 } });
    expect(accepted.map(({ paths }) => paths)).toEqual([pathsOf('a', 0, 2), pathsOf('a', 1)]);
  });
});

test('connections that come and go leave nothing open', async () => {
  const random = createRandom(seedOfThisRun());
  await using replayer = replayerWith({ connections: 20 });
  const lengths = Array.from({ length: 600 }, () => 1 + random.below(4));
  const open = new Map<number, number>();
  for (let next = 0; next < lengths.length || open.size > 0; ) {
    if (next < lengths.length && (open.size < 30 || random.chance(0.5))) open.set(next++, 0);
    const connection = random.pick([...open.keys()]);
    const index = open.get(connection)!;
    if (index === lengths[connection]) {
      open.delete(connection);
      replayer.endConnection(connection);
    } else {
      replayer.send(get(connection, index));
      open.set(connection, index + 1);
    }
    if (random.chance(0.02)) await replayer.drain();
  }
  await replayer.drain();
  await until(() => openCount() === 0);
  const note = `seed ${random.seed}`;
  const expected = lengths.map((length, connection) => pathsOf(connection, ...Array(length).keys()));
  expect(accepted.map(({ paths }) => paths).sort(byFirst), note).toEqual(expected.sort(byFirst));
  expect(replayer.ledger().targets[0], note).toMatchObject({ overlapped: 0, failed: {}, limited: {} });
});

const byFirst = ([a = '']: string[], [b = '']: string[]): number => (a < b ? -1 : 1);

describe('the bounds', () => {
  class Fake implements PooledSocket {
    isOpen = true;
    isFree = true;
    keepAliveSeconds = -1;
    idleUntil = 0;
    destroy = (): void => {
      this.isOpen = false;
      this.isFree = false;
    };
  }

  /** Uses a connection once; gives its socket. */
  function use(pool: SessionSockets<Fake>, connection: number): Fake {
    const known = pool.take({ connection });
    const socket = known ?? new Fake();
    if (known === undefined) pool.opened(socket, { connection });
    expect(pool.keep(socket)).toBe(true);
    return socket;
  }

  test('in number: the connection used the longest ago goes, never one with a request under way', () => {
    const pool = new SessionSockets<Fake>(3);
    const busy = new Fake();
    expect(pool.take({ connection: 0 })).toBeUndefined();
    pool.opened(busy, { connection: 0 });
    const [one, two] = [use(pool, 1), use(pool, 2)];
    expect(use(pool, 1)).toBe(one);
    const three = use(pool, 3);
    expect([busy, one, two, three].map(({ isOpen }) => isOpen)).toEqual([true, true, false, true]);
    expect(pool.counters()).toEqual({ opened: 4, reopened: 0, evicted: 1, idle: 0 });
  });

  test('in time: 5 minutes without a request', () => {
    const pool = new SessionSockets<Fake>(3);
    const one = use(pool, 1);
    for (let sweep = 0; sweep < 600; sweep++) pool.sweep();
    const two = use(pool, 2);
    for (let sweep = 0; sweep < 599; sweep++) expect(pool.sweep()).toBe(true);
    expect([one.isOpen, two.isOpen]).toEqual([true, true]);
    pool.sweep();
    expect([one.isOpen, two.isOpen, pool.counters().idle]).toEqual([false, true, 1]);
    for (let sweep = 0; sweep < 600; sweep++) pool.sweep();
    expect([two.isOpen, pool.sweep()]).toEqual([false, false]);
  });

  test('and where the target said that it waits so many seconds, half a second less', () => {
    const pool = new SessionSockets<Fake>(3);
    const first = use(pool, 1);
    first.keepAliveSeconds = 5;
    for (let sweep = 0; sweep < 17; sweep++) pool.sweep();
    expect(use(pool, 1)).toBe(first);
    for (let sweep = 0; sweep < 18; sweep++) pool.sweep();
    expect(use(pool, 1)).not.toBe(first);
    expect([first.isOpen, pool.counters().reopened]).toEqual([false, 1]);
  });
});

test.each<[Partial<ReplayerOptions>, string]>([
  [{ forwarder: 'undici' }, 'sessions needs the exact forwarder'],
  [{ keepOrder: false }, 'sessions needs keepOrder'],
])('%o is refused', (options, message) => {
  expect(() => replayerWith(options)).toThrow(message);
});
