// A sender's datagrams by their sequences, and a decoder with what came out of it, for the tests of the receiving side.
import { expect } from 'vitest';
import { readReportHeader } from '../src/datagram.ts';
import { WireDecoder } from '../src/decoder.ts';
import type { WireDecoderOptions } from '../src/decoder-options.ts';
import { WireEncoder, type WireEncoderOptions } from '../src/encoder.ts';
import type { WireRecord } from '../src/record.ts';
import { type Report, readReport } from '../src/report.ts';
import { recordSealing, reportSealing, type WireKey, wireKey } from '../src/sealing.ts';
import type { SessionLedger } from '../src/session-ledger.ts';
import type { SessionStart } from '../src/totals.ts';
import { RECEIVER, record, SESSION, SOURCE } from './exchange.ts';

export const OTHER_RECEIVER = '1122334455667788';
export const KEY = wireKey(new Uint8Array(32).fill(7));
export const OTHER_KEY = wireKey(new Uint8Array(32).fill(8));

/** A sender's datagrams by their sequences, one record each, and totals where they are put. */
export class Sender {
  readonly datagrams: Uint8Array[] = [];
  readonly encoder: WireEncoder;

  constructor(key?: WireKey, options: Partial<WireEncoderOptions> = {}) {
    const session = options.session ?? SESSION;
    this.encoder = new WireEncoder({
      session,
      ...(key === undefined ? {} : { sealing: recordSealing(key, session) }),
      onDatagram: (datagram) => void this.datagrams.push(datagram),
      ...options,
    });
  }

  /** Adds records, a datagram each (large ones several). */
  add(...records: WireRecord[]): this {
    for (const each of records) {
      this.encoder.add(each, 0);
      this.encoder.flush();
    }
    return this;
  }

  totals(start: SessionStart | undefined, resendFrom = 1, final = false): this {
    this.encoder.addTotals({ captured: 0, dropped: {}, final, start, resendFrom }, 0, 0);
    return this;
  }

  /** A copy: a receiver opens datagrams in place. */
  at(sequence: number): Uint8Array {
    return this.datagrams[sequence - 1]!.slice();
  }
}

export const startAt = (sequence = 1, number = 1, receiver = RECEIVER): SessionStart => ({
  receiver,
  sequence,
  number,
});
/** The request of a place on a connection. */
export const of = (connection: number, index: number, length = 20): WireRecord =>
  record({ connection, index, payload: new Uint8Array(length).fill(index) });

export class Receiver {
  readonly records: WireRecord[] = [];
  readonly reports: (Report & { sequence: number; bytes: number })[] = [];
  readonly unopened: unknown[] = [];
  readonly decoder: WireDecoder;
  acceptedBytes = 0;

  constructor(key?: WireKey, options: Partial<WireDecoderOptions> = {}) {
    const receiver = options.receiver ?? RECEIVER;
    this.decoder = new WireDecoder({
      receiver,
      keys: key === undefined ? [] : [key],
      onRecord: (each) => void this.records.push({ ...each, payload: each.payload.slice() }),
      onUnopened: (news) => void this.unopened.push(news),
      onReport: (datagram) => {
        const header = readReportHeader(datagram);
        if (typeof header === 'string') throw new Error(header);
        const opened = header.keyId === 0 ? datagram : reportSealing(key!, SESSION, receiver).open(datagram.slice());
        this.reports.push({ ...readReport(opened!)!, sequence: header.sequence, bytes: datagram.length });
      },
      ...options,
    });
  }

  take(nowMs: number, ...datagrams: Uint8Array[]): this {
    for (const datagram of datagrams) {
      this.decoder.push(datagram, SOURCE, nowMs);
      this.check();
    }
    return this;
  }

  /** Every 10 ms from then to then. */
  run(fromMs: number, toMs: number): this {
    for (let nowMs = fromMs; nowMs <= toMs; nowMs += 10) this.decoder.advance(nowMs);
    this.check();
    return this;
  }

  get session(): SessionLedger {
    return this.decoder.ledger().sessions[0]!;
  }

  /** The places of what was delivered of a connection. */
  order(connection = 1): number[] {
    return this.records.filter((each) => each.connection === connection).map(({ index }) => index);
  }

  check(): void {
    for (const each of this.decoder.ledger().sessions) {
      expect(each.sent).toBe(each.received + each.waiting + each.lost + each.beforeStart);
      expect(each.lost).toBeGreaterThanOrEqual(0);
    }
    expect(this.reports.map(({ sequence }) => sequence)).toEqual(this.reports.map((_, at) => at + 1));
  }
}
