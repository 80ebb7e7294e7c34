// What costs a reader of traffic the most, packet by packet, as raw IP; and what must be counted when it is over.
import { encapsulations } from '../kit/encapsulations.ts';
import { fragmentOf } from '../kit/ip-packets.ts';
import { PacketMould } from '../kit/packet-mould.ts';
import { ipv4Packet } from '../kit/packets.ts';
import type { FloodCounts } from './flooded-reader.ts';

/** One kind of flood. */
export interface Flood {
  readonly name: string;
  readonly packets: (count: number) => Generator<Uint8Array>;
  /** What holds of the counts, behind `count` packets of it. */
  readonly holds: (counts: FloodCounts, count: number) => boolean;
  /** How much memory may be in use while it lasts, in MB, whatever its length. */
  readonly limitMb: number;
  /** The length of the long and the short run, where it is another than a million and 10,000. */
  readonly counts?: readonly [long: number, short: number];
}

const GET = 'GET /flood HTTP/1.1\r\nHost: a\r\n\r\n';
const CHUNKED = 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n';
/** The most clients that send two bytes from time to time. */
const SLOW = 50_000;

/** All of them. */
export const floods: readonly Flood[] = [
  {
    name: 'connections of one segment',
    packets: eachOnItsOwn(new PacketMould('client', GET)),
    holds: ({ captured, connections }, count) =>
      captured === count && connections.connections === count && connections.connectionsEnded.evicted >= count - 65_536,
    limitMb: 400,
  },
  {
    name: 'half-open connections',
    packets: eachOnItsOwn(new PacketMould('client', '', { flags: 'S' })),
    holds: ({ connections }, count) => connections.halfOpenEvicted === Math.max(0, count - 8_192),
    limitMb: 20,
  },
  {
    name: 'tiny segments out of order',
    *packets(count) {
      const mould = new PacketMould('client', 'x');
      for (let number = 0; number < count; number++) yield mould.packet(number % 200, 2 * Math.floor(number / 200));
    },
    holds: ({ connections }, count) => connections.gaps.limit + connections.gaps.end + 200 >= count - 32_768,
    limitMb: 30,
  },
  stream('a header without end', 'client', 'GET / HTTP/1.1\r\nA: ', 'a'.repeat(1_000), 'head-too-long'),
  stream('headers without end', 'client', 'GET / HTTP/1.1\r\n', 'A: b\r\n'.repeat(150), 'too-many-headers'),
  stream('a chunk extension without end', 'client', `${CHUNKED}1;`, 'e'.repeat(1_000), 'chunk-extensions-too-long'),
  stream('trailers without end', 'client', `${CHUNKED}0\r\n`, `T: ${'u'.repeat(995)}\r\n`, 'trailers-too-long'),
  stream('a body of chunks of one byte', 'client', CHUNKED, '1\r\na\r\n'.repeat(200), 'body-too-long'),
  stream('empty lines', 'client', GET, '\r\n'.repeat(500), undefined),
  stream('a response header without end', 'server', 'HTTP/1.1 200 OK\r\nA: ', 'a'.repeat(1_000), 'head-too-long'),
  stream(
    'a response until the connection closes',
    'server',
    'HTTP/1.1 200 OK\r\n\r\n',
    'x'.repeat(1_000),
    'body-too-long',
  ),
  {
    name: 'slow requests, two bytes at a time',
    *packets(count) {
      const [first, next] = [opening('client', 'POST / HTTP/1.1\r\nA: b'), new PacketMould('client', 'cc')];
      yield* slowly(
        count,
        (client) => first.packet(client, -1),
        (client, at) => next.packet(client, first.payloadBytes + at),
      );
    },
    holds: ({ captured, dropped }, count) => {
      const slow = slowOf(count);
      const { memory = 0, unfinished = 0, ...others } = dropped;
      return captured === slow && memory >= slow - 16_384 && memory + unfinished === slow && sum(others) === 0;
    },
    limitMb: 400,
    counts: [500_000, 20_000],
  },
  {
    name: 'slow responses, two bytes at a time',
    *packets(count) {
      const [request, next] = [opening('client', GET), new PacketMould('server', 'cc')];
      const first = opening('server', 'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n');
      for (let client = 0; client < slowOf(count); client++) yield request.packet(client, -1);
      yield* slowly(
        count,
        (client) => first.packet(client, -1),
        (client, at) => next.packet(client, first.payloadBytes + at),
      );
    },
    holds: ({ captured, responses }, count) => {
      const slow = slowOf(count);
      const { memory = 0, unfinished = 0 } = responses.dropped;
      return captured === slow && responses.seen === slow && memory >= slow - 16_384 && memory + unfinished === slow;
    },
    limitMb: 400,
    counts: [500_000, 20_000],
  },
  {
    name: 'responses without requests',
    *packets(count) {
      const mould = new PacketMould('server', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      for (let number = 0; number < count; number++)
        yield mould.packet(number % 100, Math.floor(number / 100) * mould.payloadBytes);
    },
    holds: ({ responses }, count) => responses.whole === count && responses.unpaired === count,
    limitMb: 10,
  },
  {
    name: 'interim responses',
    *packets(count) {
      yield new PacketMould('client', GET).packet(0, 0);
      const mould = new PacketMould('server', 'HTTP/1.1 100 Continue\r\n\r\n');
      for (let number = 0; number < count; number++) yield mould.packet(0, number * mould.payloadBytes);
    },
    holds: ({ responses }, count) => responses.whole === count && responses.unpaired === 0,
    limitMb: 10,
  },
  {
    name: 'pipelined requests without an answer',
    *packets(count) {
      const mould = new PacketMould('client', `GET /${'t'.repeat(1_000)} HTTP/1.1\r\n\r\n`);
      for (let number = 0; number < count; number++) yield mould.packet(0, number * mould.payloadBytes);
    },
    holds: ({ captured }, count) => captured === count,
    limitMb: 10,
    counts: [50_000, 5_000],
  },
  {
    name: 'fragments with holes',
    *packets(count) {
      const bytes = new Uint8Array(8);
      const whole = ipv4Packet({});
      const fragment = Buffer.from(fragmentOf(whole, { offset: 8, bytes, more: true, id: 0 }));
      for (let number = 0; number < count; number++) {
        fragment.writeUInt16BE(number & 0xffff, 4);
        fragment.writeUInt32BE(0x0a00_0000 + (number >>> 16), 12);
        yield fragment;
      }
    },
    holds: ({ frames }, count) =>
      frames.rejected['fragment-limit'] >= count - 1_024 &&
      sum(frames.rejected) === count &&
      frames.fragments.held === 0,
    limitMb: 10,
  },
  {
    name: 'tunnels beyond the limit',
    *packets(count) {
      let packet = ipv4Packet({ payload: GET });
      const { wrap } = encapsulations.find(({ name }) => name === 'IP in IPv4')!;
      for (let depth = 0; depth < 60; depth++) packet = wrap(packet, 0);
      for (let number = 0; number < count; number++) yield packet;
    },
    holds: ({ frames }, count) => frames.rejected['too-deep'] === count,
    limitMb: 5,
  },
];

function eachOnItsOwn(mould: PacketMould): Flood['packets'] {
  return function* (count) {
    for (let client = 0; client < count; client++) yield mould.packet(client, 0);
  };
}

/** A message of one connection that never ends: at most one is begun, and refused for the reason; `undefined`: none is. */
function stream(
  name: string,
  side: 'client' | 'server',
  begin: string,
  more: string,
  reason: string | undefined,
): Flood {
  return {
    name,
    *packets(count) {
      const [first, next] = [opening(side, begin), new PacketMould(side, more)];
      if (side === 'server') yield opening('client', GET).packet(0, -1);
      yield first.packet(0, -1);
      for (let number = 0; number < count - 1; number++)
        yield next.packet(0, first.payloadBytes + number * next.payloadBytes);
    },
    holds: ({ dropped, responses }) => {
      const rejected = side === 'client' ? dropped : responses.dropped;
      return reason === undefined ? sum(rejected) === 0 : rejected[reason] === 1 && sum(rejected) === 1;
    },
    limitMb: 20,
    counts: [200_000, 12_000],
  };
}

/** The first packet of a stream, a SYN with data: a stream seen from its middle would have to earn trust. */
function opening(side: 'client' | 'server', payload: string): PacketMould {
  return new PacketMould(side, payload, { flags: side === 'client' ? 'S' : 'SA' });
}

/** How many slow clients there are: in a short run more than may have messages under way. */
function slowOf(count: number): number {
  return Math.min(SLOW, Math.floor(count * 0.85));
}

/** Each client's first packet, then of each the next ones in turn. */
function* slowly(
  count: number,
  first: (client: number) => Uint8Array,
  next: (client: number, at: number) => Uint8Array,
): Generator<Uint8Array> {
  const slow = slowOf(count);
  for (let number = 0; number < count; number++) {
    const round = Math.floor(number / slow);
    yield round === 0 ? first(number) : next(number % slow, 2 * (round - 1));
  }
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
