// Real sockets on loopback. The receiver of the burst tests runs in a worker of its own, as in life another process.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import { WireEncoder } from '../src/encoder.ts';
import { WireError } from '../src/errors.ts';
import type { WireRecord } from '../src/record.ts';
import { readReport } from '../src/report.ts';
import { recordSealing, reportSealing, wireKey } from '../src/sealing.ts';
import { openUdpReceiver, type ReceiverEvent, type UdpReceiver, type UdpReceiverOptions } from '../src/udp-receiver.ts';
import { openUdpSender } from '../src/udp-sender.ts';
import type { SenderEvent, UdpSender, UdpSenderOptions } from '../src/udp-sender-options.ts';
import { datagramsOf, numbered, record, SESSION } from './exchange.ts';

const open: { close: () => Promise<unknown> | unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function receiverAt(port: number, options: Partial<UdpReceiverOptions> = {}): Promise<UdpReceiver> {
  const receiver = await openUdpReceiver({ host: '127.0.0.1', port, onRecord: () => undefined, ...options });
  open.push(receiver);
  return receiver;
}

async function senderTo(port: number, options: Partial<UdpSenderOptions> = {}): Promise<UdpSender> {
  const sender = await openUdpSender({
    host: '127.0.0.1',
    port,
    totals: () => ({ captured: 0, dropped: {} }),
    onEvent: () => undefined,
    ...options,
  });
  open.push(sender);
  return sender;
}

/** Resolves when the condition holds; the test's own timeout is the limit. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => void socket.close(resolve));
  return port;
}

describe('sender and receiver', () => {
  test('small records share a datagram, which leaves with the turn of the event loop they came in', async () => {
    const receiver = await receiverAt(0);
    const sender = await senderTo(receiver.port, { flushAfterMs: 1000 });
    const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
    await turn(); // the first totals
    const { datagrams } = sender.counters();
    for (const each of [numbered(0, 9), numbered(1, 9), numbered(2, 9)]) sender.send(each);
    expect(sender.counters().datagrams).toBe(datagrams);
    await turn();
    expect(sender.counters().datagrams).toBe(datagrams + 1);
  });

  test('records arrive, the session starts at its beginning, and closing makes it final', async () => {
    const records: WireRecord[] = [];
    const receiver = await receiverAt(0, {
      onRecord: (each) => records.push({ ...each, payload: each.payload.slice() }),
    });
    const sender = await senderTo(receiver.port, { totals: () => ({ captured: 4, dropped: { 'too-long': 1 } }) });
    const sent = [numbered(0, 0), numbered(1), numbered(2, 30_000)];
    for (const each of sent) expect(sender.send(each)).toBeUndefined();
    await sender.close();
    expect(sender.send(record())).toBe('closed');
    const session = (): unknown => receiver.ledger().sessions[0]?.totals?.final;
    await until(() => session() === true);
    expect(records).toEqual(sent);
    expect(receiver.ledger().sessions[0]).toMatchObject({
      id: sender.session,
      sent: 3,
      received: 3,
      lost: 0,
      beforeStart: 0,
      state: 'closing',
      totals: { captured: 4, dropped: { 'too-long': 1 }, sent: 3, bytes: 30_500 },
    });
    expect(sender.counters()).toMatchObject({ sent: 3, refusedRequests: 1, sendErrors: {} });
    await sender.close();
  });

  test('a small record leaves by itself, within milliseconds', async () => {
    let arrivedMs = 0;
    const receiver = await receiverAt(0, { onRecord: () => (arrivedMs = performance.now()) });
    const sender = await senderTo(receiver.port);
    await sender.drain();
    const sentMs = performance.now();
    sender.send(record());
    await until(() => arrivedMs > 0);
    expect(arrivedMs - sentMs).toBeLessThan(100);
  });

  test('records that are too long or find the queue full are refused before they are numbered', async () => {
    const receiver = await receiverAt(0);
    const sender = await senderTo(receiver.port, { maxRecordBytes: 200_000, queueBytes: 300_000 });
    expect(sender.send(numbered(0, 200_000))).toBe('too-long');
    const outcomes = [1, 2, 3, 4].map((index) => sender.send(numbered(index, 190_000)));
    expect(outcomes.slice(0, 2)).toEqual([undefined, 'queue-full']);
    const taken = outcomes.filter((outcome) => outcome === undefined).length;
    expect(sender.counters().sent).toBe(taken);
    expect(sender.counters().refused).toMatchObject({ 'too-long': 1, 'queue-full': 4 - taken });
    await sender.close();
    await until(() => receiver.ledger().sessions[0]?.totals?.final === true);
    expect(receiver.ledger().sessions[0]?.sent).toBe(taken);
  });

  test('nobody listens: said once, records refused; said again when somebody does, and records arrive', async () => {
    const port = await freePort();
    const events: SenderEvent[] = [];
    const sender = await senderTo(port, { onEvent: (event) => events.push(event) });
    await until(() => events.length > 0);
    expect(events).toEqual([{ type: 'receiver', state: 'silent', address: '127.0.0.1', port }]);
    expect(sender.send(record())).toBe('no-receiver');
    expect(sender.send(record({ kind: 'connection-end' }))).toBe('no-receiver');
    expect(sender.counters()).toMatchObject({ sent: 0, refusedRequests: 1, receiver: { state: 'silent' } });
    const receiver = await receiverAt(port);
    await until(() => sender.send(record()) === undefined);
    await until(() => receiver.ledger().sessions[0]?.received === 1);
    expect(receiver.ledger().sessions[0]).toMatchObject({ sent: 1, lost: 0, beforeStart: 0 });
    await receiver.close();
    await until(() => sender.send(record()) === 'no-receiver');
    await until(() => sender.counters().receiver.state === 'silent');
  });

  test('closing takes what the kernel holds already', async () => {
    const receiver = await receiverAt(0);
    const socket = createSocket('udp4');
    const sent = Array.from(
      { length: 60 },
      () => new Promise((resolve) => socket.send('x', receiver.port, '127.0.0.1', resolve)),
    );
    await Promise.all([...sent, receiver.close()]);
    socket.close();
    expect(receiver.ledger().rejectedDatagrams).toMatchObject({ 'too-short': 60 });
  });

  test('IPv6, and a name', async () => {
    for (const [host, name] of [
      ['::1', '::1'],
      ['127.0.0.1', 'localhost'],
    ] as const) {
      const receiver = await receiverAt(0, { host });
      const sender = await senderTo(receiver.port, { host: name });
      sender.send(record());
      await until(() => receiver.ledger().sessions[0]?.received === 1);
      expect(sender.remote.address).toBe(host);
    }
  });

  test('foreign datagrams are counted and make no session', async () => {
    const receiver = await receiverAt(0);
    const socket = createSocket('udp4');
    open.push(socket);
    socket.send('GET / HTTP/1.1\r\n\r\nnot one of our datagrams', receiver.port, '127.0.0.1');
    socket.send('', receiver.port, '127.0.0.1');
    await until(() => Object.keys(receiver.ledger().rejectedDatagrams).length === 2);
    expect(receiver.ledger()).toMatchObject({ rejectedDatagrams: { 'wrong-magic': 1, 'too-short': 1 }, sessions: [] });
  });
});

describe('a receiver with keys and networks', () => {
  const key = new Uint8Array(32).fill(5);

  test('reports to where the datagrams came from, and opens what names it', async () => {
    const receiver = await receiverAt(0, { keys: [key], backlog: () => 3 });
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    open.push(socket);
    await once(socket, 'listening');
    let sequence = 0;
    const encoder = new WireEncoder({
      session: SESSION,
      sealing: recordSealing(wireKey(key), SESSION),
      onDatagram: (datagram) => socket.send(datagram, receiver.port, '127.0.0.1'),
    });
    encoder.add(record(), 0);
    encoder.flush();
    const [report] = await once(socket, 'message');
    const { receiver: id } = receiver.ledger();
    const body = readReport(reportSealing(wireKey(key), SESSION, id).open(new Uint8Array(report))!);
    expect(body).toMatchObject({ isConfirmed: false, highest: 1, received: 0 });
    const start = { receiver: id, sequence: ++sequence, number: 1 };
    encoder.addTotals({ captured: 1, dropped: {}, final: false, start, resendFrom: 1 }, 0, 0);
    await until(() => receiver.ledger().sessions[0]?.received === 1);
    const [second] = await once(socket, 'message');
    const confirmed = readReport(reportSealing(wireKey(key), SESSION, id).open(new Uint8Array(second))!);
    expect(confirmed).toMatchObject({ isConfirmed: true, highest: 2, received: 1, lost: 0, backlog: 3 });
  });

  test('closing delivers what waits for its order, and keys that come after change nothing', async () => {
    const delivered: number[] = [];
    const ended: unknown[] = [];
    const receiver = await receiverAt(0, {
      onRecord: ({ index }) => delivered.push(index),
      onSessionEnd: (session) => ended.push(session),
    });
    const socket = createSocket('udp4');
    open.push(socket);
    const datagrams = [0, 1, 2, 3].map((index) => record({ connection: 1, index, payload: new Uint8Array(900) }));
    for (const [at, datagram] of datagramsOf(datagrams).entries()) {
      if (at !== 1) socket.send(datagram, receiver.port, '127.0.0.1');
    }
    await until(() => receiver.ledger().sessions[0]?.waiting === 2);
    await receiver.close();
    receiver.setKeys([key]);
    expect(delivered).toEqual([0, 2, 3]);
    expect(receiver.ledger().sessions[0]).toMatchObject({ received: 3, waiting: 0, lost: 1, state: 'live' });
    expect(ended).toEqual([]);
  });

  test('says what it cannot open, and takes other keys later', async () => {
    const events: ReceiverEvent[] = [];
    const receiver = await receiverAt(0, { keys: [key], onEvent: (event) => events.push(event) });
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    open.push(socket);
    await once(socket, 'listening');
    socket.send(datagramsOf([record()])[0]!, receiver.port, '127.0.0.1');
    await until(() => events.length > 0);
    const { port } = socket.address();
    expect(events).toEqual([{ type: 'unopened', reason: 'not-sealed', address: '127.0.0.1', port, datagrams: 1 }]);
    receiver.setKeys([]);
    socket.send(datagramsOf([record()])[0]!, receiver.port, '127.0.0.1');
    await until(() => receiver.ledger().sessions[0]?.received === 1);
    expect(() => receiver.setKeys([key, key])).toThrow(TypeError);
    expect(() => receiver.setKeys([key.subarray(1)])).toThrow(RangeError);
  });

  test('takes datagrams of its networks only, and counts the others', async () => {
    const receiver = await receiverAt(0, { from: ['10.0.0.0/8'] });
    const socket = createSocket('udp4');
    open.push(socket);
    socket.send(datagramsOf([record()])[0]!, receiver.port, '127.0.0.1');
    await until(() => receiver.ledger().rejectedDatagrams['other-source'] === 1);
    expect(receiver.ledger().sessions).toEqual([]);
    await expect(receiverAt(0, { from: ['10.0.0.0/33'] })).rejects.toThrow('from must be');
  });

  test('tells what it asked the kernel for', async () => {
    const receiver = await receiverAt(0, { receiveBufferBytes: 50_000 });
    expect(receiver.receiveBufferBytes).toBe(receiver.askedBufferBytes);
  });
});

describe('what cannot be had is said by code', () => {
  test('a port in use', async () => {
    const { port } = await receiverAt(0);
    await expect(receiverAt(port)).rejects.toMatchObject({ name: 'WireError', code: 'port-in-use' });
  });
  test('an address that is not of this machine', async () => {
    await expect(receiverAt(0, { host: '192.0.2.1' })).rejects.toMatchObject({ code: 'no-such-address' });
  });
  test('a name without an address', async () => {
    await expect(senderTo(1, { host: 'no-such-host.invalid' })).rejects.toBeInstanceOf(WireError);
    await expect(receiverAt(0, { host: 'no-such-host.invalid' })).rejects.toMatchObject({ code: 'unresolvable' });
  });
  test('misuse is a RangeError that names the option', async () => {
    await expect(senderTo(0)).rejects.toThrow('port must be an integer from 1 to 65535, not 0');
    await expect(senderTo(1, { maxDatagramBytes: 70_000 })).rejects.toThrow(RangeError);
    await expect(receiverAt(70_000)).rejects.toThrow(RangeError);
    await expect(senderTo(1, { flushAfterMs: -1 })).rejects.toThrow('flushAfterMs');
  });

  test('misuse leaves no socket open', async () => {
    const receiver = await receiverAt(0);
    const { port } = receiver;
    await receiver.close();
    await expect(receiverAt(port, { limits: { maxSessions: 0 } })).rejects.toThrow(RangeError);
    await expect(receiverAt(port)).resolves.toMatchObject({ port });
  });
});

describe('bursts survive a receiver with the buffer that a stock kernel gives', () => {
  /** A socket in a thread of its own that reads at once, and hands datagrams over in batches. */
  async function startReader(): Promise<{ port: number; count: () => Promise<{ datagrams: number; bytes: number }> }> {
    const worker = new Worker(
      `const { parentPort } = require('node:worker_threads');
       const socket = require('node:dgram').createSocket({ type: 'udp4', recvBufferSize: 212992 });
       let datagrams = 0, bytes = 0;
       socket.on('message', (datagram) => { datagrams++; bytes += datagram.length; });
       socket.bind(0, '127.0.0.1', () => parentPort.postMessage(socket.address().port));
       parentPort.on('message', () => parentPort.postMessage({ datagrams, bytes }));`,
      { eval: true },
    );
    open.push({ close: () => worker.terminate() });
    const [port] = await once(worker, 'message');
    const count = async (): Promise<{ datagrams: number; bytes: number }> => {
      worker.postMessage('count');
      return (await once(worker, 'message'))[0];
    };
    return { port, count };
  }

  // Retried, because nothing helps a reader that a busy machine leaves without a processor for some 10 ms.
  test('a record of 7 MB, every datagram', { retry: 3 }, async () => {
    const reader = await startReader();
    const sender = await senderTo(reader.port);
    sender.send(numbered(1, 7_000_000));
    await sender.close();
    const { datagrams } = await reader.count();
    expect(datagrams).toBe(sender.counters().datagrams);
  });
});
