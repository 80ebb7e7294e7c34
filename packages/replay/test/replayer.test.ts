// The real thing, with each forwarder: sockets, Bottleneck, the machine's clock, and servers on loopback that behave and
// misbehave.

import { createServer, type Server } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { findDeadPort, type OddAnswer, type OddServer, openOddServer } from '../../../test/kit/odd-server.ts';
import { createReplayer, type Replayer, type ReplayerOptions } from '../src/index.ts';
import { aRequest, expectBalance } from './a-request.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

describe.each(['exact', 'undici'] as const)('the forwarder %s:', (forwarder) => {
  function replayTo(ports: readonly number[], options: Partial<ReplayerOptions> = {}): Replayer {
    const replayer = createReplayer({
      forwarder,
      targets: ports.map((port) => `http://127.0.0.1:${port}`),
      ...options,
    });
    closing.push(async () => {
      await replayer.close();
      for (const ledger of replayer.ledger().targets) {
        expectBalance(ledger);
        expect(ledger).toMatchObject({ waiting: 0, inFlight: 0, waitingBytes: 0 });
      }
    });
    return replayer;
  }

  async function odd(answer?: OddAnswer): Promise<OddServer> {
    const server = await openOddServer(answer);
    closing.push(server.close);
    return server;
  }

  const firstOf = (replayer: Replayer) => replayer.ledger().targets[0]!;

  describe('a server that cannot be used', () => {
    test('a server that closes each connection after its answer loses nothing', async () => {
      const server = await odd((socket) => socket.end('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n'));
      const replayer = replayTo([server.port], { connections: 4 });
      for (let n = 0; n < 50; n++) replayer.send(aRequest({ connection: n }));
      await replayer.drain();
      expect(firstOf(replayer)).toMatchObject({ answered: 50, failed: {} });
      expect(server.requests).toHaveLength(50);
    });

    test('sockets of deadlines, failures and closing do not stay open', async () => {
      const server = await odd((socket, _request, index) => (index % 2 === 0 ? undefined : socket.write('nonsense')));
      const replayer = replayTo([server.port], { connections: 4, timeoutMs: 50 });
      for (let n = 0; n < 24; n++) replayer.send(aRequest({ connection: n }));
      await replayer.drain();
      await replayer.close();
      expect(firstOf(replayer).answered).toBe(0);
      await expect.poll(() => server.openConnections).toBe(0);
    });

    test('nobody listens', async () => {
      const replayer = replayTo([await findDeadPort()]);
      for (let n = 0; n < 20; n++) replayer.send(aRequest({ connection: n }));
      await replayer.drain();
      expect(firstOf(replayer)).toMatchObject({ failed: { 'connect-refused': 20 }, answered: 0 });
    });

    test('a name that does not resolve', async () => {
      const replayer = createReplayer({ forwarder, targets: ['http://no-such-host.invalid'] });
      replayer.send(aRequest());
      await replayer.drain();
      expect(firstOf(replayer).failed).toEqual({ unresolvable: 1 });
      await replayer.close();
    });

    test('https to a server that speaks http', async () => {
      const server = await odd();
      const replayer = createReplayer({ forwarder, targets: [`https://127.0.0.1:${server.port}`], timeoutMs: 500 });
      replayer.send(aRequest());
      await replayer.drain();
      const { failed } = firstOf(replayer);
      expect(Object.values(failed)).toEqual([1]);
      expect(Object.keys(failed)[0]).toMatch(/tls|connect-timeout/);
      await replayer.close();
    });
  });

  describe('beside each other', () => {
    test('dead, hanging and nonsensical targets cost the good one nothing', async () => {
      const good = await odd();
      const hanging = await odd(() => {});
      const nonsense = await odd((socket) => socket.write('nonsense\r\n\r\n'));
      const replayer = replayTo([await findDeadPort(), hanging.port, nonsense.port, good.port], {
        timeoutMs: 1000,
        connections: 8,
      });
      for (let n = 0; n < 200; n++) replayer.send(aRequest({ connection: n % 10, target: `/${n}` }));
      await replayer.drain();
      const [dead, hung, odd3, well] = replayer.ledger().targets;
      expect(well).toMatchObject({ answered: 200, limited: {}, failed: {}, skipped: {} });
      expect(dead!.failed['connect-refused']).toBeGreaterThan(0);
      expect(hung!.answered).toBe(0);
      expect(odd3!.failed['bad-answer']).toBeGreaterThan(0);
      expect([dead!.answered, odd3!.answered]).toEqual([0, 0]);
      expect(new Set(good.requests).size).toBe(200);
    });

    test('what waits is what the slowest target has not finished', async () => {
      const good = await odd();
      const hanging = await odd(() => {});
      const replayer = replayTo([good.port, hanging.port], { timeoutMs: 300 });
      expect(replayer.waiting()).toBe(0);
      for (let n = 0; n < 7; n++) replayer.send(aRequest({ connection: n }));
      expect(replayer.waiting()).toBe(7);
      while (firstOf(replayer).waiting > 0) await new Promise((resolve) => setImmediate(resolve));
      expect(replayer.waiting()).toBe(7);
      await replayer.drain();
      expect(replayer.waiting()).toBe(0);
    });

    test('a target that comes back is used again', async () => {
      const port = await findDeadPort();
      const replayer = replayTo([port]);
      replayer.send(aRequest());
      await replayer.drain();
      const server = createServer((_request, response) => response.end('ok'));
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
      closing.push(() => new Promise((resolve) => server.close(resolve)));
      replayer.send(aRequest());
      await replayer.drain();
      expect(firstOf(replayer)).toMatchObject({ failed: { 'connect-refused': 1 }, answered: 1 });
      await replayer.close();
      server.closeAllConnections();
    });
  });

  describe('a node:http server', () => {
    async function listen(server: Server): Promise<number> {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      closing.push(() => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
      });
      const address = server.address();
      return typeof address === 'object' && address !== null ? address.port : 0;
    }

    test('1,000 requests arrive exactly once, over few connections, in order on each captured one', async () => {
      const seen: string[] = [];
      let sockets = 0;
      const server = createServer((request, response) => {
        seen.push(request.url ?? '');
        request.resume();
        request.on('end', () => response.end('hello'));
      });
      server.on('connection', () => sockets++);
      const replayer = replayTo([await listen(server)], { connections: 16 });
      for (let n = 0; n < 1000; n++) {
        const body = n % 3 === 0 ? 'x'.repeat(n) : '';
        const framing = n % 6 === 0 ? 'chunked' : 'content-length';
        replayer.send(
          aRequest({ connection: n % 20, target: `/${n}`, method: body === '' ? 'GET' : 'POST', body, framing }),
        );
      }
      await replayer.drain();
      expect(firstOf(replayer)).toMatchObject({ answered: 1000, failed: {}, overlapped: 0 });
      expect(new Set(seen).size).toBe(1000);
      expect(seen).toHaveLength(1000);
      expect(sockets).toBeLessThanOrEqual(16);
      for (let connection = 0; connection < 20; connection++) {
        const numbers = seen.map((url) => Number(url.slice(1))).filter((n) => n % 20 === connection);
        expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      }
    });

    test('a body of 7 MB arrives identical, by length and chunked', async () => {
      const body = new Uint8Array(Buffer.alloc(7_340_032, '0123456789abcdef'));
      const got: Buffer[] = [];
      const server = createServer((request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          got.push(Buffer.concat(chunks));
          response.end();
        });
      });
      const replayer = replayTo([await listen(server)]);
      const withoutBytes = { ...aRequest({ method: 'PUT' }), bodyStart: undefined };
      replayer.send({ ...withoutBytes, body, framing: 'content-length' });
      replayer.send({ ...withoutBytes, body, framing: 'chunked' });
      await replayer.drain();
      expect(got.map((bytes) => bytes.equals(body))).toEqual([true, true]);
    });

    test('redirects are not followed; HEAD, 204 and 304 have no body', async () => {
      const server = createServer((request, response) => {
        const status = Number(request.url?.slice(1));
        response.writeHead(status, status === 302 ? { location: '/200' } : { 'x-a': 'b' }).end();
      });
      const statuses: (number | undefined)[] = [];
      const replayer = replayTo([await listen(server)], { onOutcome: ({ status }) => statuses.push(status) });
      for (const status of [302, 204, 304, 500]) replayer.send(aRequest({ target: `/${status}` }));
      replayer.send(aRequest({ method: 'HEAD', target: '/200' }));
      await replayer.drain();
      expect(statuses).toEqual([302, 204, 304, 500, 200]);
    });
  });

  test('Bottleneck leases in time: five at once go at once, and no second has more than the limit', async () => {
    const server = await odd();
    const sentMs: number[] = [];
    const replayer = createReplayer({
      forwarder,
      targets: [`http://127.0.0.1:${server.port}|50`],
      bufferMs: 5000,
      onOutcome: (outcome) => sentMs.push(outcome.sentMs ?? Number.NaN),
    });
    for (let n = 0; n < 100; n++) replayer.send(aRequest({ connection: n }));
    await replayer.drain();
    sentMs.sort((a, b) => a - b);
    expect(sentMs).toHaveLength(100);
    for (let at = 50; at < 100; at++) expect(sentMs[at]! - sentMs[at - 50]!).toBeGreaterThan(1000);
    expect(sentMs[49]! - sentMs[0]!).toBeLessThan(500);
    expect(sentMs[99]! - sentMs[0]!).toBeLessThan(2500);
    await replayer.close();
  });

  test('what onOutcome throws does not touch the counts', async () => {
    const server = await odd();
    const thrown = new Promise((resolve) => process.prependOnceListener('uncaughtException', resolve));
    const listeners = process.listeners('uncaughtException').slice(1);
    for (const listener of listeners) process.off('uncaughtException', listener);
    const replayer = replayTo([server.port], {
      onOutcome: () => {
        throw new Error('from outside');
      },
    });
    replayer.send(aRequest());
    await replayer.drain();
    expect(String(await thrown)).toContain('from outside');
    for (const listener of listeners) process.on('uncaughtException', listener);
    expect(firstOf(replayer).answered).toBe(1);
  });
});
