import { describe, expect, test } from 'vitest';
import type { WireRecord } from '../src/record.ts';
import { recordReadable, recordWritable, type StreamRecord } from '../src/streams.ts';
import { openUdpReceiver } from '../src/udp-receiver.ts';
import { openUdpSender } from '../src/udp-sender.ts';
import { numbered, SESSION, SOURCE } from './exchange.ts';

const session = { id: SESSION, ...SOURCE };

describe('readable', () => {
  test('gives copies in order, and ends after what waits', async () => {
    const { readable, onRecord, end, counters } = recordReadable();
    const reused = numbered(0, 8);
    onRecord(reused, session);
    reused.payload.fill(0xee);
    onRecord(numbered(1, 8), session);
    end();
    const read: StreamRecord[] = [];
    for await (const each of readable) read.push(each);
    expect(read).toEqual([0, 1].map((index) => ({ ...numbered(index, 8), session: SESSION })));
    expect(counters()).toEqual({ delivered: 2, dropped: 0, waiting: 0, waitingBytes: 0 });
  });

  test.each([
    { limit: 'records', options: { maxRecords: 3 } },
    { limit: 'bytes', options: { maxBytes: 300 } },
  ])('a stalled reader: beyond the limit of $limit records are dropped and counted', async ({ options }) => {
    const { readable, onRecord, end, counters } = recordReadable(options);
    for (let index = 0; index < 10; index++) onRecord(numbered(index, 100), session);
    const { waiting, waitingBytes, delivered, dropped } = counters();
    expect([waiting, waitingBytes]).toEqual([3, 300]);
    expect(delivered + waiting + dropped).toBe(10);
    end();
    const read: number[] = [];
    for await (const each of readable) read.push((each as StreamRecord).index);
    expect(read).toEqual(Array.from(read.keys()));
    expect(counters().delivered + counters().dropped).toBe(10);
  });

  test('a reader that goes on gets what comes then; one that left costs nothing', async () => {
    const { readable, onRecord, counters } = recordReadable({ maxRecords: 2 });
    const reader = readable[Symbol.asyncIterator]();
    for (let round = 0; round < 5; round++) {
      onRecord(numbered(round, 4), session);
      expect((await reader.next()).value.index).toBe(round);
    }
    readable.destroy();
    onRecord(numbered(9), session);
    expect(counters()).toMatchObject({ waiting: 0, dropped: 1 });
  });
});

test('writable, wire, readable: all records, and the end of the stream closes the sender', async () => {
  const incoming = recordReadable();
  await using receiver = await openUdpReceiver({ host: '127.0.0.1', port: 0, onRecord: incoming.onRecord });
  const sender = await openUdpSender({
    host: '127.0.0.1',
    port: receiver.port,
    maxRecordBytes: 2000,
    totals: () => ({ captured: 4, dropped: {} }),
    onEvent: () => undefined,
  });
  const refused: [number, string][] = [];
  const onRefused = (each: WireRecord, reason: string): void => void refused.push([each.index, reason]);
  const writable = recordWritable(sender, { onRefused });
  const reused = numbered(0, 500);
  for (const index of [0, 1, 2]) {
    reused.payload.set(numbered(index, 500).payload);
    writable.write({ ...numbered(index, 0), payload: reused.payload });
  }
  writable.write(numbered(3, 3000));
  await new Promise<void>((resolve) => void writable.end(resolve));
  expect(sender.send(numbered(4))).toBe('closed');
  const reader = incoming.readable[Symbol.asyncIterator]();
  for (const index of [0, 1, 2]) {
    expect((await reader.next()).value).toEqual({ ...numbered(index, 500), session: sender.session });
  }
  expect(refused).toEqual([[3, 'too-long']]);
});
