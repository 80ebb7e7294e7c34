// Everything that goes over the wire, read by a decoder that shares no code with it, and the page's vectors.
// GOR_TEST_SEED repeats a run.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { writeReportHeader } from '../packages/wire/src/datagram.ts';
import { WireEncoder } from '../packages/wire/src/encoder.ts';
import { idHalves } from '../packages/wire/src/ids.ts';
import type { RecordKind, WireRecord } from '../packages/wire/src/record.ts';
import { type MissingRange, RANGE_BYTES, REPORT_BYTES, type Report, writeReport } from '../packages/wire/src/report.ts';
import { plaintext, recordSealing, reportSealing, wireKey } from '../packages/wire/src/sealing.ts';
import type { ReportedTotals } from '../packages/wire/src/totals.ts';
import { createRandom, type Random, seedOfThisRun } from './kit/random.ts';
import { oracleKeyId, oracleReading, oracleReport, oracleSeal, oracleSealingKey } from './kit/wire-oracle.ts';
import { wireVector, wireVectorNames, wireVectorText } from './kit/wire-vectors.ts';

const ROUNDS = 300;
const KINDS: readonly RecordKind[] = ['request', 'response', 'connection-end'];
const REASONS = ['too-long', 'queue-full', 'no-receiver', 'other', 'Not A Name!', 'x'.repeat(60), '.', '', 'a-1.b'];

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Any integer that fits into so many bits, small and largest ones often. */
function integer(random: Random, bits: number): number {
  const largest = 2 ** bits - 1;
  return random.pick([0, 1, largest, random.below(1000), Math.floor(random.next() * largest)]);
}

const id = (random: Random): string => hex(random.bytes(8)).replace(/^0{16}$/, '0'.repeat(15).concat('1'));

function randomRecord(random: Random, maxPayload: number): WireRecord {
  const kind = random.pick(KINDS);
  const length = kind === 'connection-end' ? 0 : random.below(random.chance(0.2) ? maxPayload : 600);
  return {
    kind,
    timestampUs: integer(random, 53),
    connection: random.chance(0.8) ? random.below(5) : integer(random, 53),
    index: integer(random, 32),
    payload: random.bytes(length),
  };
}

type OwnTotals = Omit<ReportedTotals, 'sent' | 'bytes'>;

function randomTotals(random: Random): OwnTotals {
  const dropped: Record<string, number> = {};
  for (let count = random.below(30); count > 0; count--) {
    dropped[random.chance(0.5) ? random.pick(REASONS) : `reason-${random.below(40)}`] = random.below(2 ** 40);
  }
  const start = { receiver: id(random), sequence: 1 + integer(random, 52), number: 1 + integer(random, 52) };
  return {
    captured: integer(random, 53),
    dropped,
    ...(random.chance(0.5) ? { kernelDrops: integer(random, 53) } : {}),
    final: random.chance(0.5),
    start: random.chance(0.5) ? start : undefined,
    resendFrom: integer(random, 53),
  };
}

interface Sent {
  readonly records: WireRecord[];
  readonly totals: ReportedTotals[];
  readonly datagrams: Uint8Array[];
}

function send(random: Random, maxDatagramBytes: number, key: Uint8Array | undefined): Sent {
  const session = id(random);
  const sent: Sent = { records: [], totals: [], datagrams: [] };
  const encoder = new WireEncoder({
    session,
    maxDatagramBytes,
    maxConnections: 1 + random.below(8),
    sealing: key === undefined ? plaintext : recordSealing(wireKey(key), session),
    onDatagram: (datagram) => void sent.datagrams.push(datagram),
  });
  for (let count = 1 + random.below(40); count > 0; count--) {
    if (random.chance(0.1)) {
      const totals = randomTotals(random);
      encoder.addTotals(totals, integer(random, 53), 0);
      const { sent: requests, bytes } = encoder.counters();
      sent.totals.push({ ...totals, sent: requests, bytes });
    } else {
      const record = randomRecord(random, Math.min(4 * maxDatagramBytes, 150_000));
      if (encoder.add(record, 0) === undefined) sent.records.push(record);
    }
    if (random.chance(0.1)) encoder.flush();
  }
  encoder.flush();
  return sent;
}

function expectSame({ records, totals, datagrams }: Sent, maxDatagramBytes: number, key: Uint8Array | undefined): void {
  const read = oracleReading(datagrams, key);
  expect(read.records.length).toBe(records.length);
  const lastSequences = new Map<number, number>();
  let number = 0;
  for (const [place, record] of records.entries()) {
    const { kind, payload, previousSequence, sequence, number: readNumber, ...rest } = read.records[place]!;
    expect({ kind: KINDS[kind - 1], ...rest }).toEqual({ ...record, kind: record.kind, payload: undefined });
    expect(Buffer.compare(payload, record.payload)).toBe(0);
    expect(readNumber).toBe(record.kind === 'request' ? ++number : undefined);
    // 0 where the sender has forgotten.
    expect([0, lastSequences.get(record.connection) ?? 0]).toContain(previousSequence);
    if (record.kind === 'connection-end') lastSequences.delete(record.connection);
    else lastSequences.set(record.connection, sequence);
  }
  for (const [place, { dropped, ...counts }] of totals.entries()) {
    const { dropped: readDropped, ...readCounts } = read.totals[place]!;
    expect(readCounts).toEqual({ kernelDrops: undefined, ...counts });
    expect(sum(readDropped)).toBe(sum(dropped));
  }
  expect(read.totals.length).toBe(totals.length);
  expect(Math.max(...datagrams.map(({ length }) => length))).toBeLessThanOrEqual(maxDatagramBytes);
}

const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((all, n) => all + n, 0);

describe('what an encoder emits reads back the same', () => {
  test.each(['in plaintext', 'sealed'])('%s', (how) => {
    const random = createRandom(seedOfThisRun());
    for (let round = 0; round < ROUNDS; round++) {
      const maxDatagramBytes = random.pick([256, 1200, 1472, 9000, 65_507, 256 + random.below(65_252)]);
      const key = how === 'sealed' ? random.bytes(32) : undefined;
      try {
        expectSame(send(random, maxDatagramBytes, key), maxDatagramBytes, key);
      } catch (error) {
        throw new Error(`GOR_TEST_SEED=${random.seed}, round ${round}`, { cause: error });
      }
    }
  });

  test('sealed by either is the same bytes', () => {
    const random = createRandom(seedOfThisRun());
    const [session, key] = [id(random), random.bytes(32)];
    for (const length of [0, 1, 15, 16, 17, 500, 70_000]) {
      const [plain, sealed]: Uint8Array[][] = [[], []];
      const record = { ...randomRecord(random, 1), kind: 'request' as const, payload: random.bytes(length) };
      // 16 bytes more, so that the cuts of large ones are the same.
      for (const [datagrams, sealing, maxDatagramBytes] of [
        [plain!, plaintext, 1200],
        [sealed!, recordSealing(wireKey(key), session), 1216],
      ] as const) {
        const onDatagram = (datagram: Uint8Array): void => void datagrams.push(datagram.slice());
        const encoder = new WireEncoder({ session, sealing, maxDatagramBytes, onDatagram });
        encoder.add(record, 0);
        encoder.flush();
      }
      expect(sealed!.map(hex), `seed ${random.seed}`).toEqual(plain!.map((each) => hex(oracleSeal(each, key))));
    }
  });
});

describe('what a receiver reports reads back the same', () => {
  function randomReport(random: Random): Report {
    const missing: MissingRange[] = [];
    let next = 1 + integer(random, 40);
    for (let ranges = random.pick([0, 1, 90, random.below(91)]); ranges > 0; ranges--) {
      const count = random.pick([1, random.below(5) + 1, 2 ** 32 - 1]);
      missing.push({ first: next, count });
      next += count + 1 + random.below(1000);
    }
    const [received, lost, backlog] = [integer(random, 53), integer(random, 53), integer(random, 32)];
    return { isConfirmed: random.chance(0.5), highest: next, received, lost, backlog, missing };
  }

  test.each(['in plaintext', 'sealed'])('%s', (how) => {
    const random = createRandom(seedOfThisRun());
    for (let round = 0; round < ROUNDS; round++) {
      const [session, receiver, report] = [id(random), id(random), randomReport(random)];
      const key = how === 'sealed' ? random.bytes(32) : undefined;
      const sealing = key === undefined ? plaintext : reportSealing(wireKey(key), session, receiver);
      const ids = [idHalves('session', session), idHalves('receiver', receiver)] as const;
      const bytes = new Uint8Array(REPORT_BYTES + RANGE_BYTES * report.missing.length + sealing.overheadBytes);
      const sequence = 1 + integer(random, 52);
      writeReportHeader(bytes, {
        keyId: sealing.keyId,
        sessionHigh: ids[0].high,
        sessionLow: ids[0].low,
        sequence,
        receiverHigh: ids[1].high,
        receiverLow: ids[1].low,
      });
      writeReport(bytes, report);
      sealing.seal(bytes);
      const { highest, missing, ...rest } = report;
      const expected = { session, sequence, receiver, ...rest, highestSequence: highest, ranges: missing };
      expect(oracleReport(bytes, key), `GOR_TEST_SEED=${random.seed}, round ${round}`).toEqual(expected);
      expect(bytes.length).toBeLessThanOrEqual(1200);
    }
  });
});

describe('the vectors', () => {
  const page = readFileSync(new URL('../docs/wire-protocol.md', import.meta.url), 'utf8');
  const quoted = new Map([...page.matchAll(/```vector (\S+)\n([^`]*)```/g)].map(([, name, text]) => [name!, text!]));

  test('the page quotes all of them, and no others', () => {
    expect([...quoted.keys()].sort()).toEqual(wireVectorNames);
  });

  test.each(wireVectorNames)('%s stands in the page as in the file', (name) => {
    expect(quoted.get(name)).toBe(wireVectorText(name));
  });

  const key = wireVector('shared-key');
  const [session, receiver] = ['00112233445566ff', 'ffeeddccbbaa9988'];

  test('keys are derived as the page says', () => {
    expect(oracleKeyId(key)).toBe(Buffer.from(wireVector('key-id')).readUInt16BE());
    expect(hex(oracleSealingKey(key, session))).toBe(hex(wireVector('records-key')));
    expect(hex(oracleSealingKey(key, session, receiver))).toBe(hex(wireVector('reports-key')));
  });

  test('a key whose id would be 0, which is plaintext, has the id 1', () => {
    const keyOfNone = new Uint8Array(32);
    keyOfNone.set([0x37, 0x52], 30);
    expect([oracleKeyId(keyOfNone), wireKey(keyOfNone).id]).toEqual([1, 1]);
  });

  test.each(['request-and-end', 'report'])('%s sealed is the sealed vector', (name) => {
    expect(hex(oracleSeal(wireVector(name), key))).toBe(hex(wireVector(`sealed-${name}`)));
  });

  test('the independent decoder reads them', () => {
    const { records } = oracleReading([wireVector('sealed-request-and-end')], key);
    expect(records).toEqual(oracleReading([wireVector('request-and-end')]).records);
    expect(records).toMatchObject([
      { kind: 1, connection: 258, previousSequence: 0, index: 0, number: 1, sequence: 1 },
      { kind: 3, connection: 258, previousSequence: 1, index: 1, number: undefined, sequence: 1 },
    ]);
    const start = { receiver, sequence: 1, number: 1 };
    const dropped = { 'too-long': 2 };
    const totals = { captured: 3, sent: 1, bytes: 18, kernelDrops: 5, final: true, start, resendFrom: 1, dropped };
    expect(oracleReading([wireVector('totals')]).totals).toEqual([totals]);
    const ranges = [
      { first: 2, count: 1 },
      { first: 5, count: 3 },
    ];
    const report = { session, receiver, sequence: 3, isConfirmed: true, highestSequence: 9, ranges };
    expect(oracleReport(wireVector('sealed-report'), key)).toMatchObject({
      ...report,
      received: 4,
      lost: 1,
      backlog: 5,
    });
    expect(oracleReport(wireVector('report'))).toEqual(oracleReport(wireVector('sealed-report'), key));
  });
});
