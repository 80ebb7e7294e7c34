// Connections that are shed and taken again at every point, and at random: every request told is a real one, whole, each at
// most once, and every counter balances.
import { linkTypes } from '@gor/capture';
import { expect, test } from 'vitest';
import { asLatin1 } from '../../../test/kit/every-split.ts';
import { ipv4Packet, type PacketFields } from '../../../test/kit/packets.ts';
import { createRandom, type Random, seedOfThisRun } from '../../../test/kit/random.ts';
import type { ListenConfig } from '../src/index.ts';
import { TrafficReader } from '../src/traffic-reader.ts';

const MOST = 255 / 256;
const PACKET_US = 1000;

const config: ListenConfig = {
  source: { kind: 'live', interfaces: ['any'], engine: 'auto', bufferBytes: 1 },
  ports: [80],
  filter: undefined,
  direction: 'both',
  replay: undefined,
  maxBodyBytes: 100_000,
};

/** A reader, what it told, and the check that everything it was given is in one count. */
class Reading {
  readonly requests: string[] = [];
  readonly dropped: Record<string, number> = {};
  readonly ended: number[] = [];
  readonly reader: TrafficReader;
  #atUs = 1e15;

  constructor(salt = 1) {
    this.reader = new TrafficReader(
      config,
      {
        onRequest: ({ request }) => this.requests.push(asLatin1(request.bytes)),
        onReject: (reason) => {
          this.dropped[reason] = (this.dropped[reason] ?? 0) + 1;
        },
        onResponse: () => {},
        onOtherProtocol: () => {},
        onConnectionEnd: ({ id }) => this.ended.push(id),
      },
      salt,
    );
  }

  push(fields: PacketFields): void {
    this.#atUs += PACKET_US;
    const bytes = ipv4Packet(fields);
    const { length } = bytes;
    const frame = { linkType: linkTypes.raw, timestampUs: this.#atUs, bytes, start: 0, end: length };
    this.reader.decoder.push({ ...frame, originalLength: length, direction: 'in' });
  }

  /** A pause that settles what waits, but ends no connection. */
  pass(): void {
    this.#atUs += 20 * PACKET_US;
    this.reader.advance(this.#atUs);
  }

  check(): this {
    const { decoder, assembler, shedder } = this.reader;
    const frames = decoder.counters();
    const connections = assembler.counters();
    const shed = shedder.counters();
    expect(frames.seen).toBe(frames.segments);
    expect(frames.segments).toBe(connections.segments + shed.segments);
    expect(connections.payloadBytes).toBe(
      connections.deliveredBytes + connections.duplicateBytes + connections.heldBytes + sum(connections.droppedBytes),
    );
    expect(connections.connections).toBe(connections.connectionsOpen + sum(connections.connectionsEnded));
    // A client may have closed whose server goes on.
    expect(this.ended.length).toBeGreaterThanOrEqual(sum(connections.connectionsEnded));
    expect(this.ended).toHaveLength(new Set(this.ended).size);
    const { seen, whole, dropped } = this.reader.responses;
    expect(seen).toBe(whole + sum(dropped));
    return this;
  }

  close(): this {
    this.reader.close();
    return this.check();
  }
}

interface Exchange {
  readonly request: string;
  readonly answer: string;
}

/** The packets of one connection: handshake, requests and answers in pieces of at most `most` bytes, and both ends. */
function packetsOf(exchanges: readonly Exchange[], most: number, fromPort = 40_000): PacketFields[] {
  const client = { fromPort, toPort: 80, from: '10.0.0.1', to: '10.0.0.2' };
  const server = { fromPort: 80, toPort: fromPort, from: '10.0.0.2', to: '10.0.0.1' };
  let [sent, answered] = [1001, 5001];
  const packets: PacketFields[] = [
    { ...client, flags: 'S', sequence: 1000 },
    { ...server, flags: 'SA', sequence: 5000, acknowledgment: 1001 },
  ];
  for (const { request, answer } of exchanges) {
    for (let at = 0; at < request.length; at += most) {
      const payload = request.slice(at, at + most);
      packets.push({ ...client, sequence: sent, acknowledgment: answered, payload });
      sent += payload.length;
    }
    for (let at = 0; at < answer.length; at += most) {
      const payload = answer.slice(at, at + most);
      packets.push({ ...server, sequence: answered, acknowledgment: sent, payload });
      answered += payload.length;
    }
  }
  packets.push({ ...client, flags: 'FA', sequence: sent, acknowledgment: answered });
  packets.push({ ...server, flags: 'FA', sequence: answered, acknowledgment: sent + 1 });
  return packets;
}

/** Bodies that look like requests to whoever begins to read in a wrong place, but for their line ends. */
const TRICKY = 'GET /invented HTTP/1.1\nHost: a\n\nPOST /invented HTTP/1.1';

function exchange(number: number, bodyBytes: number): Exchange {
  const body = TRICKY.repeat(Math.ceil(bodyBytes / TRICKY.length)).slice(0, bodyBytes);
  const head = bodyBytes === 0 ? 'GET' : 'POST';
  const length = bodyBytes === 0 ? '' : `Content-Length: ${bodyBytes}\r\n`;
  const request = `${head} /${number} HTTP/1.1\r\nHost: a\r\n${length}\r\n${body}`;
  return { request, answer: `HTTP/1.1 200 OK\r\nContent-Length: ${TRICKY.length}\r\n\r\n${TRICKY}` };
}

/** All packets, those shed that come between the two places. */
function shedBetween(packets: readonly PacketFields[], from: number, to: number): Reading {
  const reading = new Reading();
  for (const [at, packet] of packets.entries()) {
    if (at === from) reading.reader.shed(MOST);
    if (at === to) reading.reader.shed(0);
    reading.push(packet);
  }
  reading.pass();
  return reading.close();
}

const three = [exchange(0, 0), exchange(1, 40), exchange(2, 0)];

test('taken again in the middle of a body, nothing in it is told, however much it reads like a request', () => {
  const evil = 'GET /invented HTTP/1.1\r\nHost: a\r\n\r\n';
  const body = `${'x'.repeat(40)}\r\n${evil}`.repeat(4);
  const upload = `POST /0 HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const exchanges = [{ request: upload, answer: three[0]!.answer }, three[2]!];
  const packets = packetsOf(exchanges, 90); // its segments begin elsewhere than the lines that read like requests
  for (let from = 0; from < packets.length; from++) {
    for (let to = from; to <= packets.length; to++) {
      const reading = shedBetween(packets, from, to);
      for (const told of reading.requests) expect([upload, three[2]!.request], `${from} to ${to}`).toContain(told);
    }
  }
});

test('shed before any packet, and taken again before any other: what is told is real, in order and once', () => {
  const packets = packetsOf(three, 16);
  const whole = three.map(({ request }) => request);
  let toldInAll = 0;
  for (let from = 0; from < packets.length; from++) {
    for (let to = from; to <= packets.length; to++) {
      const reading = shedBetween(packets, from, to);
      const told = reading.requests.map((request) => whole.indexOf(request));
      expect(told, `shed from ${from} to ${to}`).toEqual([...new Set(told)].sort());
      expect(told).not.toContain(-1);
      // Of what was shed nothing else is to blame.
      expect(reading.dropped, `shed from ${from} to ${to}`).toEqual(
        reading.dropped['shed'] === undefined ? {} : { shed: 1 },
      );
      toldInAll += told.length;
    }
  }
  expect(toldInAll).toBeGreaterThan(packets.length);
});

test('a request under way is dropped as shed, its connection ends, and nothing of it is held', () => {
  const reading = new Reading();
  const [first] = three;
  for (const packet of packetsOf([{ request: first!.request.slice(0, -1), answer: '' }], 9).slice(0, -2))
    reading.push(packet);
  reading.reader.shed(MOST);
  reading.check();
  expect(reading.dropped).toEqual({ shed: 1 });
  expect(reading.ended).toEqual([1]);
  expect(reading.reader.assembler.counters()).toMatchObject({ connectionsOpen: 0, connectionsEnded: { shed: 1 } });
});

test('so is a response, and not those that are unfinished for another reason', () => {
  const half = { request: three[0]!.request, answer: three[0]!.answer.slice(0, -1) };
  for (const [ends, name] of [
    [(reading: Reading) => reading.reader.shed(MOST), 'shed'],
    [(reading: Reading) => reading.reader.close(), 'unfinished'],
  ] as const) {
    const reading = new Reading();
    for (const packet of packetsOf([half], 50).slice(0, -2)) reading.push(packet);
    ends(reading);
    expect(reading.check().reader.responses.dropped).toEqual({ [name]: 1 });
  }
});

test('a larger share ends more of the open connections, a smaller one ends none', () => {
  const reading = new Reading();
  const open = () => reading.reader.assembler.counters().connectionsOpen;
  for (let port = 0; port < 200; port++) {
    for (const packet of packetsOf([three[0]!], 1000, 20_000 + port).slice(0, -2)) reading.push(packet);
  }
  const counts = [0.25, 0.5, 0.25, 0, 0.75].map((share) => {
    reading.reader.shed(share);
    return open();
  });
  expect(counts[0]).toBeLessThan(170);
  expect(counts[1]).toBeLessThan(counts[0]!);
  expect(counts.slice(2, 4)).toEqual([counts[1], counts[1]]);
  expect(counts[4]).toBeLessThan(counts[1]!);
  reading.close();
});

test('shares at random over random traffic: reordered, repeated, lost', () => {
  const random = createRandom(seedOfThisRun());
  console.log(`seed ${random.seed}`);
  let [told, all, shed] = [0, 0, 0];
  for (let round = 0; round < 60; round++) {
    const { reading, requests } = randomRound(random);
    for (const request of reading.requests) expect(requests.has(request), request).toBe(true);
    expect(new Set(reading.requests).size).toBe(reading.requests.length);
    told += reading.requests.length;
    all += requests.size;
    shed += reading.dropped['shed'] ?? 0;
  }
  // It is not that nothing is told, or nothing shed.
  expect(told).toBeGreaterThan(all / 4);
  expect(told).toBeLessThan(all);
  expect(shed).toBeGreaterThan(0);
});

function randomRound(random: Random): { reading: Reading; requests: Set<string> } {
  const reading = new Reading(random.below(2 ** 32));
  const requests = new Set<string>();
  let number = 0;
  const queues = Array.from({ length: 12 }, (_, client) => {
    const exchanges = Array.from({ length: 1 + random.below(12) }, () =>
      exchange(number++, random.below(3) === 0 ? random.below(300) : 0),
    );
    for (const { request } of exchanges) requests.add(request);
    return disturbed(packetsOf(exchanges, 20 + random.below(200), 30_000 + client), random);
  });
  for (
    let left = queues.filter((queue) => queue.length > 0);
    left.length > 0;
    left = left.filter((queue) => queue.length > 0)
  ) {
    reading.push(random.pick(left).shift()!);
    if (random.below(40) === 0) reading.reader.shed(random.below(256) / 256);
    if (random.below(200) === 0) reading.pass();
    if (random.below(50) === 0) reading.check();
  }
  reading.pass();
  return { reading: reading.close(), requests };
}

/** The same packets with some lost, some twice, some late; not a SYN behind data, which would be a new connection's. */
function disturbed(packets: readonly PacketFields[], random: Random): PacketFields[] {
  const disturbedPackets: PacketFields[] = [];
  for (const packet of packets) {
    const chance = packet.flags?.startsWith('S') ? 5 : random.below(100);
    if (chance === 0) continue;
    disturbedPackets.push(packet);
    if (chance < 4) disturbedPackets.push(packet);
    if (chance > 96) disturbedPackets.splice(Math.max(2, disturbedPackets.length - 1 - random.below(5)), 0, packet);
  }
  return disturbedPackets;
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
