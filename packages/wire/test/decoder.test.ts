import { describe, expect, test } from 'vitest';
import { corrupted } from '../../../test/kit/lossy-link.ts';
import { createRandom, seedOfThisRun } from '../../../test/kit/random.ts';
import { WireEncoder } from '../src/encoder.ts';
import type { WireRecord } from '../src/record.ts';
import { collector, datagramsOf, exchange, numbered, record, SESSION, SOURCE, senderTotals } from './exchange.ts';

const first = (records: readonly WireRecord[]): Uint8Array => datagramsOf(records)[0]!;

/** As toEqual, which takes long for many bytes. */
function isSame(a: WireRecord, b: WireRecord): boolean {
  const isSameHead = a.kind === b.kind && a.timestampUs === b.timestampUs && a.connection === b.connection;
  return isSameHead && a.index === b.index && Buffer.compare(a.payload, b.payload) === 0;
}

/** The datagram of the totals after so many requests. */
function totalsAfter(requests: number): Uint8Array {
  const datagrams: Uint8Array[] = [];
  const encoder = new WireEncoder({ session: SESSION, onDatagram: (datagram) => void datagrams.push(datagram) });
  for (let index = 0; index < requests; index++) encoder.add(numbered(index, 1000), 0);
  encoder.flush();
  encoder.addTotals(senderTotals({ captured: requests, dropped: {} }), 0, 0);
  return datagrams.at(-1)!;
}

/** A copy with some bytes replaced. */
function patched(datagram: Uint8Array, at: number, ...bytes: number[]): Uint8Array {
  const copy = datagram.slice();
  copy.set(bytes, at);
  return copy;
}

describe('what is sent arrives', () => {
  const sizes = [0, 1, 500, 1131, 1132, 1133, 1152, 2268, 70_000];
  test.each(sizes)('a request of %i bytes, between two small ones', (length) => {
    const sent = [numbered(0, 20), numbered(1, length), numbered(2, 20)];
    const { decoder, records } = collector();
    for (const datagram of datagramsOf(sent)) decoder.push(datagram, SOURCE, 0);
    expect(records).toEqual(sent);
    expect(decoder.ledger().sessions[0]).toMatchObject({ sent: 3, received: 3, lost: 0, beforeStart: 0 });
  });

  test('a large record in any order of its fragments', () => {
    const random = createRandom(seedOfThisRun());
    const { decoder, records } = collector();
    for (const datagram of random.shuffle(datagramsOf([numbered(5, 50_000)]))) decoder.push(datagram, SOURCE, 0);
    expect(records, `seed ${random.seed}`).toEqual([numbered(5, 50_000)]);
  });

  test('responses and connection ends are delivered, but are no requests of the balance', () => {
    const sent = [record({ kind: 'response' }), record({ kind: 'connection-end', payload: new Uint8Array(0) })];
    const { decoder, records } = collector();
    for (const datagram of datagramsOf(sent)) decoder.push(datagram, SOURCE, 0);
    expect(records).toEqual(sent);
    expect(decoder.ledger().sessions[0]).toMatchObject({ sent: 0, received: 0, responses: 1, connectionEnds: 1 });
  });
});

describe('the balance holds on every link', () => {
  const rows: { link: string; options: { loss?: number; duplicate?: number; reorder?: number; reorderMs?: number } }[] =
    [
      { link: 'perfect', options: {} },
      { link: '1% loss', options: { loss: 0.01 } },
      { link: '10% loss', options: { loss: 0.1 } },
      { link: '30% loss', options: { loss: 0.3 } },
      { link: 'duplicates', options: { duplicate: 0.3 } },
      { link: 'reordering by 150 datagrams', options: { reorder: 0.5, reorderMs: 90 } },
      {
        link: 'reordering by 500 datagrams: too late for the order, where nothing is sent again',
        options: { reorder: 0.5, reorderMs: 300 },
      },
      { link: 'all of it', options: { loss: 0.1, duplicate: 0.1, reorder: 0.3, reorderMs: 50 } },
    ];
  test.each(rows)('$link: sent = received + lost, to the record', ({ options }) => {
    const random = createRandom(seedOfThisRun());
    const { sent, received, decoder, encoder, link } = exchange(random, 3000, options, 30);
    const session = decoder.ledger().sessions[0]!;
    const requests = received.filter(({ kind }) => kind === 'request');
    const note = `seed ${random.seed}`;
    expect(session.sent, note).toBe(encoder.counters().sent);
    expect(session.sent - session.beforeStart, note).toBe(session.received + session.lost);
    expect([session.waiting, session.missing], note).toEqual([0, 0]);
    expect(session.received, note).toBe(requests.length);
    expect(new Set(requests.map(({ index }) => index)).size, note).toBe(requests.length);
    expect(
      requests.filter((each) => !isSame(each, sent[each.index]!)),
      note,
    ).toEqual([]);
    expect(session.datagrams + session.duplicates, note).toBe(link.counts.delivered);
    if (link.counts.lost > 0) expect(session.lost, note).toBeGreaterThan(0);
    else expect(session.lost, note).toBeLessThanOrEqual(session.lateRecords);
    if ((options.reorderMs ?? 0) < 100) expect(session.lateRecords, note).toBe(0);
  });

  test('corruption: every session balances and what is lost is never negative', () => {
    const random = createRandom(seedOfThisRun());
    const { decoder } = exchange(random, 3000, { corrupt: 0.2, loss: 0.05 });
    const { sessions, earlier } = decoder.ledger();
    for (const session of [...sessions, earlier]) {
      expect(session.sent, `seed ${random.seed}`).toBe(
        session.received + session.waiting + session.lost + session.beforeStart,
      );
      expect(session.lost, `seed ${random.seed}`).toBeGreaterThanOrEqual(0);
    }
  });
});

describe('what cannot be used is counted by reason and leaves no trace', () => {
  const good = first([record()]);
  const large = datagramsOf([numbered(1, 5000)])[1]!;
  const totals = totalsAfter(0);
  const rows = [
    { reason: 'too-short', datagram: good.subarray(0, 31) },
    { reason: 'too-short', datagram: new Uint8Array(0) },
    { reason: 'wrong-magic', datagram: patched(good, 0, 0x48) },
    { reason: 'unknown-version', datagram: patched(good, 3, 2) },
    { reason: 'unknown-flag', datagram: patched(good, 4, 4) },
    { reason: 'unknown-flag', datagram: patched(good, 4, 3) },
    { reason: 'wrong-way', datagram: patched(good, 4, 2) },
    { reason: 'unknown-flag', datagram: patched(good, 5, 1) },
    { reason: 'sealed', datagram: patched(good, 6, 0, 7) },
    { reason: 'bad-number', datagram: patched(good, 16, 0, 0x20) },
    { reason: 'bad-number', datagram: patched(good, 23, 0) },
    { reason: 'bad-number', datagram: patched(good, 31, 0) },
    { reason: 'empty', datagram: good.subarray(0, 32) },
    { reason: 'cut-record', datagram: good.subarray(0, good.length - 1) },
    { reason: 'cut-record', datagram: good.subarray(0, 60) },
    { reason: 'cut-record', datagram: patched(good, 36, 0xff) },
    { reason: 'bad-record', datagram: patched(good, 33, 1) },
    { reason: 'bad-record', datagram: patched(good, 40, 0xff) },
    { reason: 'bad-totals', datagram: patched(good, 32, 4) },
    { reason: 'bad-totals', datagram: patched(totals, 32 + 36 + 19, 1) },
    { reason: 'bad-fragment', datagram: large.subarray(0, 48) },
    { reason: 'bad-fragment', datagram: patched(large, 40, 0, 0, 0, 0) },
    { reason: 'bad-fragment', datagram: patched(large, 40, 0, 0, 0, 9) },
    { reason: 'bad-fragment', datagram: patched(large, 44, 9) },
    { reason: 'bad-fragment', datagram: large.subarray(0, 100) },
    { reason: 'too-long', datagram: patched(large, 32, 0x7f) },
  ];
  test.each(rows)('$reason', ({ reason, datagram }) => {
    const { decoder, records } = collector();
    decoder.push(datagram, SOURCE, 0);
    const ledger = decoder.ledger();
    expect(ledger.rejectedDatagrams).toEqual({ [reason]: 1 });
    expect([ledger.sessions.length, records.length, ledger.fragments.waitingBytes]).toEqual([0, 0, 0]);
  });

  test('nothing of a datagram is delivered where its last record is broken', () => {
    const { decoder, records } = collector();
    const datagram = first([record(), record()]);
    decoder.push(patched(datagram, 32 + 36 + 18 + 1, 1), SOURCE, 0);
    expect(records).toEqual([]);
    expect(decoder.ledger().rejectedDatagrams).toEqual({ 'bad-record': 1 });
  });

  test('a record of an unknown kind is skipped and counted, its neighbours are delivered', () => {
    const { decoder, records } = collector();
    decoder.push(
      patched(first([record(), record({ kind: 'response' }), record({ index: 2 })]), 32 + 36 + 18, 99),
      SOURCE,
      0,
    );
    expect(records.map(({ index }) => index)).toEqual([0, 2]);
    expect(decoder.ledger().sessions[0]).toMatchObject({ received: 2, unknownRecords: 1 });
  });

  test('a fragment that contradicts an earlier one is refused, and the record still becomes whole', () => {
    const { decoder, records } = collector();
    const [head, ...rest] = datagramsOf([numbered(1, 5000)]);
    decoder.push(head!, SOURCE, 0);
    decoder.push(patched(rest[0]!, 34, 0x22), SOURCE, 0);
    for (const datagram of rest) decoder.push(datagram, SOURCE, 0);
    expect(decoder.ledger().sessions[0]).toMatchObject({
      rejectedDatagrams: { 'fragment-contradiction': 1 },
      received: 1,
    });
    expect(records).toEqual([numbered(1, 5000)]);
  });

  test('a sender that gives a number twice does not make the loss negative', () => {
    const { decoder } = collector();
    const datagram = first([record()]);
    decoder.push(datagram, SOURCE, 0);
    decoder.push(patched(datagram, 23, 2), SOURCE, 0);
    expect(decoder.ledger().sessions[0]).toMatchObject({ sent: 2, received: 2, lost: 0, beforeStart: 0 });
  });

  test('a sequence or number that cannot follow is implausible and moves nothing', () => {
    const { decoder } = collector();
    const datagram = first([record()]);
    decoder.push(datagram, SOURCE, 0);
    decoder.push(patched(datagram, 19, 1), SOURCE, 0); // sequence 2^32 + 1
    decoder.push(patched(patched(datagram, 23, 2), 28, 1), SOURCE, 0); // number 2^24 + 1 in the next datagram
    expect(decoder.ledger().sessions[0]).toMatchObject({ sent: 1, rejectedDatagrams: { implausible: 2 } });
  });
});

describe('sessions', () => {
  test('a receiver that joins late takes that point as its start, and a straggler moves it back', () => {
    const datagrams = [0, 1, 2, 3]
      .flatMap((index) => numbered(index, 1000))
      .reduce<Uint8Array[]>(
        (all, each) => all.concat(datagramsOf([...Array(each.index).fill(numbered(6, 1000)), each]).slice(-1)),
        [],
      );
    const { decoder } = collector();
    decoder.push(datagrams[2]!, SOURCE, 0);
    expect(decoder.ledger().sessions[0]).toMatchObject({ sent: 3, received: 1, lost: 0, beforeStart: 2 });
    decoder.push(datagrams[0]!, SOURCE, 0);
    expect(decoder.ledger().sessions[0]).toMatchObject({ sent: 3, received: 2, lost: 1, beforeStart: 0 });
    decoder.push(datagrams[1]!, SOURCE, 0);
    expect(decoder.ledger().sessions[0]).toMatchObject({ sent: 3, received: 3, lost: 0, beforeStart: 0 });
  });

  test('loss at the very end is known from the totals', () => {
    const { decoder, records } = collector();
    const datagrams: Uint8Array[] = [];
    const encoder = new WireEncoder({ session: SESSION, onDatagram: (datagram) => void datagrams.push(datagram) });
    for (let index = 0; index < 5; index++) encoder.add(numbered(index, 1000), 0);
    encoder.flush();
    encoder.addTotals(senderTotals({ captured: 7, dropped: { 'queue-full': 2 }, kernelDrops: 3 }, true), 0, 0);
    decoder.push(datagrams[0]!, SOURCE, 0);
    decoder.push(datagrams[5]!, SOURCE, 0);
    const totals = { captured: 7, dropped: { 'queue-full': 2 }, kernelDrops: 3, sent: 5, bytes: 5000, final: true };
    expect(decoder.ledger().sessions[0]).toMatchObject({ sent: 5, received: 1, lost: 4, totals, state: 'closing' });
    expect(records.length).toBe(1);
  });

  test('final totals end a session after a grace for stragglers; then nothing is taken', () => {
    const told: string[] = [];
    const { decoder } = collector({
      onSessionStart: ({ id }) => told.push(`start ${id}`),
      onSessionEnd: ({ id }, reason) => told.push(`end ${id} ${reason}`),
    });
    const datagrams: Uint8Array[] = [];
    const encoder = new WireEncoder({ session: SESSION, onDatagram: (datagram) => void datagrams.push(datagram) });
    for (let index = 0; index < 2; index++) encoder.add(numbered(index, 1000), 0);
    encoder.flush();
    encoder.addTotals(senderTotals({ captured: 2, dropped: {} }, true), 0, 0);
    decoder.push(datagrams[2]!, SOURCE, 0);
    decoder.push(datagrams[0]!, SOURCE, 0);
    decoder.advance(999);
    expect(told).toEqual([`start ${SESSION}`]);
    decoder.advance(1000);
    decoder.push(datagrams[1]!, SOURCE, 1000);
    expect(told).toEqual([`start ${SESSION}`, `end ${SESSION} final`]);
    expect(decoder.ledger().sessions[0]).toMatchObject({
      state: 'ended',
      received: 1,
      lost: 1,
      rejectedDatagrams: { 'after-end': 1 },
    });
  });

  test('a silent session ends, and goes on where something comes after all', () => {
    const told: string[] = [];
    const { decoder } = collector({
      onSessionStart: () => told.push('start'),
      onSessionEnd: (_, reason) => told.push(reason),
    });
    const datagrams = datagramsOf([numbered(0, 1000), numbered(1, 1000)]);
    decoder.push(datagrams[0]!, SOURCE, 0);
    decoder.advance(60_000);
    decoder.push(datagrams[1]!, SOURCE, 90_000);
    expect(told).toEqual(['start', 'silence', 'start']);
    expect(decoder.ledger().sessions[0]).toMatchObject({ state: 'live', sent: 2, received: 2, lost: 0 });
  });

  test('a sender that restarts, or two behind one address, are two sessions', () => {
    const { decoder } = collector();
    decoder.push(first([record()]), SOURCE, 0);
    decoder.push(datagramsOf([record()], { session: 'ffeeddccbbaa9988' })[0]!, SOURCE, 0);
    decoder.push(datagramsOf([record(), record()])[0]!, SOURCE, 0); // the first session's sequence 1 again
    expect(decoder.ledger().sessions).toMatchObject([
      { id: SESSION, received: 1, duplicates: 1 },
      { id: 'ffeeddccbbaa9988', received: 1, duplicates: 0 },
    ]);
  });

  test('sessions are bounded: the longest silent makes room, and its counts stay in a sum', () => {
    const ended: string[] = [];
    const { decoder } = collector({ limits: { maxSessions: 2 }, onSessionEnd: ({ id }) => ended.push(id) });
    for (const [nowMs, digit] of ['1', '2', '3'].entries()) {
      decoder.push(datagramsOf([record()], { session: digit.repeat(16) })[0]!, SOURCE, nowMs);
    }
    expect(ended).toEqual(['1'.repeat(16)]);
    expect(decoder.ledger().sessions.map(({ id }) => id)).toEqual(['2'.repeat(16), '3'.repeat(16)]);
    expect(decoder.ledger().earlier).toMatchObject({ sessions: 1, sent: 1, received: 1, lost: 0, beforeStart: 0 });
  });

  test('a handler that throws loses the rest of its datagram, and the balance says so', () => {
    const { decoder } = collector({
      onRecord: () => {
        throw new Error('mine');
      },
    });
    expect(() => decoder.push(first([record(), record()]), SOURCE, 0)).toThrow('mine');
    expect(decoder.ledger().sessions[0]).toMatchObject({ sent: 2, received: 1, lost: 1 });
  });
});

test('50,000 mutated datagrams: nothing throws, memory stays bounded, every session balances', () => {
  const random = createRandom(seedOfThisRun());
  const limits = { maxFragmentBytes: 100_000, maxSessions: 16 };
  let largestHeld = 0;
  const { decoder } = collector({ limits, onRecord: () => undefined });
  const originals = [
    ...datagramsOf([numbered(0, 10), numbered(1, 300), numbered(2, 9000), record({ kind: 'response' })]),
    ...datagramsOf([numbered(3, 40_000)], { session: '0123456789abcdef' }),
  ];
  for (let count = 0; count < 50_000; count++) {
    decoder.push(corrupted(random.pick(originals), random), SOURCE, count / 10);
    if (count % 1000 === 0) decoder.advance(count / 10);
    largestHeld = Math.max(largestHeld, count % 100 === 0 ? decoder.ledger().fragments.waitingBytes : 0);
  }
  const { sessions, earlier } = decoder.ledger();
  expect(largestHeld, `seed ${random.seed}`).toBeLessThanOrEqual(limits.maxFragmentBytes);
  expect(sessions.length).toBeLessThanOrEqual(16);
  for (const each of [...sessions, earlier]) {
    expect(each.sent, `seed ${random.seed}`).toBe(each.received + each.waiting + each.lost + each.beforeStart);
    expect(each.lost, `seed ${random.seed}`).toBeGreaterThanOrEqual(0);
  }
});
