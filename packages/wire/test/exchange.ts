// Records and a run of encoder, link and decoder in virtual time, for the tests beside this file.

import { LossyLink, type LossyLinkOptions } from '../../../test/kit/lossy-link.ts';
import type { Random } from '../../../test/kit/random.ts';
import { WireDecoder } from '../src/decoder.ts';
import type { WireDecoderOptions } from '../src/decoder-options.ts';
import { WireEncoder, type WireEncoderOptions } from '../src/encoder.ts';
import type { RecordKind, WireRecord } from '../src/record.ts';
import type { ReportedTotals, SenderTotals } from '../src/totals.ts';

export const SESSION = '00112233445566ff';
/** The receiver's id. */
export const RECEIVER = 'ffeeddccbbaa9988';
export const SOURCE = { address: '127.0.0.1', port: 9 };

/** A record with defaults where the case does not care. */
export function record(over: Partial<WireRecord> = {}): WireRecord {
  const payload = new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n');
  return { kind: 'request', timestampUs: 1_700_000_000_000_001, connection: 1, index: 0, payload, ...over };
}

/** A request whose payload says which it is. */
export function numbered(index: number, length = 500, kind: RecordKind = 'request'): WireRecord {
  const payload = new Uint8Array(length).fill(index & 255);
  payload.set([index >>> 24, index >>> 16, index >>> 8, index].slice(0, length));
  return record({ kind, connection: index % 7, index, payload });
}

/** Totals of a sender that knows no receiver and sends nothing again. */
export function senderTotals(counts: SenderTotals, final = false): Omit<ReportedTotals, 'sent' | 'bytes'> {
  return { ...counts, final, start: undefined, resendFrom: 0 };
}

/** All datagrams that the records make. */
export function datagramsOf(records: readonly WireRecord[], options: Partial<WireEncoderOptions> = {}): Uint8Array[] {
  const datagrams: Uint8Array[] = [];
  const encoder = new WireEncoder({
    session: SESSION,
    onDatagram: (datagram) => void datagrams.push(datagram),
    ...options,
  });
  for (const each of records) encoder.add(each, 0);
  encoder.flush();
  return datagrams;
}

/** A decoder that keeps copies of what it delivers. */
export function collector(options: Partial<WireDecoderOptions> = {}): { decoder: WireDecoder; records: WireRecord[] } {
  const records: WireRecord[] = [];
  const decoder = new WireDecoder({
    receiver: RECEIVER,
    onRecord: (each) => void records.push({ ...each, payload: each.payload.slice() }),
    ...options,
  });
  return { decoder, records };
}

export interface Exchange {
  readonly sent: WireRecord[];
  readonly received: WireRecord[];
  readonly decoder: WireDecoder;
  readonly encoder: WireEncoder;
  readonly link: LossyLink;
}

/** Sends requests of 0 B to 6 KB through a link, two a millisecond, and the final totals `totalsCopies` times. */
export function exchange(
  random: Random,
  requests: number,
  linkOptions: Omit<LossyLinkOptions, 'random' | 'onDeliver'>,
  totalsCopies = 3,
): Exchange {
  const { decoder, records: received } = collector();
  const link = new LossyLink({ random, ...linkOptions, onDeliver: (bytes, at) => decoder.push(bytes, SOURCE, at) });
  let nowMs = 0;
  const encoder = new WireEncoder({ session: SESSION, onDatagram: (datagram) => link.send(datagram, nowMs) });
  const counts = { captured: requests, dropped: {} };
  encoder.addTotals(senderTotals(counts), 0, nowMs);
  const sent: WireRecord[] = [];
  for (let index = 0; index < requests; index++) {
    const isLarge = random.chance(0.05);
    sent.push(numbered(index, isLarge ? 1200 + random.below(5000) : 4 + random.below(600)));
    encoder.add(sent[index]!, nowMs);
    // Of a connection of its own: what has ended is never used again.
    const end = { kind: 'connection-end', connection: 1000 + index, payload: new Uint8Array(0) } as const;
    if (random.chance(0.1)) encoder.add(record(end), nowMs);
    if (index % 2 === 1) nowMs++;
    encoder.advance(nowMs);
    link.advance(nowMs);
    decoder.advance(nowMs);
  }
  encoder.flush();
  for (let copy = 0; copy < totalsCopies; copy++) {
    nowMs += 20;
    encoder.addTotals(senderTotals(counts, true), 0, nowMs);
  }
  for (const endMs = nowMs + 3000; nowMs < endMs; nowMs += 10) {
    link.advance(nowMs);
    decoder.advance(nowMs);
  }
  return { sent, received, decoder, encoder, link };
}
