// The vectors of docs/wire-protocol.md: encoder, sealing and reports produce them, and read them.
import { expect, test } from 'vitest';
import { latin1 } from '../../../test/kit/every-split.ts';
import { wireVector } from '../../../test/kit/wire-vectors.ts';
import { readReportHeader, writeReportHeader } from '../src/datagram.ts';
import { WireEncoder, type WireEncoderOptions } from '../src/encoder.ts';
import { idHalves } from '../src/ids.ts';
import { encodeRecord } from '../src/record.ts';
import { RANGE_BYTES, REPORT_BYTES, type Report, readReport, writeReport } from '../src/report.ts';
import { plaintext, recordSealing, reportSealing, wireKey } from '../src/sealing.ts';
import { collector, record, SESSION, SOURCE } from './exchange.ts';

function encoded(run: (encoder: WireEncoder) => void, options: Partial<WireEncoderOptions> = {}): Uint8Array[] {
  const datagrams: Uint8Array[] = [];
  const encoder = new WireEncoder({ session: SESSION, onDatagram: (each) => void datagrams.push(each), ...options });
  run(encoder);
  encoder.flush();
  return datagrams;
}

const RECEIVER = 'ffeeddccbbaa9988';
const key = wireKey(wireVector('shared-key'));

const request = record({ connection: 258, payload: latin1('GET / HTTP/1.1\r\n\r\n') });
const end = record({
  kind: 'connection-end',
  timestampUs: request.timestampUs + 1,
  connection: 258,
  index: 1,
  payload: new Uint8Array(0),
});

test('a request and the end of its connection', () => {
  const datagram = wireVector('request-and-end');
  const made = encoded((encoder) => {
    encoder.add(request, 0);
    encoder.add(end, 0);
  });
  expect(made).toEqual([datagram]);
  const { decoder, records } = collector();
  decoder.push(datagram, SOURCE, 0);
  expect(records).toEqual([request, end]);
});

test('a record by itself is the same bytes, and knows no datagram', () => {
  expect(encodeRecord(request)).toEqual(wireVector('request-and-end').slice(32, 32 + 36 + 18));
  expect(encodeRecord(end, 1)).toEqual(wireVector('request-and-end').slice(32 + 36 + 18));
});

test("the sender's totals", () => {
  const datagram = wireVector('totals');
  const counts = { captured: 3, dropped: { 'too-long': 2 }, kernelDrops: 5 };
  const start = { receiver: 'ffeeddccbbaa9988', sequence: 1, number: 1 };
  const made = encoded((encoder) => {
    encoder.add(request, 0);
    encoder.flush();
    encoder.addTotals({ ...counts, final: true, start, resendFrom: 1 }, request.timestampUs + 2, 0);
  });
  expect(made[1]).toEqual(datagram);
  const { decoder } = collector();
  decoder.push(datagram, SOURCE, 0);
  const totals = { ...counts, sent: 1, bytes: 18, final: true, start, resendFrom: 1 };
  expect(decoder.ledger().sessions[0]).toMatchObject({ sent: 1, beforeStart: 0, lost: 1, totals });
});

test('a fragment', () => {
  const large = { ...request, payload: new Uint8Array(216).fill(0x61) };
  const made = encoded((encoder) => void encoder.add(large, 0), { maxDatagramBytes: 256 });
  expect(made[1]).toEqual(wireVector('second-fragment'));
  const { decoder, records } = collector();
  decoder.push(wireVector('second-fragment'), SOURCE, 0);
  decoder.push(made[0]!, SOURCE, 0);
  expect(records).toEqual([large]);
});

test('a key has its id', () => {
  expect(wireVector('key-id')).toEqual(Uint8Array.of(key.id >> 8, key.id & 255));
});

test('a request and the end of its connection, sealed', () => {
  const sealing = recordSealing(key, SESSION);
  const made = encoded(
    (encoder) => {
      encoder.add(request, 0);
      encoder.add(end, 0);
    },
    { sealing },
  );
  expect(made).toEqual([wireVector('sealed-request-and-end')]);
  const opened = sealing.open(wireVector('sealed-request-and-end'));
  expect(opened?.subarray(8)).toEqual(wireVector('request-and-end').subarray(8));
});

test('a report, in plaintext and sealed', () => {
  const missing = [
    { first: 2, count: 1 },
    { first: 5, count: 3 },
  ];
  const report: Report = { isConfirmed: true, highest: 9, received: 4, lost: 1, backlog: 5, missing };
  const { high: sessionHigh, low: sessionLow } = idHalves('session', SESSION);
  const { high: receiverHigh, low: receiverLow } = idHalves('receiver', RECEIVER);
  for (const [name, sealing] of [
    ['report', plaintext],
    ['sealed-report', reportSealing(key, SESSION, RECEIVER)],
  ] as const) {
    const header = { keyId: sealing.keyId, sessionHigh, sessionLow, sequence: 3, receiverHigh, receiverLow };
    const datagram = new Uint8Array(REPORT_BYTES + missing.length * RANGE_BYTES + sealing.overheadBytes);
    writeReportHeader(datagram, header);
    writeReport(datagram, report);
    sealing.seal(datagram);
    expect(datagram).toEqual(wireVector(name));
    expect(readReportHeader(wireVector(name))).toEqual(header);
    expect(readReport(sealing.open(wireVector(name))!)).toEqual(report);
  }
});
