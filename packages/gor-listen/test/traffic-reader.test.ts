// From frames to whole requests and responses: which connections are read, what is told of each, what is counted of the rest.
import { type Connection, type Direction, linkTypes } from '@gor/capture';
import { describe, expect, test } from 'vitest';
import { asLatin1 } from '../../../test/kit/every-split.ts';
import { ipv4Packet, type PacketFields } from '../../../test/kit/packets.ts';
import type { CapturedResponse, ListenConfig } from '../src/index.ts';
import { TrafficReader } from '../src/traffic-reader.ts';

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
function told(
  over: Partial<ListenConfig>,
  packets: readonly TestPacket[],
  withResponses = false,
): { lines: string[]; reader: TrafficReader } {
  const lines: string[] = [];
  const name = ({ id }: Connection) => `connection ${id}`;
  const told = ({ response, connection }: CapturedResponse) =>
    lines.push(
      `${name(connection)}: ${response.status} of ${response.bytes.length} bytes to ${response.request?.index}`,
    );
  const reader = new TrafficReader(
    { ...fileConfig, ...over },
    {
      onRequest: ({ request, connection }) => lines.push(`${name(connection)}: ${asLatin1(request.bytes)}`),
      onReject: (reason) => lines.push(`rejected: ${reason}`),
      ...(withResponses ? { onResponse: told } : {}),
      onOtherProtocol: ({ server }, protocol) => lines.push(`port ${server.port}: ${protocol}`),
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
      'the middle of a request, then a whole one, once what may have been reordered has had its time',
      {},
      [
        { sequence: 5, payload: `tail of a body\r\n${GET}` },
        { fromPort: 41_000, flags: 'S', atMs: 50 },
      ],
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
  expect(lines.sort()).toEqual([
    'connection 1 ends at 0',
    'connection 2 ends at 0',
    'port 80: tls',
    'rejected: unfinished',
  ]);
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
  expect(reader.opaque).toEqual({ websocket: 1 });
  reader.assembler.close();
  expect(reader.skippedBytes).toBe('\x81\x05hello'.length);
});

const fromServer = { from: '10.0.0.2', to: '10.0.0.1', fromPort: 80, toPort: 40_000 };
const handshake: TestPacket[] = [
  { sequence: 0, flags: 'S' },
  { ...fromServer, sequence: 0, flags: 'SA', acknowledgment: 1 },
];
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody';

describe('responses', () => {
  const twice: TestPacket[] = [
    ...handshake,
    { sequence: 1, payload: GET + GET },
    { ...fromServer, sequence: 1, payload: OK },
    { ...fromServer, sequence: 1 + OK.length, payload: OK },
    { ...fromServer, sequence: 1 + 2 * OK.length, payload: OK },
    { ...fromServer, sequence: 1 + 3 * OK.length, payload: 'HTTP/1.1 2' },
  ];

  test('are told with the request that each answers, and counted', () => {
    const { lines, reader } = told({}, twice, true);
    reader.close();
    const response = (request: number | undefined) => `connection 1: 200 of ${OK.length} bytes to ${request}`;
    expect(lines).toEqual([
      ...[`connection 1: ${GET}`, `connection 1: ${GET}`],
      ...[response(0), response(1), response(undefined), 'connection 1 ends at 0'],
    ]);
    expect(reader.responses).toEqual({ seen: 4, whole: 3, dropped: { unfinished: 1 }, unpaired: 1, skippedBytes: 0 });
  });

  test('are counted all the same where nobody wants them', () => {
    const { lines, reader } = told({}, twice);
    reader.close();
    expect(lines).toEqual([`connection 1: ${GET}`, `connection 1: ${GET}`, 'connection 1 ends at 0']);
    expect(reader.responses).toMatchObject({ seen: 4, whole: 3 });
  });

  test('decide what follows an Upgrade: refused, requests come on, whatever they look like', () => {
    const upgrade = 'GET /chat HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    const odd = 'ODD / HTTP/1.1\r\n\r\n';
    const follow = { sequence: 1 + upgrade.length, payload: odd };
    const refused = { ...fromServer, sequence: 1, payload: 'HTTP/1.1 426 No\r\nContent-Length: 0\r\n\r\n' };
    const agreed = { ...fromServer, sequence: 1, payload: 'HTTP/1.1 101 Go\r\n\r\n' };
    const asked = { sequence: 1, payload: upgrade };
    expect(told({}, [...handshake, asked, refused, follow]).lines).toEqual([
      `connection 1: ${upgrade}`,
      `connection 1: ${odd}`,
    ]);
    const { lines, reader } = told({}, [...handshake, asked, agreed, { ...follow, payload: GET }]);
    expect(lines).toEqual([`connection 1: ${upgrade}`]);
    expect(reader.opaque).toEqual({ websocket: 1 });
  });
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
