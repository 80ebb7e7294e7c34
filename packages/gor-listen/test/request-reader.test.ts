// From frames to whole requests: which connections are read, what is told of each, what is counted of the rest.
import { type Connection, type Direction, linkTypes } from '@gor/capture';
import { describe, expect, test } from 'vitest';
import { asLatin1 } from '../../../test/kit/every-split.ts';
import { ipv4Packet, type PacketFields } from '../../../test/kit/packets.ts';
import type { ListenConfig } from '../src/index.ts';
import { RequestReader } from '../src/request-reader.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST /p HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody';

const fileConfig: ListenConfig = {
  source: { kind: 'file', path: 'x', speed: 1 },
  ports: [80],
  filter: undefined,
  direction: 'both',
  replay: undefined,
  maxBodyBytes: 100,
};

interface TestPacket extends PacketFields {
  readonly direction?: Direction;
  readonly atMs?: number;
}

/** What the reader tells of these packets, as lines. */
function told(over: Partial<ListenConfig>, packets: readonly TestPacket[]): { lines: string[]; reader: RequestReader } {
  const lines: string[] = [];
  const name = ({ id }: Connection) => `connection ${id}`;
  const reader = new RequestReader(
    { ...fileConfig, ...over },
    {
      onRequest: ({ request, connection }) => lines.push(`${name(connection)}: ${asLatin1(request.bytes)}`),
      onReject: (reason) => lines.push(`rejected: ${reason}`),
      onConnectionEnd: (connection, timestampUs) => lines.push(`${name(connection)} ends at ${timestampUs / 1000}`),
    },
  );
  for (const { direction = 'unknown', atMs = 0, ...fields } of packets) {
    const bytes = ipv4Packet(fields);
    const length = bytes.length;
    const frame = { linkType: linkTypes.raw, timestampUs: atMs * 1000, bytes, start: 0, end: length };
    reader.decoder.push({ ...frame, originalLength: length, direction });
  }
  return { lines, reader };
}

describe('what is told', () => {
  test.each<[sentence: string, over: Partial<ListenConfig>, packets: TestPacket[], lines: string[]]>([
    ['a request', {}, [{ payload: GET }], [`connection 1: ${GET}`]],
    [
      'a request over several segments',
      {},
      [
        { sequence: 10, payload: POST.slice(0, 9) },
        { sequence: 19, payload: POST.slice(9) },
      ],
      [`connection 1: ${POST}`],
    ],
    [
      'a connection and its end, told with the time of the packet',
      {},
      [
        { sequence: 9, flags: 'S' },
        { sequence: 10, payload: GET },
        {
          fromPort: 80,
          toPort: 40_000,
          from: '10.0.0.2',
          to: '10.0.0.1',
          sequence: 1,
          flags: 'FA',
          acknowledgment: 99,
        },
        { sequence: 10 + GET.length, flags: 'FA', atMs: 250 },
      ],
      [`connection 1: ${GET}`, 'connection 1 ends at 250'],
    ],
    ['a request to another port is none of ours', {}, [{ toPort: 81, payload: GET }], []],
    [
      'any port, where it reads like a client',
      { ports: 'any' },
      [{ toPort: 81, payload: GET }],
      [`connection 1: ${GET}`],
    ],
    ['a body over the limit', { maxBodyBytes: 3 }, [{ payload: POST }], ['rejected: body-too-long']],
    [
      'the middle of a request, then a whole one',
      {},
      [{ sequence: 5, payload: `tail of a body\r\n${GET}` }, { sequence: 5, atMs: 20 }],
      [`connection 1: ${GET}`],
    ],
  ])('%s', (_, over, packets, lines) => {
    expect(told(over, packets).lines).toEqual(lines);
  });
});

describe('directions', () => {
  test.each<[wanted: ListenConfig['direction'], direction: Direction, isTaken: boolean]>([
    ['in', 'in', true],
    ['in', 'out', false],
    ['in', 'unknown', true],
    ['out', 'in', false],
    ['out', 'out', true],
    ['out', 'unknown', true],
    ['both', 'in', true],
    ['both', 'out', true],
  ])('with --direction %s a connection whose direction is %s: taken %s', (wanted, direction, isTaken) => {
    const { lines, reader } = told({ direction: wanted }, [{ direction, payload: GET }]);
    expect(lines).toEqual(isTaken ? [`connection 1: ${GET}`] : []);
    expect(reader.otherDirection).toBe(isTaken ? 0 : 1);
    reader.assembler.close();
    expect(reader.assembler.counters().droppedBytes.unwanted).toBe(isTaken ? 0 : GET.length);
  });
});

test('over loopback a connection comes in, even where the first thing seen is the answer to an earlier request', () => {
  const answer = { from: '10.0.0.2', to: '10.0.0.1', fromPort: 80, toPort: 40_000, payload: 'HTTP/1.1 200 OK\r\n\r\n' };
  const { lines, reader } = told({ direction: 'in' }, [
    { ...answer, direction: 'loopback', sequence: 1 },
    { direction: 'loopback', sequence: 0, payload: GET },
  ]);
  expect(lines).toEqual([`connection 1: ${GET}`]);
  expect(reader.otherDirection).toBe(0);
});

test('a request that is not whole at the end is rejected, bytes that are none are counted', () => {
  const { lines, reader } = told({}, [
    { sequence: 1, payload: POST.slice(0, -1) },
    { fromPort: 41_000, sequence: 0, flags: 'S' },
    { fromPort: 41_000, sequence: 1, payload: '\x16\x03\x01 no HTTP' },
  ]);
  reader.assembler.close();
  expect(lines.sort()).toEqual(['connection 1 ends at 0', 'connection 2 ends at 0', 'rejected: unfinished']);
  expect(reader.skippedBytes).toBe('\x16\x03\x01 no HTTP'.length);
  expect(reader.otherProtocols).toEqual({ tls: 1 });
  expect(reader.opaque).toEqual({});
});

test('a connection that goes on as something else after an Upgrade is counted, and what follows is skipped', () => {
  const upgrade = 'GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
  const { lines, reader } = told({}, [
    { sequence: 1, payload: upgrade },
    { sequence: 1 + upgrade.length, payload: '\x81\x05hello' },
  ]);
  expect(lines).toEqual([`connection 1: ${upgrade}`]);
  expect(reader.opaque).toEqual({ upgrade: 1 });
  reader.assembler.close();
  expect(reader.skippedBytes).toBe('\x81\x05hello'.length);
});

test('a file waits half a minute of its own time for a retransmission, a live capture does not', () => {
  const late: TestPacket[] = [
    { sequence: 0, flags: 'S' },
    { sequence: 1 + GET.length, payload: GET, atMs: 10 },
    { fromPort: 41_000, sequence: 1, payload: GET, atMs: 20_000 },
    { sequence: 1, payload: GET, atMs: 20_000 },
  ];
  const live = { source: { kind: 'live', interfaces: ['any'], engine: 'auto', bufferBytes: 1 } } as const;
  const requestsOfFirst = (lines: readonly string[]) => lines.filter((line) => line.startsWith('connection 1: '));
  expect(requestsOfFirst(told({}, late).lines)).toHaveLength(2);
  expect(requestsOfFirst(told(live, late).lines)).toHaveLength(1);
});
