import { describe, expect, test } from 'vitest';
import { type Fragment, readFragment } from '../src/datagram.ts';
import { type FragmentLimits, FragmentTable } from '../src/fragment-table.ts';
import { datagramsOf, numbered } from './exchange.ts';

const limits: FragmentLimits = {
  maxFragmentBytes: 1_000_000,
  maxFragmentedRecords: 100,
  maxFragmentedRecordsOfSession: 50,
  fragmentIdleMs: 2000,
};

const fragments = datagramsOf([numbered(1, 40_000)]).map((datagram, index) => readFragment(datagram, index + 1)!);
const first = (): Fragment => fragments[0]!;

describe('what is let go, and why', () => {
  test('the record whose last progress is the longest ago, over the limit of bytes', () => {
    const table = new FragmentTable({ ...limits, maxFragmentBytes: 40_000 });
    table.add('a', first(), 1, 1, 0);
    table.add('a', first(), 1001, 2, 1);
    table.add('a', fragments[1]!, 2, 1, 2); // progress of the first one
    table.add('a', first(), 2001, 3, 3);
    expect(table.counters()).toMatchObject({ waitingRecords: 2, evicted: { bytes: 1 } });
    expect(table.agrees('a', { ...first(), recordBytes: 9 }, 1, 1)).toBe(false); // still known
    expect(table.agrees('a', { ...first(), recordBytes: 9 }, 1001, 1)).toBe(true); // gone
  });

  test('over the limit of records, and of one session', () => {
    const table = new FragmentTable({ ...limits, maxFragmentedRecords: 3, maxFragmentedRecordsOfSession: 2 });
    for (const sequence of [1, 1001, 2001]) table.add('a', first(), sequence, 1, sequence);
    for (const sequence of [1, 1001]) table.add('b', first(), sequence, 1, 5000 + sequence);
    expect(table.counters()).toMatchObject({ waitingRecords: 3, evicted: { 'session-records': 1, records: 1 } });
  });

  test('without progress for 2 s, and with the session', () => {
    const table = new FragmentTable(limits);
    table.add('a', first(), 1, 1, 0);
    table.add('a', first(), 1001, 1, 1500);
    table.add('b', first(), 1, 1, 1500);
    table.advance(1999);
    expect(table.counters().evicted).toEqual({});
    table.advance(2000);
    expect(table.counters().evicted).toEqual({ idle: 1 });
    table.endSession('b');
    expect(table.counters()).toMatchObject({ waitingRecords: 1, evicted: { idle: 1, 'session-ended': 1 } });
    table.endSession('a');
    expect(table.counters()).toMatchObject({ waitingRecords: 0, waitingBytes: 0 });
  });

  test('a record larger than the whole table never becomes whole', () => {
    const table = new FragmentTable({ ...limits, maxFragmentBytes: 20_000 });
    for (const [index, fragment] of fragments.entries()) {
      expect(table.add('a', fragment, index + 1, 1, 0)).toBeUndefined();
      expect(table.counters().waitingBytes).toBeLessThanOrEqual(20_000);
    }
    expect(table.counters()).toMatchObject({ joined: 0, evicted: { bytes: 2 } });
  });
});

test('a thousand half-sent records never hold more than the limit', () => {
  const table = new FragmentTable({ ...limits, maxFragmentedRecords: 2000, maxFragmentedRecordsOfSession: 2000 });
  for (let record = 0; record < 1000; record++) {
    for (let index = 0; index < 20; index++)
      table.add('a', fragments[index]!, record * 1000 + index + 1, record + 1, record);
    expect(table.counters().waitingBytes).toBeLessThanOrEqual(limits.maxFragmentBytes);
  }
  const { waitingRecords, evicted } = table.counters();
  expect(waitingRecords + (evicted.bytes ?? 0)).toBe(1000);
});

test('the bytes of a declared length are not allocated', () => {
  const table = new FragmentTable(limits);
  table.add('a', { ...first(), recordBytes: 2 ** 31 }, 1, 1, 0);
  expect(table.counters().waitingBytes).toBeLessThan(20_000);
});
