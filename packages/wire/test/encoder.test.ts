import { describe, expect, test } from 'vitest';
import { WireEncoder, type WireEncoderOptions } from '../src/encoder.ts';
import { encodeTotals, readTotals } from '../src/totals.ts';
import { collector, datagramsOf, numbered, record, SESSION, SOURCE } from './exchange.ts';

function encoderInto(datagrams: Uint8Array[], options: Partial<WireEncoderOptions> = {}): WireEncoder {
  return new WireEncoder({ session: SESSION, onDatagram: (each) => void datagrams.push(each), ...options });
}

describe('packing', () => {
  test('small records share a datagram, none is longer than allowed', () => {
    const datagrams = datagramsOf(Array.from({ length: 10 }, (_, index) => numbered(index, 500)));
    expect(datagrams.map(({ length }) => length)).toEqual(Array(5).fill(32 + 2 * 536));
  });

  test('a record leaves after 2 ms even where more keep coming and nobody advances the time', () => {
    const datagrams: Uint8Array[] = [];
    const encoder = encoderInto(datagrams);
    encoder.add(numbered(0, 10), 0);
    encoder.add(numbered(1, 10), 1.9);
    expect([datagrams.length, encoder.waitingSinceMs]).toEqual([0, 0]);
    encoder.add(numbered(2, 10), 2);
    expect([datagrams.length, encoder.waitingSinceMs]).toEqual([1, undefined]);
    encoder.add(numbered(3, 10), 5);
    encoder.advance(6.9);
    expect(datagrams.length).toBe(1);
    encoder.advance(7);
    expect(datagrams.length).toBe(2);
  });

  test('a record over the limit is refused and takes no number', () => {
    const datagrams: Uint8Array[] = [];
    const encoder = encoderInto(datagrams, { maxRecordBytes: 136 });
    expect(encoder.add(numbered(0, 101), 0)).toBe('too-long');
    expect(encoder.add(numbered(1, 100), 0)).toBeUndefined();
    encoder.flush();
    const { decoder } = collector();
    decoder.push(datagrams[0]!, SOURCE, 0);
    expect(decoder.ledger().sessions[0]).toMatchObject({ sent: 1, received: 1, beforeStart: 0 });
  });

  test.each([256, 576, 8972, 65_507])('datagrams of at most %i bytes', (maxDatagramBytes) => {
    const sent = [numbered(0, 3), numbered(1, 70_000), numbered(2, 200)];
    const datagrams = datagramsOf(sent, { maxDatagramBytes });
    expect(Math.max(...datagrams.map(({ length }) => length))).toBeLessThanOrEqual(maxDatagramBytes);
    const { decoder, records } = collector();
    for (const datagram of datagrams) decoder.push(datagram, SOURCE, 0);
    expect(records).toEqual(sent);
  });

  test('it says beforehand how many bytes a record takes', () => {
    const encoder = encoderInto([]);
    for (const length of [0, 1132, 1133, 5000]) {
      const bytes = datagramsOf([numbered(0, length)]).reduce((sum, each) => sum + each.length, 0);
      expect(encoder.datagramBytesFor(length)).toBe(bytes);
    }
  });
});

describe('previous sequences', () => {
  /** The field of the first record in each datagram. */
  const previous = (datagrams: Uint8Array[], at = 32): number[] => datagrams.map((each) => each[at + 31]!);

  test('name the datagram of the last byte of the record before on the same connection', () => {
    const on = (connection: number, length: number): ReturnType<typeof record> =>
      record({ connection, payload: new Uint8Array(length) });
    const datagrams = datagramsOf([on(1, 1000), on(2, 1000), on(1, 3000), on(1, 1000), on(2, 1000)]);
    expect(datagrams.length).toBe(7); // sequence 3, 4 and 5 are fragments
    expect(previous(datagrams.slice(0, 2))).toEqual([0, 0]);
    expect(previous([datagrams[2]!], 48)).toEqual([1]);
    expect(previous(datagrams.slice(5))).toEqual([5, 2]);
  });

  test('are forgotten with the connection, and for the least recently used one over the limit', () => {
    const datagrams: Uint8Array[] = [];
    const encoder = encoderInto(datagrams, { maxConnections: 2 });
    for (const connection of [1, 2, 1, 3, 2, 3]) {
      encoder.add(record({ connection }), 0);
      encoder.flush();
    }
    expect(previous(datagrams)).toEqual([0, 0, 1, 0, 0, 4]);
    expect(encoder.counters().forgottenConnections).toBe(2);
    encoder.add(record({ connection: 3, kind: 'connection-end' }), 0);
    encoder.flush();
    encoder.add(record({ connection: 3 }), 0);
    encoder.flush();
    expect(previous(datagrams).slice(6)).toEqual([6, 0]);
  });
});

describe("the sender's totals", () => {
  const base = { captured: 9, sent: 5, bytes: 77, final: false, start: undefined, resendFrom: 0 };
  const start = { receiver: '0123456789abcdef', sequence: 7, number: 2 ** 53 - 1 };

  test.each([
    { name: 'no reason, kernel drops unknown', totals: { ...base, dropped: {} } },
    { name: 'some reasons', totals: { ...base, dropped: { 'queue-full': 3, a: 2 ** 53 - 1 }, kernelDrops: 0 } },
    { name: 'a receiver and what can be sent again', totals: { ...base, dropped: {}, start, resendFrom: 4 } },
  ])('$name: come out as they went in', ({ totals }) => {
    expect(readTotals(encodeTotals(totals, 1000))).toEqual(totals);
  });

  test.each([
    { maxBytes: 60_000, names: 20 },
    { maxBytes: 172, names: 4 },
    { maxBytes: 117, names: 3 },
  ])('more reasons than fit $maxBytes bytes are added up as other, and nothing is lost', ({ maxBytes, names }) => {
    const dropped: Record<string, number> = { [`Ä${'x'.repeat(40)}`]: 1000, '?': 500 };
    for (let reason = 0; reason < 100; reason++) dropped[`reason-${reason}`] = reason;
    const payload = encodeTotals({ ...base, dropped }, maxBytes);
    const read = readTotals(payload)?.dropped ?? {};
    expect(payload.length).toBeLessThanOrEqual(Math.min(maxBytes, 1048));
    expect(Object.keys(read).length).toBe(names);
    expect(Object.values(read).reduce((sum, count) => sum + count)).toBe(1500 + 4950);
  });

  test('every shortened or lengthened payload is refused', () => {
    const payload = encodeTotals({ ...base, dropped: { 'queue-full': 3, late: 1 } }, 1000);
    for (let length = 0; length < payload.length; length++)
      expect(readTotals(payload.subarray(0, length))).toBeUndefined();
    expect(readTotals(Uint8Array.of(...payload, 0))).toBeUndefined();
  });
});

test('misuse names option, value and range', () => {
  expect(() => encoderInto([], { maxDatagramBytes: 255 })).toThrow(
    'maxDatagramBytes must be an integer from 256 to 65507, not 255',
  );
  expect(() => encoderInto([], { session: 'xyz' })).toThrow(
    'session must be 16 lower-case hexadecimal digits, not "xyz"',
  );
});
