import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { type RoadFaults, UdpRelay } from './udp-relay.ts';

const COUNT = 300;
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

/** A socket of loopback with what came to it. */
async function host() {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  sockets.push(socket);
  const arrived: number[] = [];
  const ports = new Set<number>();
  socket.on('message', (datagram, from) => {
    arrived.push(datagram.length === 100 ? datagram.readUInt16BE() : -1);
    ports.add(from.port);
  });
  return { socket, arrived, ports, address: '127.0.0.1', port: socket.address().port };
}

/** Numbered datagrams of 100 bytes from a client to a server, some at a time. */
async function run(seed: number, toServer: RoadFaults) {
  const [client, server] = [await host(), await host()];
  await using relay = await UdpRelay.start({ seed, server, toServer });
  for (let number = 0; number < COUNT; number++) {
    client.socket.send(numbered(number), relay.port, '127.0.0.1');
    if (number % 20 === 19) await delay(1);
  }
  await settled(relay, COUNT);
  expectBalance(relay);
  return { arrived: server.arrived, counts: relay.toServer.counts };
}

function numbered(number: number): Uint8Array {
  const datagram = Buffer.alloc(100);
  datagram.writeUInt16BE(number);
  return datagram;
}

async function settled({ toServer, toClient }: UdpRelay, sent: number): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    await delay(5);
    const { counts } = toServer;
    const isOver = counts.delivered + counts.unsent + counts.lost === counts.sent + counts.duplicated;
    if (counts.sent >= sent && isOver && toServer.waiting + toClient.waiting === 0) break;
  }
  await delay(20); // from the relay's socket to the server's handler
}

function expectBalance({ toServer, toClient }: UdpRelay): void {
  for (const { counts, waiting } of [toServer, toClient]) {
    expect(counts.sent).toBe(counts.lost + counts.delivered + waiting + counts.unsent - counts.duplicated);
  }
}

const all = Array.from({ length: COUNT }, (_, number) => number);

test.for<[sentence: string, faults: RoadFaults]>([
  ['without faults each arrives once, in order', {}],
  ['with delay and jitter each arrives once, in order', { delayMs: 20, jitterMs: 10 }],
])('%s', async ([, faults]) => {
  expect((await run(1, faults)).arrived).toEqual(all);
});

test.for<[sentence: string, faults: RoadFaults, counter: 'lost' | 'duplicated' | 'reordered' | 'corrupted']>([
  ['losses are counted', { loss: 0.2 }, 'lost'],
  ['bursts are losses', { burst: 0.02, burstLength: 8 }, 'lost'],
  ['copies are counted', { duplicate: 0.1 }, 'duplicated'],
  ['some come later', { reorder: 0.2, reorderMs: 15 }, 'reordered'],
  ['some are damaged', { corrupt: 0.1 }, 'corrupted'],
])('%s, and the same seed gives the same fates', async ([, faults, counter]) => {
  const first = await run(3, faults);
  expect(first.counts[counter]).toBeGreaterThan(10);
  expect(first.arrived).not.toEqual(all);
  expect(first.arrived.length).toBe(first.counts.delivered);
  const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);
  expect(sorted((await run(3, faults)).arrived)).toEqual(sorted(first.arrived));
  if (counter !== 'reordered') expect((await run(4, faults)).arrived).not.toEqual(first.arrived);
});

test('answers find their clients, each of which has a port of its own, and after a change another one', async () => {
  const [one, two, server] = [await host(), await host(), await host()];
  server.socket.on('message', (datagram, from) => server.socket.send(datagram, from.port, from.address));
  await using relay = await UdpRelay.start({ seed: 1, server });
  const ask = async (client: typeof one, number: number) => {
    client.socket.send(numbered(number), relay.port, '127.0.0.1');
    for (let tries = 0; tries < 400 && client.arrived.at(-1) !== number; tries++) await delay(5);
    expect(client.arrived.at(-1)).toBe(number);
  };
  await ask(one, 1);
  await ask(two, 2);
  await ask(one, 3);
  expect([one.arrived, two.arrived, server.ports.size, relay.clients]).toEqual([[1, 3], [2], 2, 2]);
  await relay.rebind();
  await ask(one, 4);
  await ask(two, 5);
  expect(server.ports.size).toBe(4);
  expectBalance(relay);
});
