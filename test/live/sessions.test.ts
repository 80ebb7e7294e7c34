// --sessions with the real programs between two nginx: both see the same requests on the same connections.
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { createRandom, seedOfThisRun } from '../kit/random.ts';
import { needs } from '../kit/rights.ts';
import { Nginx } from './peers.ts';
import { expectBalance, startListen, startReplay } from './programs.ts';

test('the grouping of requests into connections is the captured one', async (context) => {
  needs(context, 'capture', 'nginx');
  const random = createRandom(seedOfThisRun());
  await using production = await Nginx.start();
  await using staging = await Nginx.start();
  const replay = await startReplay('-f', `http://127.0.0.1:${staging.port}`, '--sessions');
  const listen = await startListen('-p', String(production.port), '-r', `127.0.0.1:${replay.port}`);

  const clients = Array.from({ length: 40 }, (_, client) => ({ client, requests: 1 + random.below(8) }));
  await Promise.all(clients.map(({ client, requests }) => visit(production.port, client, requests)));
  const sent = clients.reduce((sum, { requests }) => sum + requests, 0);
  await expect.poll(() => staging.lines.length, { timeout: 10_000 }).toBe(sent);
  const listened = await listen.stop();
  const replayed = await replay.stop();

  expectBalance(listened, replayed);
  expect(staging.connections.sort(), `seed ${random.seed}`).toEqual(production.connections.sort());
  expect(staging.connections).toHaveLength(clients.length);
  const { overlapped, sessionSockets } = replayed.targets[0]!;
  expect({ overlapped, ...sessionSockets }).toMatchObject({ overlapped: 0, open: 0, opened: 40, closedByTarget: 0 });
});

/** One client's requests on one connection: every third client says close with its last, every fifth speaks HTTP/1.0. */
async function visit(port: number, client: number, requests: number): Promise<void> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1');
  for (let nth = 0; nth < requests; nth++) {
    const isLast = nth === requests - 1;
    const version = client % 5 === 4 ? '1.0' : '1.1';
    const connection = isLast && client % 3 === 2 ? 'close' : 'keep-alive';
    const answered = new Promise<void>((resolve, reject) => {
      let text = '';
      socket.once('error', reject).on('data', function take(data) {
        text += String(data);
        if (!text.endsWith('ok\n')) return;
        socket.off('data', take).off('error', reject);
        resolve();
      });
    });
    socket.write(`GET /${client}/${nth} HTTP/${version}\r\nHost: p\r\nConnection: ${connection}\r\n\r\n`);
    await answered;
  }
  await new Promise<void>((resolve) => void socket.once('close', () => resolve()).end());
}
