// Both directions of random connections, cut, doubled, overlapped, reordered and lost in any way, against a naive oracle:
// an array that keeps the first captured copy of each byte. Within the time that holes wait, the result is exact.

import { expect, test } from 'vitest';
import { createRandom, type Random, seedOfThisRun } from '../../../test/kit/random.ts';
import { TcpAssembler } from '../src/index.ts';
import { segmentOf, type TestPacket } from './observed.ts';

interface Kind {
  /** Whether overlapping copies may differ. */
  readonly differs: boolean;
  readonly loss: number;
  readonly cutting: number;
  /** Whether SYN and SYN+ACK come first; else there are neither, and the lowest number seen is the start. */
  readonly hasHandshake: boolean;
}

/** One direction: what is sent, and the first captured copy of each byte. */
interface Side {
  readonly side: '>' | '<';
  readonly first: number;
  readonly sent: Uint8Array;
  readonly captured: (number | undefined)[];
  readonly packets: TestPacket[];
}

const windowMs = 19;
const finFlags = 'FA';

function sideOf(random: Random, side: '>' | '<', kind: Kind): Side {
  // No zero bytes: a single one where all is acknowledged is a keep-alive probe.
  const sent = random.bytes(1 + random.below(1_500)).map((byte) => byte | 1);
  const first = random.chance(0.5) ? (0 - random.below(sent.length + 2)) >>> 0 : random.below(2 ** 32);
  const packets: TestPacket[] = [];
  for (let at = 0; at < sent.length; ) {
    const from = Math.max(0, at - (random.chance(0.3) ? random.below(60) : 0));
    const to = Math.min(sent.length, at + 1 + random.below(80));
    const copies = 1 + (random.chance(0.3) ? 1 : 0);
    for (let copy = 0; copy < copies; copy++) {
      const payload = sent.slice(from, to);
      if (kind.differs && random.chance(0.3)) payload.fill(0xff - random.below(9), random.below(payload.length));
      const captured = random.chance(kind.cutting) ? random.below(payload.length + 1) : payload.length;
      if (!random.chance(kind.loss)) packets.push({ side, sequence: (first + from) >>> 0, payload, captured });
    }
    at = to;
  }
  packets.push({ side, flags: finFlags, sequence: (first + sent.length) >>> 0 });
  return { side, first, sent, captured: new Array(sent.length), packets: random.shuffle(packets) };
}

/** Both sides' packets as captured; each acknowledges any part of the other side's, as ACKs may come before data. */
function captureOf(random: Random, client: Side, server: Side, kind: Kind): TestPacket[] {
  const all = random.shuffle([
    ...client.packets.map((packet) => [client, server, packet] as const),
    ...server.packets.map((packet) => [server, client, packet] as const),
  ]);
  // Without handshake: each side's own order, in which no ACK tells more than the first byte's number.
  const acked = new Map<Side, number>([
    [client, 0],
    [server, 0],
  ]);
  const packets: TestPacket[] = [];
  for (const [own, other, packet] of all) {
    if (kind.hasHandshake && random.chance(0.2)) acked.set(other, random.below(other.sent.length + 2));
    const acknowledgment = (other.first + (acked.get(other) ?? 0)) >>> 0;
    packets.push({ ...packet, acknowledgment });
    const at = (packet.sequence ?? 0) - own.first;
    const offset = at < 0 ? at + 2 ** 32 : at;
    note(own, offset, packet);
    if (random.chance(0.1) && own.captured[offset] !== undefined) {
      const isLonger = random.chance(0.5); // a keep-alive probe on a byte that was captured
      packets.push({ side: own.side, sequence: packet.sequence ?? 0, payload: isLonger ? '\0' : '', acknowledgment });
    }
  }
  return packets.map((packet, index) => ({ ...packet, atMs: Math.floor((index * windowMs) / packets.length) }));
}

function note(side: Side, offset: number, { payload, captured }: TestPacket): void {
  const bytes = payload as Uint8Array | undefined;
  for (let at = 0; at < (captured ?? bytes?.length ?? 0); at++) side.captured[offset + at] ??= bytes?.[at];
}

/** What the handlers were told, in the form of the oracle: undefined is a lost byte. */
class Received {
  readonly bytes: (number | undefined)[] = [];
  startsAt: string | undefined;
  ends = '';
  readonly start = (at: string): void => {
    this.startsAt = at;
  };
  readonly data = (bytes: Uint8Array): void => {
    for (const byte of bytes) this.bytes.push(byte);
  };
  readonly gap = (length: number): void => {
    for (let lost = 0; lost < length; lost++) this.bytes.push(undefined);
  };
  readonly end = (reason: string): void => {
    this.ends += reason;
  };
}

function run(random: Random, kind: Kind): void {
  const client = sideOf(random, '>', kind);
  const server = sideOf(random, '<', kind);
  const sides = { client: new Received(), server: new Received() };
  const assembler = new TcpAssembler({ onConnection: () => sides });
  const packets = captureOf(random, client, server, kind);
  if (kind.hasHandshake) {
    const synSequence = (client.first - 1) >>> 0;
    const answer = { sequence: (server.first - 1) >>> 0, acknowledgment: client.first };
    packets.unshift({ flags: 'S', sequence: synSequence }, { side: '<', flags: 'SA', ...answer });
  }
  for (const packet of packets) assembler.push(segmentOf(packet));
  assembler.close();
  const counters = assembler.counters();
  const hasData = packets.some(({ payload = '' }) => payload.length > 0);
  let lost = 0;
  for (const [side, received] of [
    [client, sides.client],
    [server, sides.server],
  ] as const) {
    if (!hasData) continue;
    const expected = Array.from(side.captured);
    expect(received.bytes).toEqual(expected);
    // A FIN before all else belongs to no connection yet.
    const begins = packets.findIndex(({ flags }) => flags !== finFlags);
    const isFinKnown = packets.slice(begins).some((packet) => packet.flags === finFlags && packet.side === side.side);
    expect(received.ends).toBe(isFinKnown ? 'fin' : 'closed');
    if (received.bytes.length > 0) expect(received.startsAt).toBe(kind.hasHandshake ? 'handshake' : 'midstream');
    lost += expected.filter((byte) => byte === undefined).length;
  }
  const dropped = Object.values(counters.droppedBytes).reduce((sum, bytes) => sum + bytes, 0);
  expect(counters.deliveredBytes + counters.duplicateBytes + dropped).toBe(counters.payloadBytes);
  expect(counters).toMatchObject({ gapBytes: lost, heldBytes: 0, heldSegments: 0, heldAllocatedBytes: 0 });
  expect(dropped).toBe(counters.droppedBytes['after-end']); // retransmissions behind the FIN
}

test.each<[string, Kind]>([
  ['without loss the same bytes', { differs: false, loss: 0, cutting: 0, hasHandshake: true }],
  ['without loss and handshake the same bytes', { differs: false, loss: 0, cutting: 0, hasHandshake: false }],
  ['with copies that differ the first one captured', { differs: true, loss: 0, cutting: 0, hasHandshake: true }],
  ['the same without handshake', { differs: true, loss: 0, cutting: 0, hasHandshake: false }],
  ['with loss exactly the captured bytes and gaps', { differs: false, loss: 0.3, cutting: 0, hasHandshake: true }],
  ['with cut frames exactly the captured bytes', { differs: false, loss: 0.1, cutting: 0.3, hasHandshake: true }],
  ['with all of it', { differs: true, loss: 0.2, cutting: 0.2, hasHandshake: true }],
])('%s', (_, kind) => {
  const random = createRandom(seedOfThisRun());
  for (let round = 0; round < 150; round++) {
    try {
      run(random, kind);
    } catch (error) {
      throw new Error(`GOR_TEST_SEED=${random.seed}, round ${round}`, { cause: error });
    }
  }
});
