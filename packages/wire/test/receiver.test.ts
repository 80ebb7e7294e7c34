// The receiving side with keys and reports, driven datagram by datagram: freshness, what is asked for when, what is
// given up, and the order of each connection.
import { describe, expect, test } from 'vitest';
import { createRandom, seedOfThisRun } from '../../../test/kit/random.ts';
import { DATAGRAM_HEADER_BYTES } from '../src/datagram.ts';
import { wireKey } from '../src/sealing.ts';
import { numbered, SESSION, SOURCE } from './exchange.ts';
import { KEY, OTHER_KEY, OTHER_RECEIVER, of, Receiver, Sender, startAt } from './receiving-run.ts';

describe('freshness', () => {
  test('held until totals name this receiver, then delivered in the order in which it came', () => {
    const sender = new Sender(KEY).totals(undefined).add(of(1, 0), of(1, 1)).totals(startAt());
    const receiver = new Receiver(KEY).take(0, sender.at(1), sender.at(2), sender.at(3));
    expect(receiver.records).toEqual([]);
    expect(receiver.reports).toMatchObject([{ isConfirmed: false, highest: 1, missing: [] }]);
    expect(receiver.decoder.ledger()).toMatchObject({ sessions: [], unconfirmed: { sessions: 1 } });
    receiver.take(20, sender.at(4));
    expect(receiver.order()).toEqual([0, 1]);
    expect(receiver.reports[1]).toMatchObject({ isConfirmed: true, highest: 4, received: 2, lost: 0 });
    expect(receiver.decoder.ledger().unconfirmed).toEqual({ sessions: 0, waitingBytes: 0 });
    expect(receiver.session).toMatchObject({ isSealed: true, sent: 2, received: 2 });
  });

  test('a recorded session delivers nothing, neither to the receiver that had it nor to the next one', () => {
    const sender = new Sender(KEY).totals(undefined).add(of(1, 0), of(1, 1)).totals(startAt(), 1, true);
    const all = (): Uint8Array[] => [1, 2, 3, 4].map((sequence) => sender.at(sequence));
    const running = new Receiver(KEY).take(0, ...all());
    const { length } = running.reports;
    running.take(500, ...all());
    running.run(1000, 3000);
    running.take(3000, ...all());
    expect(running.order()).toEqual([0, 1]);
    expect(running.session).toMatchObject({ duplicates: 4, rejectedDatagrams: { 'after-end': 4 } });
    expect(running.reports.length).toBe(length);
    const restarted = new Receiver(KEY, { receiver: OTHER_RECEIVER }).take(0, ...all()).run(10, 2000);
    expect(restarted.records).toEqual([]);
    expect(restarted.decoder.ledger()).toMatchObject({ sessions: [], rejectedDatagrams: { unconfirmed: 4 } });
    expect(restarted.reports.every(({ isConfirmed }) => !isConfirmed)).toBe(true);
  });

  test('a recording of a session that made room for another is not believed either', () => {
    const sender = new Sender(KEY).add(of(1, 0)).totals(startAt());
    const other = new Sender(KEY, { session: '0123456789abcdef' }).totals(startAt());
    const receiver = new Receiver(KEY, { limits: { maxSessions: 1 }, onReport: () => undefined });
    receiver.take(0, sender.at(1), sender.at(2), other.at(1), sender.at(1), sender.at(2));
    expect(receiver.order()).toEqual([0]);
    expect(receiver.session).toMatchObject({ id: SESSION, received: 0, rejectedDatagrams: { 'before-start': 2 } });
    sender.add(of(1, 1));
    receiver.take(1, sender.at(3));
    expect(receiver.order()).toEqual([0, 1]);
  });

  test('nor is it where its session was forgotten a second time, without anything new', () => {
    const senders = ['1', '2', '3'].map((digit) =>
      new Sender(KEY, { session: digit.repeat(16) }).totals(startAt()).add(of(1, 0)),
    );
    const receiver = new Receiver(KEY, { limits: { maxSessions: 1 }, onReport: () => undefined });
    for (let round = 0; round < 5; round++) {
      for (const sender of senders) receiver.take(round, sender.at(1), sender.at(2));
    }
    expect(receiver.records).toHaveLength(3);
    expect(receiver.decoder.ledger().earlier).toMatchObject({ sent: 3, received: 3, lost: 0 });
  });

  test('a plaintext session that made room goes on where it was: nothing twice, nothing lost, counted once', () => {
    const ids = ['1', '2', '3'];
    const senders = ids.map((digit) => new Sender(undefined, { session: digit.repeat(16) }).totals(startAt()));
    const ended: unknown[] = [];
    const receiver: Receiver = new Receiver(undefined, {
      limits: { maxSessions: 2 },
      onReport: () => undefined,
      onSessionEnd: ({ id }, reason) => {
        const { sent, received } = receiver.decoder.ledger().sessions.find((session) => session.id === id)!;
        ended.push({ reason, sent, received });
      },
    });
    for (let index = 0; index < 4; index++) {
      for (const sender of senders) {
        sender.add(of(1, index));
        // The same again, as a network may, and what the session had before it made room.
        receiver.take(index, sender.at(index + 2), sender.at(index + 2), sender.at(Math.max(1, index)));
      }
    }
    expect(receiver.records).toHaveLength(12);
    const { sessions, earlier, rejectedDatagrams } = receiver.decoder.ledger();
    for (const each of [...sessions, earlier]) expect(each).toMatchObject({ lost: 0, waiting: 0 });
    const sum = (of: 'sent' | 'received' | 'beforeStart'): number =>
      sessions.reduce((all, each) => all + each[of], earlier[of]);
    expect([sum('received'), sum('sent') - sum('beforeStart')]).toEqual([12, 12]);
    expect([earlier.sent, earlier.received, earlier.beforeStart]).toEqual([10, 10, 0]);
    expect(rejectedDatagrams).toEqual({});
    // What is old opens no session, and so makes none go.
    receiver.take(9, senders[0]!.at(2));
    expect(receiver.decoder.ledger()).toMatchObject({ rejectedDatagrams: { 'before-start': 1 }, earlier });
    expect(ended[0]).toEqual({ reason: 'evicted', sent: 1, received: 1 });
  });

  test('a receiver that restarts takes what is sent from its start on, and nothing before', () => {
    const sender = new Sender(KEY)
      .add(of(1, 0), of(1, 1))
      .totals(startAt(3, 3, OTHER_RECEIVER), 1)
      .add(of(1, 2));
    const receiver = new Receiver(KEY, { receiver: OTHER_RECEIVER });
    receiver.take(0, sender.at(2), sender.at(3), sender.at(4), sender.at(1));
    expect(receiver.order()).toEqual([2]);
    expect(receiver.session).toMatchObject({ sent: 3, beforeStart: 2, received: 1, lost: 0 });
    expect(receiver.session.rejectedDatagrams).toEqual({ 'before-start': 2 });
  });

  test('one recorded datagram, sent again and again from elsewhere, neither takes room nor draws the reports away', () => {
    const to: string[] = [];
    const receiver = new Receiver(KEY, { onReport: (_, { address }) => void to.push(address) });
    const attacker = { address: '198.51.100.66', port: 4000 };
    const sender = new Sender(KEY).totals(undefined);
    for (let index = 0; index < 30; index++) sender.add(of(1, index, 500));
    sender.totals(startAt());
    const isHeldBytes = (): number => receiver.decoder.ledger().unconfirmed.waitingBytes;
    receiver.take(0, sender.at(2), sender.at(3));
    const held = isHeldBytes();
    for (let nowMs = 1; nowMs < 500; nowMs++) {
      receiver.decoder.push(sender.at(2), attacker, nowMs);
      if (nowMs % 10 === 0) receiver.decoder.advance(nowMs);
    }
    expect([isHeldBytes(), receiver.order().length]).toEqual([held, 0]);
    // Older than what is held, and new here: it is held, but its address is not believed.
    receiver.decoder.push(sender.at(1), attacker, 500);
    receiver.take(501, sender.at(32));
    receiver.decoder.push(sender.at(4), attacker, 502);
    receiver.run(510, 700);
    expect(new Set(to)).toEqual(new Set([SOURCE.address]));
    expect(receiver.session).toMatchObject({ address: SOURCE.address, received: 3, duplicates: 0 });
    expect(receiver.decoder.ledger().rejectedDatagrams).toEqual({ unconfirmed: 499 });
  });

  test('what comes from port 0 gets no answer: it is refused, and counted', () => {
    const receiver = new Receiver().take(0, new Sender().add(of(1, 0)).at(1));
    for (const key of [undefined, KEY]) {
      const other = new Receiver(key);
      other.decoder.push(new Sender(key).add(of(1, 0)).at(1), { address: '192.0.2.1', port: 0 }, 0);
      expect(other.decoder.ledger()).toMatchObject({ sessions: [], rejectedDatagrams: { 'bad-source': 1 } });
      expect(other.reports).toEqual([]);
    }
    expect(receiver.reports).toHaveLength(1);
  });

  test('what is held is bounded in time, bytes and sessions, and counted', () => {
    const receiver = new Receiver(KEY, {
      limits: { maxUnconfirmedSessions: 2, maxUnconfirmedBytes: 2000 },
      onReport: () => undefined,
    });
    for (let id = 1; id <= 3; id++) {
      receiver.take(id, new Sender(KEY, { session: `${id}`.repeat(16) }).add(of(1, 0)).at(1));
    }
    expect(receiver.decoder.ledger()).toMatchObject({
      unconfirmed: { sessions: 2 },
      rejectedDatagrams: { unconfirmed: 1 },
    });
    const last = new Sender(KEY, { session: '3'.repeat(16) }).add(of(1, 0), of(1, 1, 1000), of(1, 2, 1000));
    receiver.take(3, last.at(2), last.at(3));
    expect(receiver.decoder.ledger().unconfirmed.waitingBytes).toBeLessThanOrEqual(2000);
    receiver.run(1003, 1003);
    expect(receiver.decoder.ledger().unconfirmed).toEqual({ sessions: 2, waitingBytes: 0 });
    expect(receiver.decoder.ledger().rejectedDatagrams).toEqual({ unconfirmed: 5 });
    expect(receiver.unopened).toEqual([{ reason: 'unconfirmed', from: SOURCE, datagrams: 1 }]);
    receiver.run(60_003, 60_003);
    expect(receiver.decoder.ledger().unconfirmed.sessions).toBe(0);
  });
});

describe('keys', () => {
  const rows = [
    { what: 'plaintext where there is a key', sent: undefined, taken: KEY, reason: 'not-sealed' },
    { what: 'sealed where there is none', sent: KEY, taken: undefined, reason: 'sealed' },
    { what: 'another key', sent: KEY, taken: OTHER_KEY, reason: 'unknown-key' },
    { what: 'another key of the same id', sent: { ...KEY, id: OTHER_KEY.id }, taken: OTHER_KEY, reason: 'forged' },
  ];
  test.each(rows)('$what: $reason, told at most once a minute', ({ sent, taken, reason }) => {
    const receiver = new Receiver(taken);
    const datagram = (): Uint8Array => new Sender(sent).totals(startAt()).at(1);
    receiver.take(0, datagram(), datagram()).take(59_999, datagram()).take(60_000, datagram());
    expect(receiver.unopened).toEqual([1, 3].map((datagrams) => ({ reason, from: SOURCE, datagrams })));
    expect(receiver.decoder.ledger()).toMatchObject({ rejectedDatagrams: { [reason]: 4 }, sessions: [] });
    expect([receiver.reports.length, receiver.records.length]).toEqual([0, 0]);
  });

  test('a key that is gone opens nothing, also where another one has its id', () => {
    const receiver = new Receiver(KEY, { onReport: () => undefined });
    const sender = new Sender(KEY).totals(startAt()).add(of(1, 0), of(1, 1));
    receiver.take(0, sender.at(1), sender.at(2));
    receiver.decoder.setKeys([{ ...OTHER_KEY, id: KEY.id }]);
    receiver.take(1, sender.at(3));
    expect(receiver.order()).toEqual([0]);
    expect(receiver.session).toMatchObject({ state: 'silent', rejectedDatagrams: { forged: 1 } });
    receiver.decoder.setKeys([wireKey(KEY.bytes)]);
    expect(receiver.take(2, sender.at(3)).order()).toEqual([0, 1]);
  });

  test('the keys change without a gap, and what a key that is gone had opened ends', () => {
    const ended: string[] = [];
    const receiver = new Receiver(KEY, { onReport: () => undefined, onSessionEnd: (_, reason) => ended.push(reason) });
    const old = new Sender(KEY).totals(startAt()).add(of(1, 0), of(1, 1));
    const young = new Sender(OTHER_KEY, { session: '0123456789abcdef' }).totals(startAt()).add(of(2, 0));
    receiver.take(0, old.at(1));
    receiver.decoder.setKeys([KEY, OTHER_KEY]);
    receiver.take(1, old.at(2), young.at(1));
    receiver.decoder.setKeys([OTHER_KEY]);
    receiver.take(2, old.at(3), young.at(2));
    expect([receiver.order(1), receiver.order(2), ended]).toEqual([[0], [0], ['key-removed']]);
    expect(receiver.decoder.ledger().rejectedDatagrams).toEqual({ 'unknown-key': 1 });
    receiver.decoder.setKeys([wireKey(KEY.bytes), OTHER_KEY]);
    receiver.take(3, old.at(3));
    expect(receiver.order(1)).toEqual([0, 1]);
    expect(() => receiver.decoder.setKeys([KEY, { ...OTHER_KEY, id: KEY.id }])).toThrow(TypeError);
  });
});

describe('what is missing', () => {
  /** A confirmed session of which sequence 2 to 4 did not come, 5 did at 100 ms. */
  function withHole(): { sender: Sender; receiver: Receiver } {
    const sender = new Sender(KEY).totals(startAt());
    for (let index = 0; index < 9; index++) sender.add(of(index, 0, 500));
    return { sender, receiver: new Receiver(KEY).take(0, sender.at(1)).take(100, sender.at(5)) };
  }
  const asked = ({ reports }: Receiver): unknown[] =>
    reports.flatMap(({ missing }) => (missing.length > 0 ? [missing] : []));

  test('is asked for after 10 ms, and again when twice the usual time of an answer has passed', () => {
    const { sender, receiver } = withHole();
    expect(receiver.decoder.dueMs()).toBe(10);
    receiver.run(100, 109);
    expect(asked(receiver)).toEqual([]);
    receiver.run(110, 200);
    expect(asked(receiver)).toEqual([[{ first: 2, count: 3 }]]);
    receiver.run(210, 210);
    expect(asked(receiver)).toHaveLength(2);
    receiver.take(215, sender.at(3)); // 105 ms after it was asked for: from now on each 210
    receiver.run(220, 410);
    expect(asked(receiver)).toHaveLength(2);
    receiver.run(420, 420);
    expect(asked(receiver)[2]).toEqual([
      { first: 2, count: 1 },
      { first: 4, count: 1 },
    ]);
    expect(receiver.session).toMatchObject({ repaired: 1, repairedDatagrams: 1, missing: 2, askedFor: 8 });
  });

  test('is given up after 1 s, and refused from then on', () => {
    const { sender, receiver } = withHole();
    receiver.run(110, 1099);
    expect(receiver.session).toMatchObject({ missing: 3, givenUp: 0 });
    receiver.run(1100, 1100).take(1101, sender.at(2));
    expect(receiver.session).toMatchObject({ missing: 0, givenUp: 3, lost: 3, rejectedDatagrams: { 'too-old': 1 } });
    expect(receiver.decoder.dueMs()).toBe(250);
  });

  test('is given up where totals say that it cannot be sent again', () => {
    const { sender, receiver } = withHole();
    sender.totals(startAt(), 4);
    receiver.take(101, sender.at(11));
    expect(receiver.session).toMatchObject({ missing: 6, givenUp: 2 });
  });

  test('is never more than 8,192: the lowest are given up at once', () => {
    const { sender, receiver } = withHole();
    for (let count = 0; count < 10_000; count++) sender.totals(startAt());
    receiver.take(101, sender.at(10_000));
    expect(receiver.session).toMatchObject({ missing: 8192, givenUp: 9997 - 8192 });
  });

  test('at the end it is named, or nothing is reported: a report without ranges says that all is there', () => {
    const sender = new Sender(KEY).totals(startAt());
    for (let index = 0; index < 9; index++) sender.add(of(index, 0, 500));
    sender.totals(startAt(), 1, true).totals(startAt(), 1, true);
    const receiver = new Receiver(KEY).take(0, sender.at(1), sender.at(2)).take(100, sender.at(4), sender.at(11));
    const { length } = receiver.reports;
    expect(length).toBe(1);
    receiver.run(101, 200).take(205, sender.at(12)).run(210, 240);
    expect(receiver.reports.slice(length)).toMatchObject([
      {
        missing: [
          { first: 3, count: 1 },
          { first: 5, count: 6 },
        ],
      },
      {},
    ]);
    receiver.take(250, ...[3, 5, 6, 7, 8, 9].map((sequence) => sender.at(sequence))).run(250, 280);
    expect(receiver.reports.slice(length).every(({ missing }) => missing.length > 0)).toBe(true);
    receiver.take(290, sender.at(10));
    receiver.run(290, 300);
    expect(receiver.reports.at(-1)).toMatchObject({
      isConfirmed: true,
      highest: 12,
      missing: [],
      received: 9,
      lost: 0,
    });
  });

  test('is not asked for before the start is known; then all from the start on is', () => {
    const sender = new Sender().totals(undefined);
    for (let index = 0; index < 700; index++) sender.add(of(index, 0));
    sender.totals(startAt());
    const receiver = new Receiver().take(0, sender.at(601)).run(0, 100);
    expect(asked(receiver)).toEqual([]);
    expect(receiver.session).toMatchObject({ missing: 0, beforeStart: 599, lost: 0 });
    receiver.take(100, sender.at(702));
    expect(receiver.session).toMatchObject({ missing: 700, beforeStart: 0, received: 1, lost: 699 });
    receiver.run(110, 120);
    const sum = receiver.reports.flatMap(({ missing }) => missing).reduce((all, { count }) => all + count, 0);
    expect(sum).toBe(700);
  });

  test('reports never have more bytes than what came, nor follow each other within 10 ms', () => {
    const times: number[] = [];
    let [nowMs, bytes, accepted] = [0, 0, 0];
    const onReport = (datagram: Uint8Array): void => {
      times.push(nowMs);
      bytes += datagram.length;
    };
    const sender = new Sender(KEY).totals(startAt());
    for (let index = 0; index < 4000; index++) sender.add(of(index, 0));
    const receiver = new Receiver(KEY, { onReport });
    for (let sequence = 1; sequence < 4000; sequence += 2) {
      // Fewer than 32 in 10 ms: the 32nd is reported at once.
      if (sequence % 4 === 1) receiver.decoder.advance(++nowMs);
      receiver.decoder.push(sender.at(sequence), SOURCE, nowMs);
      accepted += sender.at(sequence).length;
      expect(bytes).toBeLessThanOrEqual(accepted);
    }
    for (; nowMs < 3000; nowMs++) receiver.decoder.advance(nowMs);
    expect(bytes).toBeLessThanOrEqual(accepted);
    expect(times.length).toBeGreaterThan(10);
    expect(times.slice(1).every((time, at) => time - times[at]! >= 10)).toBe(true);
  });

  test('a forged flood costs no answer and no memory', () => {
    const { sender, receiver } = withHole();
    const random = createRandom(seedOfThisRun());
    const { length } = receiver.reports;
    for (let count = 0; count < 20_000; count++) {
      const datagram = sender.at(1 + random.below(10));
      const at = random.below(datagram.length - DATAGRAM_HEADER_BYTES) + DATAGRAM_HEADER_BYTES;
      if (count % 3 === 0) datagram[23] = 6 + random.below(200);
      if (count % 5 === 0) datagram[8 + random.below(8)]! ^= 1 + random.below(255);
      datagram[at]! ^= 1 + random.below(255);
      receiver.decoder.push(datagram, SOURCE, 101);
    }
    receiver.check();
    expect(receiver.records.length, `seed ${random.seed}`).toBe(1);
    expect([receiver.reports.length, receiver.session.missing]).toEqual([length, 3]);
    expect(receiver.decoder.ledger()).toMatchObject({ unconfirmed: { sessions: 0, waitingBytes: 0 } });
    expect(receiver.session.datagrams).toBe(2);
  });
});

describe('order', () => {
  test('a record waits for the missing predecessor of its connection, others do not', () => {
    const sender = new Sender(KEY).totals(startAt()).add(of(1, 0), of(1, 1), of(2, 0), of(1, 2));
    const receiver = new Receiver(KEY).take(0, sender.at(1), sender.at(2), sender.at(4), sender.at(5));
    expect([receiver.order(1), receiver.order(2)]).toEqual([[0], [0]]);
    expect(receiver.session).toMatchObject({ waiting: 1, lost: 1 });
    receiver.take(50, sender.at(3));
    expect(receiver.order(1)).toEqual([0, 1, 2]);
    expect(receiver.session).toMatchObject({ waiting: 0, lost: 0, missing: 0 });
  });

  test('it waits no longer than the missing one can come', () => {
    const sender = new Sender(KEY).totals(startAt()).add(of(1, 0), of(1, 1));
    const receiver = new Receiver(KEY).take(0, sender.at(1), sender.at(3)).run(10, 990);
    expect(receiver.order()).toEqual([]);
    receiver.run(1000, 1000);
    expect(receiver.order()).toEqual([1]);
  });

  test('where nothing is sent again it waits 100 ms; what comes then is late', () => {
    const sender = new Sender().totals(undefined, 0).add(of(1, 0), of(1, 1));
    const receiver = new Receiver().take(0, sender.at(1), sender.at(3)).run(10, 90);
    expect(receiver.order()).toEqual([]);
    receiver.run(100, 100).take(101, sender.at(2));
    expect(receiver.order()).toEqual([1]);
    expect(receiver.session).toMatchObject({ lateRecords: 1, received: 1, lost: 1, waiting: 0 });
  });

  test('100 ms are those of each record, not only of the first one that waits', () => {
    const sender = new Sender().totals(undefined, 0).add(of(1, 0), of(1, 1), of(1, 2), of(1, 3), of(1, 4));
    const receiver = new Receiver().take(0, sender.at(1), sender.at(2), sender.at(4), sender.at(6)).run(10, 90);
    expect(receiver.order()).toEqual([0]);
    receiver.run(100, 100);
    expect(receiver.order()).toEqual([0, 2, 4]);
    expect(receiver.session).toMatchObject({ waiting: 0, received: 3, lost: 2 });
  });

  test('it waits for a large predecessor, and goes on where that is given up', () => {
    for (const isRepaired of [true, false]) {
      const sender = new Sender(KEY).totals(startAt()).add(of(1, 0, 3000), of(1, 1));
      const receiver = new Receiver(KEY).take(0, ...[1, 2, 4, 5].map((sequence) => sender.at(sequence)));
      expect(receiver.order()).toEqual([]);
      receiver.run(10, 20);
      if (isRepaired) receiver.take(30, sender.at(3));
      else receiver.run(30, 1000);
      expect(receiver.order()).toEqual(isRepaired ? [0, 1] : [1]);
      expect(receiver.session.repaired).toBe(isRepaired ? 1 : 0);
      expect(receiver.decoder.ledger().fragments).toMatchObject({
        waitingBytes: 0,
        evicted: isRepaired ? {} : { gap: 1 },
      });
    }
  });

  test('what waits is bounded: the lowest that is waited for is given up', () => {
    const limits = { maxWaitingRecords: 10 };
    const sender = new Sender(KEY).totals(startAt());
    for (let connection = 0; connection < 20; connection++) sender.add(of(connection, 0), of(connection, 1));
    const receiver = new Receiver(KEY, { limits }).take(0, sender.at(1));
    for (let sequence = 3; sequence <= 41; sequence += 2) receiver.take(1, sender.at(sequence));
    expect(receiver.session).toMatchObject({ waiting: 10, received: 10, givenUp: 10, missing: 10 });
  });

  test('a session that hoards gives up its own order, not that of another', () => {
    const sessions: string[] = [];
    const receiver = new Receiver(undefined, {
      limits: { maxWaitingRecords: 3 },
      onRecord: (_, { id }) => void sessions.push(id),
      onReport: () => undefined,
    });
    const [hoarder, other] = ['1', '2'].map((digit) => new Sender(undefined, { session: digit.repeat(16) }));
    for (let connection = 0; connection < 4; connection++) hoarder!.add(of(connection, 0), of(connection, 1));
    other!.add(of(1, 0), of(1, 1), of(1, 2));
    receiver.take(0, ...[2, 4, 6].map((sequence) => hoarder!.at(sequence)));
    receiver.take(0, other!.at(1), other!.at(3));
    expect(sessions).toEqual(['2'.repeat(16), '1'.repeat(16)]);
    receiver.take(1, other!.at(2));
    expect(sessions.slice(2)).toEqual(['2'.repeat(16), '2'.repeat(16)]);
    const { sessions: ledgers } = receiver.decoder.ledger();
    expect(ledgers.map(({ waiting }) => waiting)).toEqual([2, 0]);
  });

  test('how many connections are remembered is bounded for all sessions, and counted where they are forgotten', () => {
    const receiver = new Receiver(KEY, { limits: { maxOrderedConnections: 1000 }, onReport: () => undefined });
    const others = new Sender(KEY, { session: '1'.repeat(16) }).totals(startAt()).totals(startAt());
    others.add(of(1, 0), of(2, 0), of(2, 1));
    const sender = new Sender(KEY).totals(startAt()).totals(startAt());
    for (let connection = 0; connection < 3000; connection++) sender.add(of(connection, 0));
    receiver.take(0, others.at(1), others.at(3), others.at(4), sender.at(1));
    for (let sequence = 3; sequence <= 3002; sequence++) receiver.decoder.push(sender.at(sequence), SOURCE, 1);
    const [quiet, flood] = receiver.decoder.ledger().sessions;
    expect(quiet).toMatchObject({ received: 2, forgottenConnections: 0 });
    expect(flood?.received).toBe(3000);
    expect(flood?.forgottenConnections).toBeGreaterThanOrEqual(2000);
    expect(flood?.forgottenConnections).toBeLessThan(2300);
    receiver.check();
  });

  test('at the end of a session nothing waits', () => {
    const sender = new Sender(KEY).totals(startAt()).add(of(1, 0), of(1, 1)).totals(startAt(), 1, true);
    const receiver = new Receiver(KEY).take(0, sender.at(1), sender.at(3), sender.at(4)).run(10, 2000);
    expect(receiver.order()).toEqual([1]);
    expect(receiver.session).toMatchObject({ state: 'ended', waiting: 0, lost: 1, received: 1 });
  });

  test('random loss, reordering and repetition, with and without repair: each record once, each connection in order', () => {
    const random = createRandom(seedOfThisRun());
    for (let round = 0; round < 60; round++) {
      const isRepaired = random.chance(0.5);
      const sender = new Sender(random.chance(0.5) ? KEY : undefined).totals(startAt(), isRepaired ? 1 : 0);
      const key = sender.at(1)[6] === 0 && sender.at(1)[7] === 0 ? undefined : KEY;
      const next = [0, 0, 0, 0, 0];
      for (let count = 0; count < 300; count++) {
        const connection = random.below(5);
        const large = random.chance(0.1) ? 1200 + random.below(9000) : random.below(300);
        sender.encoder.add(of(connection, next[connection]!++, large), 0);
        if (random.chance(0.6)) sender.encoder.flush();
      }
      sender.totals(startAt(), isRepaired ? 1 : 0, true);
      const receiver = new Receiver(key);
      const timed = sender.datagrams.flatMap((_, at) => {
        const copies = random.chance(0.1) ? 0 : random.chance(0.1) ? 2 : 1;
        return Array.from({ length: copies }, () => ({ sequence: at + 1, dueMs: at / 4 + random.next() * 60 }));
      });
      timed.push({ sequence: 1, dueMs: 0 }, { sequence: sender.datagrams.length, dueMs: 150 });
      let reported = 0;
      for (let nowMs = 0; nowMs < 4000; nowMs += 5) {
        for (const each of timed.filter(({ dueMs }) => dueMs >= nowMs - 5 && dueMs < nowMs)) {
          receiver.take(nowMs, sender.at(each.sequence));
        }
        receiver.decoder.advance(nowMs);
        for (const { missing } of receiver.reports.slice(reported)) {
          for (const { first, count } of missing) {
            for (let sequence = first; sequence < first + count; sequence++) {
              if (random.chance(0.95)) timed.push({ sequence, dueMs: nowMs + 5 + random.next() * 30 });
            }
          }
        }
        reported = receiver.reports.length;
      }
      receiver.check();
      const note = `seed ${random.seed}, round ${round}`;
      for (let connection = 0; connection < 5; connection++) {
        const order = receiver.order(connection);
        expect(order, note).toEqual([...new Set(order)].sort((a, b) => a - b));
      }
      expect(receiver.session, note).toMatchObject({ state: 'ended', waiting: 0, missing: 0, sent: 300 });
      if (isRepaired) expect(receiver.session, note).toMatchObject({ lost: 0, lateRecords: 0 });
      expect(receiver.decoder.ledger().fragments.waitingBytes, note).toBe(0);
    }
  });
});

test('a thousand half-sent large records never hold more than the limit', () => {
  const limits = { maxFragmentBytes: 1_000_000 };
  const receiver = new Receiver(KEY, { limits, onReport: () => undefined });
  const sender = new Sender(KEY).totals(startAt());
  for (let index = 0; index < 1000; index++) sender.add(numbered(index, 5000));
  for (let sequence = 1; sequence <= sender.datagrams.length; sequence++) {
    if (sequence % 5 === 2) continue;
    receiver.decoder.push(sender.at(sequence), SOURCE, 0);
    if (sequence % 100 === 0) expect(receiver.decoder.ledger().fragments.waitingBytes).toBeLessThanOrEqual(1_000_000);
  }
  receiver.run(10, 1000);
  expect(receiver.decoder.ledger().fragments.waitingBytes).toBe(0);
  expect(receiver.session).toMatchObject({ received: 0, lost: 1000, missing: 0 });
});
