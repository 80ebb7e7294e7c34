// A million mutated inputs over everything that reads bytes from outside: nothing throws but what is documented, nothing
// hangs, all counters balance. GOR_TEST_SEED repeats a run.
import { CaptureError, CaptureReader, FrameDecoder, linkTypes, TcpAssembler } from '@gor/capture';
import { HttpConnection, MemoryBudget, RequestParser } from '@gor/http';
import { WireDecoder, WireEncoder } from '@gor/wire';
import { expect, test } from 'vitest';
import { captureBlocks, concatenated } from '../kit/captures.ts';
import { encapsulations } from '../kit/encapsulations.ts';
import { latin1 } from '../kit/every-split.ts';
import { fragmentsOf } from '../kit/ip-packets.ts';
import {
  ethernetFrame,
  ipv4Packet,
  ipv6Packet,
  type PacketFields,
  pcapFile,
  sll2Frame,
  sllFrame,
} from '../kit/packets.ts';
import { createRandom, type Random, seedOfThisRun } from '../kit/random.ts';

const EACH = 250_000;
const REQUESTS = [
  'GET /a HTTP/1.1\r\nHost: a\r\n\r\n',
  'PUT /b HTTP/1.1\r\nContent-Length: 11\r\n\r\nhello hello',
  'POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nTrailer: t\r\n\r\n',
  'GET /d HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
  'CONNECT a:443 HTTP/1.1\r\n\r\n',
];
const RESPONSES = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nTrailer: t\r\n\r\n',
  'HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n',
  'HTTP/1.0 200 OK\r\n\r\nuntil the end',
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x00',
];
const PIECES = [
  '\r\n',
  '\r\n\r\n',
  ' ',
  ':',
  'HTTP/1.1',
  'Content-Length: 99999999\r\n',
  '\0',
  '0\r\n',
  'ffffffff\r\n',
].map(latin1);

test('frames through decoder and assembler into parsers', () => {
  const random = createRandom(seedOfThisRun());
  const budget = new MemoryBudget({ limitBytes: 100_000 });
  const counts = { begun: 0, requests: 0, rejected: 0 };
  const assembler = new TcpAssembler({
    limits: { maxConnections: 500, maxHalfOpen: 50, maxEnded: 50, maxHeldBytes: 100_000, maxHeldSegments: 200 },
    onConnection: () => {
      const parser = new RequestParser({ budget, onRequest: () => {}, onReject: () => {} });
      return {
        client: {
          start: (at) => (at === 'midstream' ? parser.startMidstream() : undefined),
          data: (bytes, timestampUs) => parser.push(bytes, timestampUs),
          gap: (length, timestampUs) => parser.gap(length, timestampUs),
          end: (_, timestampUs) => {
            parser.end(timestampUs);
            counts.begun += parser.counters.begun;
            counts.requests += parser.counters.requests;
            counts.rejected += sum(parser.counters.rejected);
          },
        },
      };
    },
  });
  const decoder = new FrameDecoder({ onSegment: (segment) => assembler.push(segment) });
  const originals = framesToMutate();
  for (let count = 0; count < EACH; count++) {
    const { linkType, frame } = random.pick(originals);
    const bytes = mutated(frame, random);
    const originalLength = bytes.length + (random.chance(0.1) ? random.below(3000) : 0);
    const timestampUs = count * 1000 - (random.chance(0.01) ? random.below(1e9) : 0);
    decoder.push({ linkType, timestampUs, bytes, start: 0, end: bytes.length, originalLength, direction: 'unknown' });
  }
  assembler.close();
  const frames = decoder.counters();
  const counters = assembler.counters();
  said(
    'frames',
    EACH,
    random,
    `${frames.segments} segments, ${counters.connections} connections, ${counts.requests} requests`,
  );
  const { held, joined, heldBytesPeak } = frames.fragments;
  expect(frames.seen).toBe(frames.segments + sum(frames.rejected) + held + joined);
  expect(joined).toBeGreaterThan(1_000);
  expect(heldBytesPeak).toBeLessThanOrEqual(4 * 1024 * 1024 + 2_000);
  expect(counters.payloadBytes).toBe(counters.deliveredBytes + counters.duplicateBytes + sum(counters.droppedBytes));
  expect(counters.heldAllocatedBytesPeak).toBeLessThanOrEqual(100_000);
  expect(counts.begun).toBe(counts.requests + counts.rejected);
  expect(budget).toMatchObject({ heldBytes: 0, heldMessages: 0 });
  expect(counts.requests).toBeGreaterThan(1000);
});

test('streams of requests into a parser', () => {
  const random = createRandom(seedOfThisRun());
  const requests = REQUESTS.map(latin1);
  const budget = new MemoryBudget({ limitBytes: 10_000 });
  let whole = 0;
  for (let count = 0; count < EACH; count++) {
    const parser = new RequestParser({
      budget,
      onRequest: () => whole++,
      onReject: () => {},
      midstream: random.chance(0.2),
    });
    const bytes = mutated(Buffer.concat([random.pick(requests), random.pick(requests), random.pick(requests)]), random);
    for (let at = 0; at < bytes.length; ) {
      const length = 1 + random.below(random.chance(0.2) ? 4 : 200);
      parser.push(bytes.subarray(at, at + length), count);
      at += length;
      if (random.chance(0.02)) parser.gap(random.below(100), count);
    }
    parser.end(count);
    const {
      begun,
      requests: read,
      rejected,
      pushedBytes,
      deliveredBytes,
      rejectedBytes,
      skippedBytes,
    } = parser.counters;
    const isBalanced = begun === read + sum(rejected) && pushedBytes === deliveredBytes + rejectedBytes + skippedBytes;
    if (!isBalanced) expect(parser.counters, `seed ${random.seed}, stream ${count}`).toBe('balanced');
  }
  said('streams', EACH, random, `${whole} requests`);
  expect(budget.heldBytes).toBe(0);
  expect(whole).toBeGreaterThan(EACH);
});

test('both streams of connections into their pairing', () => {
  const random = createRandom(seedOfThisRun());
  const [requests, responses] = [REQUESTS.map(latin1), RESPONSES.map(latin1)];
  const [budget, responseBudget] = [new MemoryBudget({ limitBytes: 10_000 }), new MemoryBudget({ limitBytes: 10_000 })];
  const counts = { requests: 0, responses: 0 };
  for (let count = 0; count < EACH; count++) {
    const connection = new HttpConnection({
      ...{ budget, responseBudget, onRequest: () => counts.requests++, onReject: () => {} },
      ...(random.chance(0.8) ? { onResponse: () => counts.responses++ } : {}),
    });
    const sides = [connection.client, connection.server] as const;
    const bytes = [requests, responses].map((messages) =>
      mutated(Buffer.concat([random.pick(messages), random.pick(messages), random.pick(messages)]), random),
    );
    const at = [0, 0];
    for (let nowUs = count; at[0]! < bytes[0]!.length || at[1]! < bytes[1]!.length; nowUs += random.below(50_000)) {
      const side = random.below(2);
      const length = 1 + random.below(random.chance(0.2) ? 4 : 200);
      if (random.chance(0.02)) sides[side]!.gap(length, nowUs);
      else sides[side]!.data(bytes[side]!.subarray(at[side], at[side]! + length), nowUs);
      at[side]! += length;
    }
    for (const side of sides) side.end(random.pick(['fin', 'reset']), count);
    const { requestCounters: ofClient, responseCounters: ofServer } = connection;
    const isBalanced =
      ofClient.begun === ofClient.requests + sum(ofClient.rejected) &&
      ofServer.begun === ofServer.responses + sum(ofServer.rejected) &&
      [ofClient, ofServer].every(
        ({ pushedBytes, deliveredBytes, rejectedBytes, skippedBytes }) =>
          pushedBytes === deliveredBytes + rejectedBytes + skippedBytes,
      );
    if (!isBalanced) expect([ofClient, ofServer], `seed ${random.seed}, connection ${count}`).toBe('balanced');
  }
  said('connections', EACH, random, `${counts.requests} requests, ${counts.responses} responses`);
  expect([budget.heldBytes, responseBudget.heldBytes]).toEqual([0, 0]);
  expect(counts.responses).toBeGreaterThan(EACH / 2);
});

test('datagrams into a receiver', () => {
  const random = createRandom(seedOfThisRun());
  let records = 0;
  const limits = { maxFragmentBytes: 200_000, maxSessions: 32 };
  const decoder = new WireDecoder({ onRecord: () => records++, limits });
  const originals: Uint8Array[] = [];
  for (const session of ['0123456789abcdef', 'fedcba9876543210']) {
    const encoder = new WireEncoder({ session, onDatagram: (datagram) => originals.push(datagram) });
    for (let index = 0; index < 40; index++) {
      const payload = new Uint8Array(index % 10 === 0 ? 5000 : 50 * index);
      encoder.add({ kind: 'request', timestampUs: index, connection: index % 3, index, payload }, index);
      if (index % 13 === 0) encoder.addTotals({ captured: index + 1, dropped: { replayed: 1 } }, false, index, index);
    }
    encoder.flush();
  }
  for (let count = 0; count < EACH; count++) {
    decoder.push(mutated(random.pick(originals), random), { address: '192.0.2.1', port: 9 }, count / 20);
    if (count % 500 === 0) decoder.advance(count / 20);
    if (count % 500 === 0 && decoder.ledger().fragments.waitingBytes > limits.maxFragmentBytes)
      throw new Error('it grows');
  }
  const { sessions, earlier, rejectedDatagrams } = decoder.ledger();
  said(
    'datagrams',
    EACH,
    random,
    `${records} records, ${earlier.sessions + sessions.length} sessions, ${sum(rejectedDatagrams)} refused`,
  );
  expect(sessions.length).toBeLessThanOrEqual(limits.maxSessions);
  for (const session of [...sessions, earlier]) {
    expect(session.sent).toBe(session.received + session.lost + session.beforeStart);
    expect(session.lost).toBeGreaterThanOrEqual(0);
  }
  expect(records).toBeGreaterThan(100);
});

test('capture files into a reader', () => {
  const random = createRandom(seedOfThisRun());
  const frames = plainFrames().map(({ frame }) => ({ bytes: frame.subarray(0, 80) }));
  const originals = [true, false].flatMap((littleEndian) => {
    const { section, interface: description, enhanced, old, simple, block } = captureBlocks(littleEndian);
    const interfaces = [description({ options: [[9, [9]]] }), description({ linkType: 101, snapLength: 60 })];
    const packets = frames.map(({ bytes: data }, at) => {
      const fields = { data, ticks: at * 1e15, interfaceNumber: at % 2, options: [[2, [0, 0, 0, 1]] as const] };
      return at % 3 === 0 ? old(fields) : at % 3 === 1 ? enhanced(fields) : simple({ data });
    });
    const blocks = [section(), ...interfaces, block(5, new Uint8Array(8)), ...packets, section(), description()];
    return [pcapFile(frames, { littleEndian }), concatenated(...blocks, simple({ data: latin1('last') }))];
  });
  const counts = { frames: 0, broken: 0 };
  for (let count = 0; count < EACH; count++) {
    const bytes = mutated(random.pick(originals), random);
    const reader = new CaptureReader();
    try {
      for (let at = 0; at < bytes.length; ) {
        const length = 1 + random.below(300);
        for (const frame of reader.read(bytes.subarray(at, at + length))) {
          counts.frames += 1;
          const isInside = frame.start <= frame.end && frame.end <= frame.bytes.length;
          if (!isInside || !Number.isSafeInteger(frame.timestampUs))
            throw new Error(`seed ${random.seed}, file ${count}`);
        }
        at += length;
      }
      reader.end();
    } catch (error) {
      if (!(error instanceof CaptureError)) throw new Error(`seed ${random.seed}, file ${count}`, { cause: error });
      counts.broken += 1;
    }
  }
  said('capture files', EACH, random, `${counts.frames} frames, ${counts.broken} broken files`);
  expect(counts.frames).toBeGreaterThan(EACH);
});

/** Packets in Ethernet and others, in every encapsulation, and fragments of them. */
function framesToMutate(): { linkType: number; frame: Uint8Array }[] {
  const packet = ipv4Packet({ fromPort: 40_001, flags: 'PA', payload: REQUESTS[1] ?? '' });
  const packets = encapsulations.flatMap(({ takes, gives, wrap }) => {
    const frame = wrap(takes === 'ip' ? packet : ethernetFrame(packet), 5);
    if (typeof gives === 'number') return [{ linkType: gives, frame }];
    if (gives === 'ethernet') return [{ linkType: linkTypes.ethernet, frame }];
    const fragments = fragmentsOf(frame, 64, 7).map((fragment) => ({ linkType: linkTypes.raw, frame: fragment }));
    return [{ linkType: linkTypes.raw, frame }, ...fragments];
  });
  return [...plainFrames(), ...packets];
}

function plainFrames(): { linkType: number; frame: Uint8Array }[] {
  const { ethernet, linuxSll, linuxSll2, raw } = linkTypes;
  return Array.from({ length: 60 }, (_, at) => {
    const fields: PacketFields = {
      fromPort: 40_000 + (at % 7),
      sequence: (at % 5) * 20,
      flags: ['S', 'A', 'PA', 'PA', 'FA', 'R'][at % 6] ?? 'A',
      payload: at % 6 === 0 ? '' : (REQUESTS[at % REQUESTS.length] ?? ''),
    };
    const packet =
      at % 3 === 0
        ? ipv6Packet(fields, { extensions: [{ header: 0, bytes: [6, 0, 1, 4, 0, 0, 0, 0] }] })
        : ipv4Packet(fields);
    const kinds = [
      { linkType: ethernet, frame: ethernetFrame(packet) },
      {
        linkType: ethernet,
        frame: ethernetFrame(packet, [
          [0x88a8, 5],
          [0x8100, 7],
        ]),
      },
      { linkType: linuxSll, frame: sllFrame(packet) },
      { linkType: linuxSll2, frame: sll2Frame(packet, 4) },
      { linkType: raw, frame: packet },
    ];
    return kinds[at % kinds.length] ?? { linkType: raw, frame: packet };
  });
}

/** A copy with up to six changes: bytes, bits, lengths, pieces put in, the end cut off. One in eight stays as it is. */
function mutated(original: Uint8Array, random: Random): Uint8Array {
  let bytes = Uint8Array.from(original);
  if (random.chance(0.125)) return bytes;
  for (let change = 1 + random.below(6); change > 0 && bytes.length > 0; change--) {
    const at = random.below(bytes.length);
    const kind = random.below(8);
    if (kind < 4) bytes[at] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
    else if (kind < 6) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    else if (kind === 6) bytes = Buffer.concat([bytes.subarray(0, at), random.pick(PIECES), bytes.subarray(at)]);
    else bytes = bytes.slice(0, random.chance(0.5) ? at : bytes.length - random.below(Math.min(bytes.length, 8)));
  }
  return bytes;
}

function said(what: string, count: number, random: Random, outcome: string): void {
  console.log(`${count.toLocaleString('en')} ${what} (seed ${random.seed}): ${outcome}`);
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
