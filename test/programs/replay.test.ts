// gor-replay as a process, fed over UDP with @gor/wire: limits, order of things under load, outages, signals.
import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openUdpSender, type UdpSender } from '@gor/wire';
import { describe, expect, test } from 'vitest';
import { numberedGet } from '../kit/http-load.ts';
import { RawServer } from '../kit/raw-server.ts';
import { mostInOneSecond } from '../kit/send-times.ts';
import { expectReplayBalance, startReplay, sum } from '../live/programs.ts';

describe.concurrent('limits', () => {
  test('"a|10,b|5" under excess sends at most 10 and 5 in any one second, and five at once below the limit all at once', async () => {
    await using ten = await RawServer.start();
    await using five = await RawServer.start();
    const folder = mkdtempSync(join(tmpdir(), 'gor-results-'));
    const results = join(folder, 'results');
    const replay = await startReplay('-f', `${urlOf(ten)}|10,${urlOf(five)}|5`, '--results', results);
    await using sender = await senderTo(replay.port);
    const excess = 40 * 5;
    await sendAtRate(sender, excess, 40);
    await sender.drain();
    await five.arrived(25, 10_000);
    const ledger = await replay.stop();

    expectReplayBalance(ledger);
    const outcomes = readFileSync(results, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Outcome);
    rmSync(folder, { recursive: true });
    for (const [server, limit] of [
      [ten, 10],
      [five, 5],
    ] as const) {
      const sent = outcomes
        .filter(({ target, sentMs }) => target === urlOf(server) && sentMs !== undefined)
        .map(({ sentMs }) => sentMs!);
      expect(mostInOneSecond(sent)).toBeLessThanOrEqual(limit);
      expect(mostInOneSecond(sent)).toBe(limit);
      const target = ledger.targets.find(({ url }) => url === urlOf(server))!;
      expect(target.received).toBe(excess);
      expect(target.answered).toBe(sent.length);
      expect(sum(target.limited)).toBe(excess - sent.length);
      expect(sent.length).toBeGreaterThanOrEqual(limit * 5);
      expect(sent.length).toBeLessThanOrEqual(limit * 7);
      expect(sent[limit - 1]! - sent[0]!).toBeLessThan(400); // the first ones did not wait for one another
    }
  });

  test('five requests at once below the limit all go at once', async () => {
    await using staging = await RawServer.start();
    const replay = await startReplay('-f', `${urlOf(staging)}|10`);
    await using sender = await senderTo(replay.port);
    for (let number = 0; number < 5; number++) send(sender, number);
    await staging.arrived(5);
    expectReplayBalance(await replay.stop());
    const [first, , , , fifth] = staging.requests.map(({ atMs }) => atMs);
    expect(fifth! - first!).toBeLessThan(200);
  });
});

describe.concurrent('a target that fails costs the others nothing', () => {
  test.each<[string, () => Promise<{ port: number; close: () => Promise<void> }>, string]>([
    ['that refuses connections', refusingServer, 'connect-refused'],
    ['that never answers', silentServer, 'timeout'],
    ['that closes at once', closingServer, 'closed-early'],
    ['that talks nonsense', nonsenseServer, 'bad-answer'],
  ])('%s', async (_, startBad, reason) => {
    const bad = await startBad();
    await using good = await RawServer.start();
    const badUrl = `http://127.0.0.1:${bad.port}`;
    const replay = await startReplay('-f', `${badUrl},${urlOf(good)}`, '--timeout', '2s');
    await using sender = await senderTo(replay.port);
    await sendAtRate(sender, 200, 200);
    await good.arrived(200);
    const ledger = await replay.stop();
    await bad.close();

    expectReplayBalance(ledger);
    const [badTarget, goodTarget] = ledger.targets;
    expect(goodTarget).toMatchObject({ url: urlOf(good), received: 200, answered: 200 });
    expect(badTarget).toMatchObject({ url: badUrl, received: 200, answered: 0 });
    expect(badTarget!.failed[reason as 'timeout'] ?? 0).toBeGreaterThan(0);
    expect(sum(badTarget!.failed) + sum(badTarget!.limited) + (badTarget!.skipped['circuit-open'] ?? 0)).toBe(200);
  });

  test('a dead target gets requests again within seconds of coming back', async () => {
    const port = (await refusingServer()).port;
    const replay = await startReplay('-f', `http://127.0.0.1:${port}`);
    await using sender = await senderTo(replay.port);
    const load = sendAtRate(sender, 800, 200);
    await replay.program.ready(/target http:\S+: no answer \(connect-refused\); it gets one request a second/);
    await using staging = await RawServer.start({ port });
    const backMs = performance.now();
    await staging.arrived(1, 5000);
    expect(performance.now() - backMs).toBeLessThan(3000);
    await replay.program.ready(/target http:\S+: answers again after/);
    await load;
    const ledger = await replay.stop();
    expectReplayBalance(ledger);
    expect(ledger.targets[0]!.answered).toBe(staging.count);
    expect(ledger.targets[0]!.failed['connect-refused']).toBeGreaterThan(0);
    expect(ledger.targets[0]!.skipped['circuit-open']).toBeGreaterThan(0);
    expect(ledger.targets[0]!.circuit).toEqual({ isOpen: false, opened: 1 });
  });
});

describe.concurrent('datagrams', () => {
  test('garbage and foreign datagrams are counted and ignored', async () => {
    await using staging = await RawServer.start();
    const replay = await startReplay('-f', urlOf(staging));
    const socket = createSocket('udp4');
    const garbage = [
      Buffer.alloc(0),
      Buffer.from('hello'),
      Buffer.alloc(1200, 0xff),
      Buffer.from('Gor\x02'.padEnd(40, '\0')),
    ];
    for (const datagram of garbage)
      await new Promise((resolve) => socket.send(datagram, replay.port, '127.0.0.1', resolve));
    socket.close();
    await using sender = await senderTo(replay.port);
    send(sender, 1);
    await staging.arrived(1);
    const ledger = await replay.stop();
    expect(sum(ledger.wire.rejectedDatagrams)).toBe(garbage.length);
    expect(ledger.sessions).toMatchObject([{ received: 1, lost: 0 }]);
  });

  test('a record that is no request is counted in its session', async () => {
    await using staging = await RawServer.start();
    const replay = await startReplay('-f', urlOf(staging));
    await using sender = await senderTo(replay.port);
    const payload = Buffer.from('this is no request\r\n\r\n');
    sender.send({ kind: 'request', timestampUs: 1, connection: 1, index: 0, payload });
    send(sender, 2);
    await staging.arrived(1);
    const ledger = await replay.stop();
    expect(ledger.sessions).toMatchObject([{ received: 2 }]);
    expect(sum(ledger.sessions[0]!.rejected)).toBe(1);
    expect(ledger.targets).toMatchObject([{ received: 1, answered: 1 }]);
  });

  test('a server that starts late says how much came before', async () => {
    await using staging = await RawServer.start();
    const first = await startReplay('-f', urlOf(staging));
    await using sender = await senderTo(first.port);
    for (let number = 0; number < 10; number++) send(sender, number);
    await staging.arrived(10);
    expect((await first.stop()).sessions).toMatchObject([{ sent: 10, received: 10, lost: 0, beforeStart: 0 }]);
    const second = await startReplay('-f', urlOf(staging), '-p', String(first.port));
    // Where a datagram met the closed port, nothing is taken before a probe has found the new server.
    for (let number = 10; number < 15; number++) {
      while (send(sender, number) !== undefined) await new Promise((resolve) => void setTimeout(resolve, 20));
    }
    await staging.arrived(15);
    const ledger = await second.stop();
    expect(ledger.sessions).toMatchObject([{ sent: 15, received: 5, lost: 0, beforeStart: 10 }]);
  });
});

test.concurrent('SIGTERM under load drains what came, and every request is counted', async () => {
  await using staging = await RawServer.start({ delayMs: 100 });
  const replay = await startReplay('-f', urlOf(staging));
  const sender = await senderTo(replay.port);
  const load = sendAtRate(sender, 2000, 1000);
  await staging.arrived(200);
  const ledger = await replay.stop();
  await load;
  await sender.close();
  expectReplayBalance(ledger);
  const [target] = ledger.targets;
  expect(target!.answered).toBe(target!.received);
  expect(staging.count).toBe(target!.answered);
  expect(ledger.sessions[0]!.received).toBe(target!.received);
});

test.concurrent('a second signal ends it at once', async () => {
  const silent = await silentServer();
  const replay = await startReplay('-f', `http://127.0.0.1:${silent.port}`, '--timeout', '1h');
  await using sender = await senderTo(replay.port);
  send(sender, 1);
  await silent.connected;
  replay.program.signal('SIGTERM');
  await replay.program.ready(/SIGTERM: draining/);
  replay.program.signal('SIGINT');
  await expect(replay.program.ended()).rejects.toThrow('exit code 130');
  await silent.close();
});

interface Outcome {
  readonly target: string;
  readonly sentMs?: number;
}

function urlOf(server: RawServer): string {
  return `http://127.0.0.1:${server.port}`;
}

function senderTo(port: number): Promise<UdpSender> {
  return openUdpSender({ host: '127.0.0.1', port, totals: () => ({ captured: 0, dropped: {} }), onEvent: () => {} });
}

/** Each request on a connection of its own. */
function send(sender: UdpSender, number: number): ReturnType<UdpSender['send']> {
  const payload = Buffer.from(numberedGet(number), 'latin1');
  return sender.send({ kind: 'request', timestampUs: Date.now() * 1000, connection: number + 1, index: 0, payload });
}

async function sendAtRate(sender: UdpSender, count: number, perSecond: number): Promise<void> {
  const startMs = performance.now();
  for (let number = 0; number < count; number++) {
    const waitMs = startMs + (number * 1000) / perSecond - performance.now();
    if (waitMs > 1) await new Promise((resolve) => void setTimeout(resolve, waitMs));
    send(sender, number);
  }
}

async function listening(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A port that nobody listens on. */
async function refusingServer() {
  const server = createServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return { port, close: async () => {} };
}

async function silentServer() {
  let tell: () => void = () => {};
  const connected = new Promise<void>((resolve) => {
    tell = resolve;
  });
  return { ...(await badServer((socket) => void socket.resume().on('data', tell))), connected };
}

function closingServer() {
  return badServer((socket) => void socket.once('data', () => socket.end()));
}

function nonsenseServer() {
  return badServer((socket) => void socket.once('data', () => socket.end('220 this is no HTTP\r\n\r\n')));
}

async function badServer(serve: (socket: import('node:net').Socket) => void) {
  const sockets = new Set<import('node:net').Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => socket.destroy()));
    serve(socket);
  });
  const port = await listening(server);
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port, close };
}
