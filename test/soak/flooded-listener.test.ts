// A million packets of each kind that costs a listener the most: all counted, memory bounded.
import { FrameDecoder, linkTypes, TcpAssembler } from '@gor/capture';
import { expect, test } from 'vitest';
import type { FloodKind } from '../kit/flood.ts';
import { ipv4Packet, type PacketFields } from '../kit/packets.ts';
import { expectListenBalance } from '../live/programs.ts';
import { flood } from '../programs/flooded-listener.ts';

const COUNT = 1_000_000;

const kinds: FloodKind[] = ['one-segment-flows', 'midstream-flows', 'half-open', 'out-of-order', 'unfinished-requests'];

test.each(kinds)('%s', async (kind) => {
  const { ledger, peakMb } = await flood(kind, COUNT);
  const { connectionsEnded, heldAllocatedBytesPeak, gaps } = ledger.connections;
  console.log(`${kind}: at most ${peakMb} MB resident; dropped ${JSON.stringify(ledger.dropped)}`);
  console.log(`ended ${JSON.stringify(connectionsEnded)}, gaps ${JSON.stringify(gaps)}`);
  expectListenBalance(ledger);
  expect(ledger.frames).toMatchObject({ seen: COUNT, segments: COUNT });
  expect(heldAllocatedBytesPeak).toBeLessThanOrEqual(32 * 1024 * 1024);
  expect(peakMb).toBeLessThan(700);
});

test('a million tiny segments of servers out of order: no client that waits is displaced', () => {
  const lines: string[] = [];
  const assembler = new TcpAssembler({
    onConnection: ({ client }) => ({
      client: {
        data: (bytes) => lines.push(`${client.port} ${bytes.length}`),
        gap: () => lines.push(`${client.port} gap`),
        end: () => {},
      },
      server: { data: () => {}, gap: () => {}, end: () => {} },
    }),
  });
  const decoder = new FrameDecoder({ onSegment: (segment) => assembler.push(segment) });
  const push = (fields: PacketFields): void => {
    const bytes = ipv4Packet(fields);
    const view = { bytes, start: 0, end: bytes.length, originalLength: bytes.length };
    decoder.push({ linkType: linkTypes.raw, timestampUs: 1, ...view, direction: 'in' });
  };
  const waiting = { fromPort: 50_000, sequence: 2, payload: 'behind' };
  push({ ...waiting, sequence: 0, flags: 'S', payload: '' });
  push(waiting);
  for (let number = 0; number < COUNT; number++) {
    const port = 1_024 + (number % 400);
    const round = Math.floor(number / 400);
    if (round === 0) push({ fromPort: port, sequence: 0, flags: 'S' });
    const server = { from: '10.0.0.2', to: '10.0.0.1', fromPort: 80, toPort: port };
    push({ ...server, flags: round === 0 ? 'SA' : 'A', sequence: 2 * round, acknowledgment: 1, payload: 'x' });
  }
  const counters = assembler.counters();
  console.log(`held at most ${counters.heldAllocatedBytesPeak} bytes, gaps ${JSON.stringify(counters.gaps)}`);
  expect(counters.heldAllocatedBytesPeak).toBeLessThanOrEqual(32 * 1024 * 1024);
  expect(counters.gaps.limit).toBeGreaterThan(COUNT / 2);
  expect(lines).toEqual([]);
  push({ ...waiting, sequence: 1, payload: '1' });
  expect(lines).toEqual(['50000 1', '50000 6']);
  assembler.close();
  const { payloadBytes, deliveredBytes, duplicateBytes, droppedBytes } = assembler.counters();
  const dropped = Object.values(droppedBytes).reduce((sum, bytes) => sum + bytes, 0);
  expect(deliveredBytes + duplicateBytes + dropped).toBe(payloadBytes);
});
