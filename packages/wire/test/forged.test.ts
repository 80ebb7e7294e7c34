// Who has no key gets nothing delivered, nothing answered, and nothing moved; everything is counted. The long run is
// test/soak/wire-forged.test.ts. GOR_TEST_SEED repeats a run.
import { describe, expect, test } from 'vitest';
import { said } from '../../../test/fuzz/said.ts';
import { createRandom, seedOfThisRun } from '../../../test/kit/random.ts';
import { wireVector } from '../../../test/kit/wire-vectors.ts';
import { WireDecoder } from '../src/decoder.ts';
import { wireKey } from '../src/sealing.ts';
import { overheard } from './forgeries.ts';
import { forgeDatagrams, forgeReports } from './forging.ts';
import { JoinedEnds, RECEIVER } from './joined-ends.ts';
import { RecordAccount } from './record-account.ts';

const FORGERIES = 50_000;
const KEY = wireKey(wireVector('shared-key'));
const ATTACKER = { address: '198.51.100.66', port: 4000 };

test('forged, mutated, cut and repeated datagrams deliver nothing, answer nothing, and are counted', {
  timeout: 60_000,
}, () => {
  const random = createRandom(seedOfThisRun());
  said('datagrams', FORGERIES, random, JSON.stringify(forgeDatagrams(random, FORGERIES)));
});

test('forged, mutated, cut and repeated reports move nothing in a sender, and are counted', { timeout: 60_000 }, () => {
  const random = createRandom(seedOfThisRun());
  said('reports', FORGERIES, random, JSON.stringify(forgeReports(random, FORGERIES)));
});

describe('a recorded session played again', () => {
  /** A receiver that nobody's reports reach, and what it did. */
  function bystander(receiver: string) {
    const counts = { records: 0, reports: 0, reportedBytes: 0 };
    const decoder = new WireDecoder({
      receiver,
      keys: [KEY],
      onRecord: () => counts.records++,
      onReport: ({ length }) => {
        counts.reports++;
        counts.reportedBytes += length;
      },
    });
    return { decoder, counts };
  }

  test('into the receiver that had it: no record', () => {
    const random = createRandom(seedOfThisRun());
    const { ends, account, sent } = overheard(random, KEY, 2000);
    const earlier = account.delivered;
    const soFar = [...sent];
    for (const datagram of soFar) ends.decoder.push(datagram.slice(), ATTACKER, ends.nowMs);
    ends.finish();
    const whole = [...sent];
    const reports = ends.reported.datagrams;
    for (const datagram of whole) ends.decoder.push(datagram.slice(), ATTACKER, ends.nowMs);
    ends.decoder.advance(ends.nowMs + 5000);
    expect(account.problems, `seed ${random.seed}`).toEqual([]);
    expect([account.delivered, ends.reported.datagrams]).toEqual([earlier, reports]);
    const session = ends.decoder.ledger().sessions[0]!;
    expect(session).toMatchObject({ duplicates: soFar.length, rejectedDatagrams: { 'after-end': whole.length } });
  });

  test.each([1, 3])('into a restarted receiver, %i times: no record, and all of it is counted', (times) => {
    const random = createRandom(seedOfThisRun());
    const { ends, sent } = overheard(random, KEY, 2000);
    ends.finish();
    const { decoder, counts } = bystander('0123456789abcdef');
    let pushed = 0;
    let pushedBytes = 0;
    let nowMs = 0;
    for (let time = 0; time < times; time++) {
      for (const datagram of sent) {
        decoder.push(datagram.slice(), ATTACKER, nowMs);
        pushedBytes += datagram.length;
        if (pushed++ % 5 === 0) decoder.advance(++nowMs);
        expect(decoder.ledger().unconfirmed.waitingBytes).toBeLessThanOrEqual(8 * 1024 * 1024);
      }
    }
    for (const endMs = nowMs + 3000; nowMs < endMs; nowMs += 10) decoder.advance(nowMs);
    const { sessions, earlier, rejectedDatagrams, unconfirmed } = decoder.ledger();
    const note = `seed ${random.seed}`;
    expect(counts.records, note).toBe(0);
    expect(sessions.filter(({ received }) => received > 0)).toEqual([]);
    expect(earlier.received).toBe(0);
    const counted = [rejectedDatagrams, ...sessions.map((each) => each.rejectedDatagrams)].flatMap(Object.values);
    expect(
      counted.reduce((sum, count) => sum + count, 0),
      note,
    ).toBe(pushed);
    expect(unconfirmed.waitingBytes, note).toBe(0);
    expect(counts.reports, note).toBeLessThanOrEqual(nowMs / 100 + 1);
    expect(counts.reportedBytes, note).toBeLessThanOrEqual(pushedBytes);
  });

  test('by hundreds at once: what is held stays within its limits', () => {
    const random = createRandom(seedOfThisRun());
    const recordings = Array.from({ length: 100 }, (_, index) => {
      const session = (0x1000 + index).toString(16).padStart(16, '0');
      return overheard(random, KEY, 60, session).sent;
    });
    const { decoder, counts } = bystander('0123456789abcdef');
    let pushed = 0;
    for (let place = 0; recordings.some(({ length }) => place < length); place++) {
      for (const recording of recordings) {
        if (recording[place] === undefined) continue;
        decoder.push(recording[place]!.slice(), ATTACKER, place);
        pushed++;
        expect(decoder.ledger().unconfirmed.sessions).toBeLessThanOrEqual(64);
      }
      decoder.advance(place);
    }
    for (let nowMs = 1000; nowMs < 5000; nowMs += 10) decoder.advance(nowMs);
    const { rejectedDatagrams, sessions } = decoder.ledger();
    expect(counts.records).toBe(0);
    expect(sessions).toEqual([]);
    expect(Object.values(rejectedDatagrams).reduce((sum, count) => sum + count, 0)).toBe(pushed);
  });

  test('while its sender goes on with the restarted receiver: nothing of before, nothing twice', () => {
    const random = createRandom(seedOfThisRun());
    const account = new RecordAccount({ random });
    const recorded: Uint8Array[] = [];
    const ends = new JoinedEnds({
      random,
      key: KEY,
      onRecord: (record) => account.arrived(record),
      onSent: (datagram) => void recorded.push(datagram),
    });
    const send = (records: number): void => {
      for (let count = 0; count < records; count++) {
        const record = account.next();
        if (ends.offer(record)) account.taken(record);
        ends.step();
        const again = random.chance(0.3) ? recorded[random.below(recorded.length)] : undefined;
        if (again !== undefined) ends.decoder.push(again.slice(), ATTACKER, ends.nowMs);
      }
    };
    ends.run(50);
    send(1000);
    const first = ends.decoder.ledger().sessions[0]!;
    ends.decoder = ends.newDecoder(RECEIVER.replace('a', 'b'));
    send(3000);
    ends.finish();
    const note = `seed ${random.seed}`;
    const second = ends.decoder.ledger().sessions[0]!;
    expect(account.problems, note).toEqual([]);
    expect(second.sent, note).toBe(account.sent);
    expect(second.received + second.lost + second.beforeStart, note).toBe(second.sent);
    expect(account.delivered, note).toBe(first.received + second.received);
    expect(second.received, note).toBeGreaterThan(2000);
    expect(second.lost, note).toBe(0);
    expect(second.beforeStart, note).toBeGreaterThanOrEqual(first.received);
  });
});
