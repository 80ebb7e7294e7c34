// The sender's shell over loopback, with a receiver of a few lines that only reports: what comes back, silence, another
// address, spreading.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { test as base, describe, expect } from 'vitest';
import { readHeader, sequenceOf } from '../src/datagram.ts';
import { idText } from '../src/ids.ts';
import { wireKey } from '../src/sealing.ts';
import { openSpreadSender, type SpreadEvent, type SpreadSender } from '../src/spread-sender.ts';
import { openUdpSender } from '../src/udp-sender.ts';
import type { SenderEvent, UdpSender, UdpSenderOptions } from '../src/udp-sender-options.ts';
import { numbered, record } from './exchange.ts';
import { type ReportCase, reportOf } from './reports.ts';

const KEY = new Uint8Array(32).fill(9);

/** Keeps what comes, and answers each datagram with a report. */
class Reporter {
  readonly datagrams: Uint8Array[] = [];
  readonly socket: Socket;
  answer: (highest: number) => ReportCase | undefined = (highest) => ({ highest });
  #reports = 0;
  #closing: Promise<void> | undefined;

  constructor(socket: Socket, key: Uint8Array | undefined) {
    this.socket = socket;
    socket.on('message', (datagram, { port, address }) => {
      this.datagrams.push(datagram);
      const header = readHeader(datagram);
      if (typeof header === 'string') throw new Error(header);
      const report = this.answer(sequenceOf(datagram));
      if (report === undefined) return;
      const session = idText(header.sessionHigh, header.sessionLow);
      const sealed = key === undefined ? undefined : wireKey(key);
      socket.send(reportOf({ session, sequence: ++this.#reports, key: sealed, ...report }), port, address);
    });
  }

  static async at(port: number, address = '127.0.0.1', key?: Uint8Array): Promise<Reporter> {
    const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', ipv6Only: address.includes(':') });
    const reporter = new Reporter(socket, key);
    socket.bind(port, address);
    await once(socket, 'listening');
    return reporter;
  }

  get port(): number {
    return this.socket.address().port;
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => void this.socket.close(resolve));
    return this.#closing;
  }
}

/** What one test opens, closed behind it: the tests wait side by side. */
class Peers {
  readonly #open: { close: () => Promise<unknown> }[] = [];

  /** Whatever was opened last is closed first. */
  add<Peer extends { close: () => Promise<unknown> }>(peer: Peer): Peer {
    this.#open.unshift(peer);
    return peer;
  }

  async reporter(...where: Parameters<typeof Reporter.at>): Promise<Reporter> {
    return this.add(await Reporter.at(...where));
  }

  async sender(port: number, over: Partial<UdpSenderOptions> = {}): Promise<[UdpSender, SenderEvent[]]> {
    const events: SenderEvent[] = [];
    const totals = (): { captured: number; dropped: Record<string, number> } => ({ captured: 0, dropped: {} });
    const onEvent = (event: SenderEvent): void => void events.push(event);
    return [this.add(await openUdpSender({ host: '127.0.0.1', port, totals, onEvent, ...over })), events];
  }

  async close(): Promise<void> {
    for (const each of this.#open) await each.close();
  }
}

const test = base.extend<{ peers: Peers }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads what a fixture needs from the pattern
  peers: async ({}, use) => {
    const peers = new Peers();
    await use(peers);
    await peers.close();
  },
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe.concurrent.each([
  ['plaintext', undefined],
  ['sealed', KEY],
] as const)('%s', (_, key) => {
  test.concurrent('a report comes back: the sender says so, sends again what is missing, and closes at once when nothing is', async ({
    peers,
  }) => {
    const reporter = await peers.reporter(0, '127.0.0.1', key);
    reporter.answer = (highest) =>
      highest === 4 ? { highest, received: 1, missing: [{ first: 2, count: 1 }] } : { highest, received: 3 };
    const [sender, events] = await peers.sender(reporter.port, { key });
    for (const index of [0, 1, 2]) {
      sender.send(numbered(index, 1000));
      await sender.drain();
    }
    await until(() => sender.counters().resent.datagrams === 1);
    const ofSequence = (sequence: number): Uint8Array[] =>
      reporter.datagrams.filter((each) => sequenceOf(each) === sequence);
    await until(() => ofSequence(2).length === 2);
    expect(ofSequence(2)[0]).toEqual(ofSequence(2)[1]);
    expect(events).toEqual([{ type: 'receiver', state: 'receiving', address: '127.0.0.1', port: reporter.port }]);
    expect([sender.state, sender.silentForMs]).toEqual(['receiving', undefined]);
    const closedMs = performance.now();
    await sender.close();
    expect(performance.now() - closedMs).toBeLessThan(200);
    expect(sender.counters()).toMatchObject({
      sent: 3,
      sendErrors: {},
      reports: { rejected: {} },
      resolutions: { tried: 0 },
    });
  });
});

test.concurrent('what comes from another address than the receiver is not read', async ({ peers }) => {
  const reporter = await peers.reporter(0);
  const [sender] = await peers.sender(reporter.port);
  await until(() => sender.state === 'receiving');
  const stranger = await peers.reporter(0);
  let port = 0;
  reporter.socket.on('message', (_, from) => (port = from.port));
  await until(() => port > 0);
  const { reports } = sender.counters();
  stranger.socket.send('not a report', port, '127.0.0.1');
  reporter.socket.send('not a report', port, '127.0.0.1');
  await until(() => sender.counters().reports.rejected['too-short'] !== undefined);
  expect(sender.counters().reports.rejected).toEqual({ 'too-short': 1 });
  expect(sender.counters().reports.received).toBeGreaterThanOrEqual(reports.received);
});

test.concurrent('an address to which there is no way: the next one of the name is taken, and where there is none it is said', async ({
  peers,
}) => {
  const receiver = await peers.reporter(0);
  const options = { host: 'replay.example', port: receiver.port, totals: () => ({ captured: 0, dropped: {} }) };
  const sender = await openUdpSender({
    ...options,
    onEvent: () => {},
    resolve: async () => ['255.255.255.255', '127.0.0.1'],
  });
  peers.add(sender);
  expect(sender.remote.address).toBe('127.0.0.1');
  const none = openUdpSender({ ...options, onEvent: () => {}, resolve: async () => ['255.255.255.255'] });
  await expect(none).rejects.toMatchObject({ name: 'WireError', code: 'no-permission' });
});

test.concurrent('nobody listens, somebody does, nobody again: each said once', async ({ peers }) => {
  const before = await peers.reporter(0);
  const { port } = before;
  await before.close();
  const [sender, events] = await peers.sender(port);
  await until(() => events.length === 1);
  expect(sender.send(record())).toBe('no-receiver');
  const reporter = await peers.reporter(port);
  await until(() => events.length === 2);
  expect(sender.send(record())).toBeUndefined();
  await reporter.close();
  await until(() => sender.send(record()) === 'no-receiver');
  expect(events.map((event) => event.type === 'receiver' && event.state)).toEqual(['silent', 'receiving', 'silent']);
});

test.concurrent('a name whose address is silent is resolved again after 3 s, and each 5 s: the address behind the present one, same session', async ({
  peers,
}) => {
  const reporter = await peers.reporter(0, '::1');
  const { port } = reporter;
  const answers = [['127.0.0.1'], new Error('no answer'), ['::1', '127.0.0.1']];
  let asked = 0;
  const resolve = async (): Promise<string[]> => {
    const answer = answers[Math.min(asked++, 2)]!;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const openedMs = performance.now();
  const [sender, events] = await peers.sender(port, { host: 'replay.example', resolve });
  const { session } = sender;
  await until(() => sender.counters().resolutions.failed === 1);
  expect(performance.now() - openedMs).toBeGreaterThan(2900);
  expect(sender.remote.address).toBe('127.0.0.1');
  await until(() => sender.state === 'receiving');
  expect(performance.now() - openedMs).toBeGreaterThan(7900);
  expect(events).toEqual([
    { type: 'receiver', state: 'silent', address: '127.0.0.1', port },
    { type: 'readdressed', address: '::1', port },
    { type: 'receiver', state: 'receiving', address: '::1', port },
  ]);
  expect(sender.send(record())).toBeUndefined();
  await until(() => reporter.datagrams.some((each) => each.length === 32 + 36 + 18));
  const header = readHeader(reporter.datagrams.at(-1)!);
  expect(typeof header === 'object' && idText(header.sessionHigh, header.sessionLow)).toBe(session);
  expect(sender.counters()).toMatchObject({ remote: { address: '::1' }, resolutions: { tried: 2, failed: 1 } });
}, 15_000);

test.concurrent('addresses that refuse are asked in turn, and nothing is said of them; one that answers is found within a second', async ({
  peers,
}) => {
  const before = await peers.reporter(0, '127.0.0.2');
  const { port } = before;
  await before.close();
  const resolve = async (): Promise<string[]> => ['127.0.0.1', '127.0.0.2', '::1'];
  const [sender, events] = await peers.sender(port, { host: 'replay.example', resolve });
  const seen = new Set<string>();
  await until(() => seen.add(sender.remote.address).size === 3);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(sender.send(record())).toBe('no-receiver');
  expect(events.map(({ type }) => type)).toEqual(['receiver']);
  const upMs = performance.now();
  await peers.reporter(port, '127.0.0.2');
  await until(() => sender.state === 'receiving');
  expect(performance.now() - upMs).toBeLessThan(1000);
  expect(events.slice(1)).toEqual([
    { type: 'readdressed', address: '127.0.0.2', port },
    { type: 'receiver', state: 'receiving', address: '127.0.0.2', port },
  ]);
  expect(sender.counters().resolutions).toEqual({ tried: 1, failed: 0 });
}, 10_000);

test.concurrent('a receiver that is back before its name is resolved again is not left', async ({ peers }) => {
  const before = await peers.reporter(0);
  const { port } = before;
  await before.close();
  let answer: (addresses: string[]) => void = () => {};
  let asked = 0;
  const resolve = (): Promise<string[]> =>
    asked++ === 0 ? Promise.resolve(['127.0.0.1']) : new Promise((resolved) => (answer = resolved));
  const [sender, events] = await peers.sender(port, { host: 'replay.example', resolve });
  await until(() => asked === 2);
  await peers.reporter(port);
  await until(() => sender.state === 'receiving');
  answer(['127.0.0.1', '127.0.0.2']);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect([sender.remote.address, sender.state, sender.send(record())]).toEqual(['127.0.0.1', 'receiving', undefined]);
  expect(events.map((event) => event.type === 'receiver' && event.state)).toEqual(['silent', 'receiving']);
}, 10_000);

test.concurrent('an address that is silent stays: there is no other', async ({ peers }) => {
  const reporter = await peers.reporter(0);
  reporter.answer = () => undefined;
  const [sender, events] = await peers.sender(reporter.port);
  await until(() => sender.counters().resolutions.tried === 1);
  expect(sender.send(record())).toBeUndefined();
  expect(events.map(({ type }) => type)).toEqual(['receiver']);
}, 10_000);

describe.concurrent('spreading', () => {
  async function spreadOver(peers: Peers, ports: readonly number[]): Promise<[SpreadSender, [SpreadEvent, number][]]> {
    const events: [SpreadEvent, number][] = [];
    const sender = await openSpreadSender({
      servers: ports.map((port) => ({ host: '127.0.0.1', port })),
      totals: () => ({ captured: 0, dropped: {} }),
      onEvent: (event, server) => void events.push([event, server]),
    });
    peers.add(sender);
    return [sender, events];
  }
  const sentBy = (sender: SpreadSender): number[] => sender.counters().map(({ sent }) => sent);
  const sendAll = (sender: SpreadSender): void => {
    for (let connection = 0; connection < 300; connection++) sender.send(record({ connection }));
  };

  test.concurrent('each connection to one server; those of a silent one to the others after 3 s, and back when it answers', async ({
    peers,
  }) => {
    const reporters = [await peers.reporter(0), await peers.reporter(0), await peers.reporter(0)];
    const [sender, events] = await spreadOver(
      peers,
      reporters.map(({ port }) => port),
    );
    sendAll(sender);
    const first = sentBy(sender);
    expect(Math.min(...first)).toBeGreaterThan(50);
    reporters[1]!.answer = () => undefined;
    const spreads = (): unknown[] => events.filter(([{ type }]) => type === 'spread');
    await until(() => spreads().length === 1);
    expect(spreads()).toEqual([[{ type: 'spread', from: 1, to: 'others' }, 1]]);
    sendAll(sender);
    const second = sentBy(sender);
    expect(second[1]).toBe(first[1]);
    expect(second[0]! + second[2]!).toBe(first[0]! + first[2]! + 300);
    expect(sender.movedRecords).toBe(first[1]);
    reporters[1]!.answer = (highest) => ({ highest });
    await until(() => spreads().length === 2);
    sendAll(sender);
    expect(sentBy(sender)[1]).toBe(2 * first[1]!);
    expect(sender.movedRecords).toBe(first[1]);
    expect(new Set(sender.senders.map(({ session }) => session)).size).toBe(3);
    await sender.drain();
    expect(sender.waitingBytes).toBe(0);
  }, 15_000);

  test.concurrent('where all are silent nothing is said of others: each keeps its connections', async ({ peers }) => {
    const reporters = [await peers.reporter(0), await peers.reporter(0)];
    const silent = await peers.reporter(0);
    silent.answer = () => undefined;
    const [alone, eventsOfOne] = await spreadOver(peers, [silent.port]);
    const [sender, events] = await spreadOver(
      peers,
      reporters.map(({ port }) => port),
    );
    await until(() => sender.senders.every(({ state }) => state === 'receiving'));
    const spreads = (): unknown[] =>
      events.flatMap(([event]) => (event.type === 'spread' ? [`${event.from} ${event.to}`] : []));
    reporters[0]!.answer = () => undefined;
    await until(() => spreads().length === 1);
    reporters[1]!.answer = () => undefined;
    await until(() => sender.senders[1]!.state === 'silent');
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(spreads()).toEqual(['0 others']);
    reporters[0]!.answer = (highest) => ({ highest });
    await until(() => spreads().length === 3);
    expect(spreads()).toEqual(['0 others', '0 itself', '1 others']);
    expect(alone.senders[0]!.state).toBe('silent');
    expect(eventsOfOne.map(([{ type }]) => type)).toEqual(['receiver']);
  }, 15_000);

  test.concurrent('one server is served like any other', async ({ peers }) => {
    const reporter = await peers.reporter(0);
    const [sender] = await spreadOver(peers, [reporter.port]);
    sendAll(sender);
    expect([sentBy(sender), sender.movedRecords]).toEqual([[300], 0]);
  });

  test.concurrent('what cannot be had leaves nothing open, misuse is told', async () => {
    const options = { totals: () => ({ captured: 0, dropped: {} }), onEvent: () => {} };
    const good = { host: '127.0.0.1', port: 9 };
    const bad = { host: 'no-such-host.invalid', port: 9 };
    await expect(openSpreadSender({ servers: [good, bad], ...options })).rejects.toMatchObject({
      code: 'unresolvable',
    });
    await expect(openSpreadSender({ servers: [], ...options })).rejects.toThrow(TypeError);
    await expect(openSpreadSender({ servers: [good, good], ...options })).rejects.toThrow('127.0.0.1:9 twice');
    await expect(openUdpSender({ ...good, key: new Uint8Array(31), ...options })).rejects.toThrow('32 bytes, not 31');
  });
});

// Alone, behind the others: it holds the process.
test('time in which the process stands still is no silence: nothing is said, and no connection goes elsewhere', async ({
  peers,
}) => {
  const reporters = [await peers.reporter(0), await peers.reporter(0)];
  const servers = reporters.map(({ port }) => ({ host: '127.0.0.1', port }));
  const events: string[] = [];
  const totals = (): { captured: number; dropped: Record<string, number> } => ({ captured: 0, dropped: {} });
  const onEvent = (event: SpreadEvent): void => void events.push(event.type === 'receiver' ? event.state : event.type);
  const spread = await openSpreadSender({ servers, totals, onEvent });
  peers.add(spread);
  await until(() => events.length === 2);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5500);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(events).toEqual(['receiving', 'receiving']);
}, 10_000);
