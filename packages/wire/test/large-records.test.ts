// Large records: what arrives, what is refused by which limit, and what half of them can hold.
import { describe, expect, test } from 'vitest';
import { usedMb } from '../../../test/kit/memory.ts';
import { createRandom, seedOfThisRun } from '../../../test/kit/random.ts';
import { wireVector } from '../../../test/kit/wire-vectors.ts';
import { WireDecoder } from '../src/decoder.ts';
import { WireEncoder } from '../src/encoder.ts';
import type { WireRecord } from '../src/record.ts';
import { wireKey } from '../src/sealing.ts';
import { record, SOURCE } from './exchange.ts';
import { JoinedEnds, RECEIVER } from './joined-ends.ts';

const MIB = 1024 * 1024;
const BODY_BYTES = 64_000_000;
const RAISED = 80 * MIB;
const KEY = wireKey(wireVector('shared-key'));

/** Bytes that do not repeat by any length of a piece. */
function body(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const random = createRandom(64);
  for (let at = 0; at < length; at += 4096) {
    bytes.fill(random.below(256), at, at + 4096);
    bytes[at] = at >>> 12;
    bytes[at + 1] = at >>> 20;
  }
  return bytes;
}

describe('a body of 64 MB', () => {
  const payload = body(BODY_BYTES);

  test.each([
    ['in plaintext', undefined],
    ['sealed', KEY],
  ])('%s, with the limits raised, arrives over a network that loses 1%', { timeout: 60_000 }, (_, key) => {
    const random = createRandom(seedOfThisRun());
    const received: WireRecord[] = [];
    const ends = new JoinedEnds({
      random,
      link: { loss: 0.01 },
      key,
      onRecord: (each) => void received.push({ ...each, payload: each.payload.slice() }),
      sender: { maxRecordBytes: RAISED, queueBytes: 2 * RAISED, maxDatagramBytes: 8972 },
      receiver: { limits: { maxRecordBytes: RAISED, maxFragmentBytes: 2 * RAISED } },
    });
    ends.run(50);
    expect(ends.offer(record({ payload }))).toBe(true);
    expect(ends.offer(record({ index: 1 }))).toBe(true);
    while (ends.sender.counters().waitingBytes > 0) ends.step();
    ends.finish();
    const note = `seed ${random.seed}`;
    expect(ends.decoder.ledger().sessions, note).toMatchObject([{ sent: 2, received: 2, lost: 0, waiting: 0 }]);
    expect(
      received.map(({ index }) => index),
      note,
    ).toEqual([0, 1]);
    expect(Buffer.compare(received[0]!.payload, payload), note).toBe(0);
  });

  test('is refused by a sender as it comes, and the sender goes on', () => {
    const received: number[] = [];
    const ends = new JoinedEnds({
      random: createRandom(1),
      onRecord: ({ index }) => void received.push(index),
    });
    ends.run(50);
    expect(ends.sender.add(record({ payload }), ends.nowMs)).toBe('too-long');
    expect(ends.offer(record({ index: 1 }))).toBe(true);
    ends.finish();
    expect(received).toEqual([1]);
    expect(ends.decoder.ledger().sessions).toMatchObject([{ sent: 1, received: 1, lost: 0 }]);
  });

  test('is refused by a receiver as it comes: nothing is kept of it', () => {
    const received: number[] = [];
    const ends = new JoinedEnds({
      random: createRandom(1),
      onRecord: ({ index }) => void received.push(index),
      sender: { maxRecordBytes: RAISED, queueBytes: 2 * RAISED, maxDatagramBytes: 8972 },
    });
    ends.run(50);
    expect(ends.offer(record({ payload }))).toBe(true);
    expect(ends.offer(record({ connection: 2 }))).toBe(true);
    while (ends.sender.counters().waitingBytes > 0) ends.step();
    ends.finish();
    const { sessions, fragments } = ends.decoder.ledger();
    expect(received).toEqual([0]);
    expect(sessions).toMatchObject([{ sent: 2, received: 1, lost: 1 }]);
    expect(sessions[0]!.rejectedDatagrams['too-long']).toBeGreaterThan(BODY_BYTES / 8972);
    expect(fragments).toMatchObject({ waitingRecords: 0, waitingBytes: 0 });
  });
});

describe('a thousand records half of which came', () => {
  const RECORD_BYTES = MIB;
  const SESSIONS = 5;

  test.each<[sentence: string, maxDatagramBytes: number, keep: (place: number, count: number) => boolean]>([
    ['their first half, in small datagrams', 8972, (place, count) => place < count / 2],
    ['their first half, in large datagrams', 65_507, (place, count) => place < count / 2],
    ['every other fragment', 8972, (place) => place % 2 === 0],
    ['the first fragment', 1200, (place) => place === 0],
    ['one fragment in each block', 1200, (place) => place % 14 === 3],
  ])('%s: never more than the limit is held', { timeout: 60_000 }, (_, maxDatagramBytes, keep) => {
    let delivered = 0;
    const decoder = new WireDecoder({ receiver: RECEIVER, onRecord: () => delivered++ });
    const payload = new Uint8Array(RECORD_BYTES);
    const beforeMb = usedMb();
    let nowMs = 0;
    let most = 0;
    for (let session = 1; session <= SESSIONS; session++) {
      let place = 0;
      const pieces = Math.ceil((RECORD_BYTES + 36) / (maxDatagramBytes - 48));
      const encoder = new WireEncoder({
        session: session.toString(16).padStart(16, '0'),
        maxDatagramBytes,
        onDatagram: (datagram) => {
          if (!keep(place++ % pieces, pieces)) return;
          decoder.push(datagram, SOURCE, nowMs);
          const { waitingBytes, waitingRecords } = decoder.ledger().fragments;
          most = Math.max(most, waitingBytes);
          if (waitingBytes > 64 * MIB || waitingRecords > 1024) throw new Error(`${waitingBytes}, ${waitingRecords}`);
        },
      });
      for (let count = 0; count < 1000 / SESSIONS; count++) {
        encoder.add(record({ connection: count + 1, payload }), nowMs);
        nowMs += 0.5;
      }
    }
    const heldMb = usedMb() - beforeMb;
    expect(heldMb).toBeLessThan(64 + 24);
    decoder.advance(nowMs);
    const { sessions, fragments } = decoder.ledger();
    const evicted = Object.values(fragments.evicted).reduce((sum, count) => sum + count, 0);
    expect([delivered, fragments.joined, evicted + fragments.waitingRecords]).toEqual([0, 0, 1000]);
    expect(most).toBeGreaterThan(0);
    for (nowMs += 3000; nowMs < 10_000; nowMs += 100) decoder.advance(nowMs);
    expect(decoder.ledger().fragments).toMatchObject({ waitingBytes: 0, waitingRecords: 0 });
    for (const { sent, received, lost, waiting, beforeStart } of sessions) {
      expect([received, waiting, sent]).toEqual([0, 0, lost + beforeStart]);
    }
  });
});
