// The vectors of docs/wire-protocol.md, read out of the page itself, so that page and code cannot part.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { latin1 } from '../../../test/kit/every-split.ts';
import { WireEncoder, type WireEncoderOptions } from '../src/encoder.ts';
import { encodeRecord } from '../src/record.ts';
import { collector, record, SESSION, SOURCE } from './exchange.ts';

const page = readFileSync(new URL('../../../docs/wire-protocol.md', import.meta.url), 'utf8');

function vector(name: string): Uint8Array {
  const block = page.match(new RegExp(`\`\`\`vector ${name}\n([^\`]*)\`\`\``))?.[1] ?? '';
  return Uint8Array.from(Buffer.from(block.replace(/#.*/g, '').replace(/\s/g, ''), 'hex'));
}

function encoded(run: (encoder: WireEncoder) => void, options: Partial<WireEncoderOptions> = {}): Uint8Array[] {
  const datagrams: Uint8Array[] = [];
  const encoder = new WireEncoder({ session: SESSION, onDatagram: (each) => void datagrams.push(each), ...options });
  run(encoder);
  encoder.flush();
  return datagrams;
}

const request = record({ connection: 258, payload: latin1('GET / HTTP/1.1\r\n\r\n') });
const end = record({
  kind: 'connection-end',
  timestampUs: request.timestampUs + 1,
  connection: 258,
  index: 1,
  payload: new Uint8Array(0),
});

test('a request and the end of its connection', () => {
  const datagram = vector('request-and-end');
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
  expect(encodeRecord(request)).toEqual(vector('request-and-end').slice(32, 32 + 36 + 18));
  expect(encodeRecord(end, 1)).toEqual(vector('request-and-end').slice(32 + 36 + 18));
});

test("the sender's totals", () => {
  const datagram = vector('totals');
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
  expect(made[1]).toEqual(vector('second-fragment'));
  const { decoder, records } = collector();
  decoder.push(vector('second-fragment'), SOURCE, 0);
  decoder.push(made[0]!, SOURCE, 0);
  expect(records).toEqual([large]);
});
