// gor-replay --sessions as a process, fed over UDP with @gor/wire: the captured grouping into connections is the replayed.
import { createServer, type Socket } from 'node:net';
import { openUdpSender, type UdpSender } from '@gor/wire';
import { expect, test } from 'vitest';
import { startProgram } from '../kit/process.ts';
import { expectReplayBalance, startReplay } from '../live/programs.ts';

test('each captured connection is one to the target, opened with its first request, ended with its end', async () => {
  await using staging = await openStaging();
  const replay = await startReplay('-f', `http://127.0.0.1:${staging.port}`, '--sessions', '--no-mark');
  await using sender = await openUdpSender({
    host: '127.0.0.1',
    port: replay.port,
    totals: () => ({ captured: 0, dropped: {} }),
    onEvent: () => {},
  });
  const captured = Array.from({ length: 30 }, (_, number) => number + 1);
  for (let index = 0; index < 4; index++) {
    for (const connection of captured) send(sender, connection, index);
  }
  for (const connection of captured.slice(0, 20)) end(sender, connection);
  await sender.drain();
  await expect.poll(() => staging.requests()).toBe(120);
  await expect.poll(() => staging.open()).toBe(10);
  const grouping = staging.connections.map(({ text }) => [...text.matchAll(/\/\d+\/\d+/g)].join(' ')).sort();
  expect(grouping).toEqual(captured.map((number) => [0, 1, 2, 3].map((nth) => `/${number}/${nth}`).join(' ')).sort());
  for (const { text } of staging.connections) expect(text.match(/\r\nConnection: close\r\n/g)).toHaveLength(4);
  expect(staging.connections.filter(({ isEndedByClient }) => isEndedByClient)).toHaveLength(20);

  send(sender, 1, 4); // late, behind the end
  await expect.poll(() => staging.requests()).toBe(121);
  const ledger = await replay.stop();
  expectReplayBalance(ledger);
  expect(ledger.targets).toMatchObject([{ answered: 121, failed: {}, sessionSockets: { opened: 31, evicted: 0 } }]);
  await expect.poll(() => staging.open()).toBe(0);
});

test('with undici it is refused in one line, as other misuse is', async () => {
  const program = startProgram('gor-replay', ['-p', '0', '--sessions', '--forwarder', 'undici']);
  await expect(program.ended()).rejects.toThrow(/exit code 2:\n.*--sessions: undici shares its connections/);
});

function send(sender: UdpSender, connection: number, index: number): void {
  const payload = Buffer.from(`GET /${connection}/${index} HTTP/1.1\r\nHost: p\r\nConnection: close\r\n\r\n`);
  sender.send({ kind: 'request', timestampUs: Date.now() * 1000, connection, index, payload });
}

function end(sender: UdpSender, connection: number): void {
  const payload = new Uint8Array(0);
  sender.send({ kind: 'connection-end', timestampUs: Date.now() * 1000, connection, index: 0, payload });
}

/** Answers everything, and keeps what came on each connection apart. It does not close, whatever Connection says. */
async function openStaging() {
  const connections: { text: string; isEndedByClient: boolean; readonly socket: Socket }[] = [];
  const server = createServer((socket) => {
    const connection = { text: '', isEndedByClient: false, socket };
    connections.push(connection);
    socket.setEncoding('latin1').on('data', (data) => {
      connection.text += String(data);
      socket.write('HTTP/1.1 204 No Content\r\n\r\n');
    });
    socket.on('end', () => {
      connection.isEndedByClient = true;
    });
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    connections,
    requests: () => connections.reduce((sum, { text }) => sum + text.split('\r\n\r\n').length - 1, 0),
    open: () => connections.filter(({ socket }) => !socket.destroyed).length,
    [Symbol.asyncDispose]: async () => {
      for (const { socket } of connections) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
