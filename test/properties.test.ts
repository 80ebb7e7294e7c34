// Random requests over a network that loses, doubles, cuts and reorders, through decoder, assembler and parser: what was
// captured whole is read, what was not is counted, and nothing is read that was not sent.
import { FrameDecoder, linkTypes, TcpAssembler } from '@gor/capture';
import { RequestParser } from '@gor/http';
import { expect, test } from 'vitest';
import { asLatin1, latin1 } from './kit/every-split.ts';
import { ethernetFrame, ipv4Packet } from './kit/packets.ts';
import { createRandom, type Random, seedOfThisRun } from './kit/random.ts';

const ROUNDS = 60;
/** What a body must not be taken for. */
const LURE = '\r\nGET /never-sent HTTP/1.1\r\nHost: lure\r\n\r\n';

interface Network {
  readonly loss: number;
  readonly duplication: number;
  /** By how many places a packet may move. */
  readonly reordering: number;
  /** Whether only bodies of a known length are lost. */
  readonly sparesHeads: boolean;
}

interface Sent {
  readonly text: string;
  /** Where it stands in its stream; its body begins at `bodyAt`. */
  readonly from: number;
  readonly bodyAt: number;
  readonly to: number;
}

function requestsOf(random: Random, connection: number, { loss, sparesHeads }: Network): Sent[] {
  const sent: Sent[] = [];
  let from = 0;
  for (let index = 0; index < 1 + random.below(8); index++) {
    const line = (method: string): string => `${method} /${connection}/${index} HTTP/1.1\r\nHost: a\r\n`;
    // Behind a lost head nobody knows where a body ends: such a body has to end its line, and must not look like requests.
    const isHarmless = loss > 0 && !sparesHeads;
    const text = isHarmless
      ? 'some text\r\nof lines\n'.repeat(random.below(9))
      : asLatin1(random.bytes(random.below(300)));
    const body = isHarmless ? text : text + (random.chance(0.5) ? LURE : '');
    const isChunked = random.chance(0.3) && !sparesHeads;
    const head = random.chance(0.4)
      ? `${line('GET')}\r\n`
      : isChunked
        ? `${line('POST')}Transfer-Encoding: chunked\r\n\r\n`
        : `${line('PUT')}Content-Length: ${body.length}\r\n\r\n`;
    const rest = head.startsWith('GET') ? '' : isChunked ? chunked(random, body) : body;
    const whole = head + rest;
    sent.push({ text: whole, from, bodyAt: from + head.length, to: from + whole.length });
    from += whole.length;
  }
  return sent;
}

function chunked(random: Random, body: string): string {
  let text = '';
  for (let at = 0; at < body.length; ) {
    const data = body.slice(at, at + 1 + random.below(100));
    text += `${data.length.toString(16)}\r\n${data}\r\n`;
    at += data.length;
  }
  return `${text}0\r\n\r\n`;
}

interface Packet {
  readonly place: number;
  readonly frame: Uint8Array;
}

/** The packets of one connection in any order, with which bytes of the stream they hold. */
function packetsOf(
  random: Random,
  port: number,
  sent: readonly Sent[],
  network: Network,
  captured: boolean[],
): Packet[] {
  const stream = latin1(sent.map(({ text }) => text).join(''));
  const first = random.chance(0.5) ? (0 - random.below(stream.length)) >>> 0 : random.below(2 ** 32);
  const packets: Packet[] = [];
  const add = (place: number, flags: string, sequence: number, payload: Uint8Array | string = ''): void => {
    const fields = { fromPort: port, sequence: sequence >>> 0, flags, payload };
    packets.push({ place, frame: ethernetFrame(ipv4Packet(fields)) });
  };
  add(-1, 'S', first - 1);
  let place = 0;
  for (let at = 0; at < stream.length; place++) {
    const from = Math.max(0, at - (random.chance(0.2) ? random.below(60) : 0));
    const to = Math.min(stream.length, at + 1 + random.below(random.chance(0.3) ? 8 : 200));
    const mayBeLost =
      !network.sparesHeads ||
      sent.every(({ bodyAt, from: begin, to: end }) => {
        const isInBody = from >= bodyAt && to <= end;
        return isInBody || to <= begin || from >= end;
      });
    const copies = 1 + (random.chance(network.duplication) ? 1 : 0);
    for (let copy = 0; copy < copies; copy++) {
      if (mayBeLost && random.chance(network.loss)) continue;
      captured.fill(true, from, to);
      add(place + random.below(network.reordering + 1), 'PA', first + from, stream.subarray(from, to));
    }
    at = to;
  }
  add(place + network.reordering + 1, 'FA', first + stream.length);
  return packets;
}

/** What a connection's requests must be, and what was read of them. */
interface Checked {
  readonly expected: string[];
  readonly read: string[];
  readonly rejected: string[];
  readonly sentCount: number;
}

function run(random: Random, network: Network): { read: number; rejected: number; sent: number } {
  const checks = new Map<number, Checked>();
  const parsers: RequestParser[] = [];
  const assembler = new TcpAssembler({
    onConnection: ({ client }) => {
      const check = checks.get(client.port);
      if (check === undefined) throw new Error(`nobody sent from port ${client.port}`);
      const parser = new RequestParser({
        onRequest: ({ bytes }) => check.read.push(asLatin1(bytes)),
        onReject: ({ reason }) => check.rejected.push(reason),
      });
      parsers.push(parser);
      return {
        client: { data: parser.push.bind(parser), gap: parser.gap.bind(parser), end: (_, us) => parser.end(us) },
      };
    },
  });
  const decoder = new FrameDecoder({ onSegment: (segment) => assembler.push(segment) });
  const all: Packet[] = [];
  for (let connection = 1; connection <= 5; connection++) {
    const sent = requestsOf(random, connection, network);
    const captured: boolean[] = new Array(sent.at(-1)?.to ?? 0).fill(false);
    all.push(...packetsOf(random, 40_000 + connection, sent, network, captured));
    const untouched = sent.filter(({ from, to }) => !captured.slice(from, to).includes(false));
    const expected = untouched.map(({ text }) => text);
    checks.set(40_000 + connection, { expected, read: [], rejected: [], sentCount: sent.length });
  }
  all.sort((a, b) => a.place - b.place);
  for (const [index, { frame: bytes }] of all.entries()) {
    const view = { bytes, start: 0, end: bytes.length, originalLength: bytes.length };
    decoder.push({ linkType: linkTypes.ethernet, timestampUs: index, ...view, direction: 'in' });
  }
  assembler.close();
  const counts = { read: 0, rejected: 0, sent: 0 };
  for (const { expected, read, rejected, sentCount } of checks.values()) {
    expect(read).toEqual(expected);
    // Of a request whose first bytes are lost nothing tells that it was one.
    expect(rejected.length).toBeLessThanOrEqual(sentCount - read.length);
    if (network.loss === 0 || network.sparesHeads) expect(rejected.length).toBe(sentCount - read.length);
    expect(rejected.filter((reason) => reason !== 'gap')).toEqual([]);
    counts.read += read.length;
    counts.rejected += rejected.length;
    counts.sent += sentCount;
  }
  checkCounters(parsers, assembler);
  return counts;
}

function checkCounters(parsers: readonly RequestParser[], assembler: TcpAssembler): void {
  const { deliveredBytes, gapBytes } = assembler.counters();
  let pushed = 0;
  let lost = 0;
  for (const { counters } of parsers) {
    expect(counters.pushedBytes).toBe(counters.deliveredBytes + counters.rejectedBytes + counters.skippedBytes);
    pushed += counters.pushedBytes;
    lost += counters.gapBytes;
  }
  expect([pushed, lost]).toEqual([deliveredBytes, gapBytes]);
}

test.each<[string, Network]>([
  ['without loss: the same requests', { loss: 0, duplication: 0.3, reordering: 30, sparesHeads: false }],
  [
    'with loss in bodies of known length: all others, and each lost one is counted',
    { loss: 0.3, duplication: 0.2, reordering: 30, sparesHeads: true },
  ],
  [
    'with loss anywhere: exactly the untouched ones',
    { loss: 0.1, duplication: 0.2, reordering: 30, sparesHeads: false },
  ],
  ['with heavy loss', { loss: 0.5, duplication: 0.5, reordering: 300, sparesHeads: false }],
])('%s', (_, network) => {
  const random = createRandom(seedOfThisRun());
  const counts = { read: 0, rejected: 0, sent: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    try {
      const { read, rejected, sent } = run(random, network);
      counts.read += read;
      counts.rejected += rejected;
      counts.sent += sent;
    } catch (error) {
      throw new Error(`GOR_TEST_SEED=${random.seed}, round ${round}`, { cause: error });
    }
  }
  if (network.loss > 0) expect(Math.min(counts.read, counts.rejected)).toBeGreaterThan(ROUNDS / 2);
});
