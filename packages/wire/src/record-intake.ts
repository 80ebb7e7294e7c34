// Takes what opened datagrams hold: checks it, joins fragments, delivers records or lets them wait for their order.
// docs/wire-protocol.md, "Receiver", steps 6 and 7, and "Order".

import { DATAGRAM_HEADER_BYTES, type DatagramHeader, type Fragment, readFragment } from './datagram.ts';
import type { DecoderLimits } from './decoder-options.ts';
import type { DatagramReject } from './receiver-ledger.ts';
import type { WireRecord } from './record.ts';
import { checkRecords, KIND_NUMBER, previousSequenceOf, readRecord, recordEnd, recordPayload } from './record.ts';
import type { Session, SessionSurroundings } from './session.ts';
import type { SessionView } from './session-view.ts';
import { readTotals, type SessionStart } from './totals.ts';

/** From a datagram's body to the handler of records. */
export class RecordIntake {
  readonly #onRecord: (record: WireRecord, session: SessionView) => void;
  readonly #limits: DecoderLimits;
  readonly #surroundings: SessionSurroundings;

  constructor(
    onRecord: (record: WireRecord, session: SessionView) => void,
    limits: DecoderLimits,
    surroundings: SessionSurroundings,
  ) {
    this.#onRecord = onRecord;
    this.#limits = limits;
    this.#surroundings = surroundings;
  }

  /** Step 6: a fragment, or how many requests there are, or the reason against. */
  readBody(datagram: Uint8Array, header: DatagramHeader): Fragment | number | DatagramReject {
    const { isFragment, sequence, firstNumber } = header;
    if (!isFragment) return checkRecords(datagram, DATAGRAM_HEADER_BYTES, firstNumber, sequence);
    const fragment = readFragment(datagram, sequence);
    if (fragment === undefined) return 'bad-fragment';
    return fragment.recordBytes > this.#limits.maxRecordBytes ? 'too-long' : fragment;
  }

  /** A fragment that agrees with earlier ones, of a datagram that the session has taken: whole, its record is delivered. */
  takeFragment(
    session: Session,
    fragment: Fragment,
    { sequence, firstNumber }: DatagramHeader,
    wasAsked: boolean,
    nowMs: number,
  ): DatagramReject | undefined {
    const { id } = session;
    const { fragments } = this.#surroundings;
    const first = sequence - fragment.index;
    if (!fragments.has(id, first)) {
      if (fragments.wasLetGo(id, first)) return undefined;
      const mayBeWhole = session.missing.countIn(first, sequence) === fragment.index;
      if (!mayBeWhole) {
        fragments.refuse(id, first);
        return undefined;
      }
    }
    const joined = fragments.add(id, fragment, sequence, firstNumber, nowMs);
    if (joined === undefined) {
      if (wasAsked) fragments.noteRepair(id, first);
      return undefined;
    }
    const { bytes, lastSequence, isRepaired } = joined;
    session.order.resolve(lastSequence);
    const requests = checkRecords(bytes, 0, firstNumber, lastSequence);
    const isAsDeclared = requests === (fragment.isRequest ? 1 : 0) && recordEnd(bytes, 0) === bytes.length;
    if (!isAsDeclared) return typeof requests === 'string' ? requests : 'bad-record';
    this.deliver(session, bytes, 0, lastSequence, wasAsked || isRepaired, nowMs);
    return undefined;
  }

  /** Delivers records that checkRecords passed, or puts them where they wait. State comes first, the handler last. */
  deliver(session: Session, bytes: Uint8Array, at: number, sequence: number, isRepaired: boolean, nowMs: number): void {
    const { order } = session;
    const isOwned = at === 0;
    while (at < bytes.length) {
      const start = at;
      at = recordEnd(bytes, at);
      if (bytes[start] === KIND_NUMBER.totals) {
        const totals = readTotals(recordPayload(bytes, start));
        if (totals !== undefined) session.takeTotals(totals, sequence, nowMs);
        continue;
      }
      const record = readRecord(bytes, start);
      if (record === undefined) {
        session.unknownRecords++;
        continue;
      }
      if (order.isTracking) {
        const previous = previousSequenceOf(bytes, start);
        const placed = { record, sequence, previous, bytes: at - start, isOwned, isRepaired };
        if (!order.admit(placed, nowMs)) continue;
      }
      this.#hand(session, record, isRepaired);
    }
    if (order.isTracking) this.drain(session);
  }

  /** Delivers what waited and has not to wait any more; where too much waits, the session that holds most gives up. */
  drain(session: Session): void {
    this.#handFreed(session);
    const { room } = this.#surroundings;
    for (let hoarder = room.hoarder(); hoarder !== undefined; hoarder = room.hoarder()) {
      hoarder.giveUpAwaited();
      this.#handFreed(hoarder);
    }
  }

  #handFreed(session: Session): void {
    const { order, missing } = session;
    for (let placed = order.next(); placed !== undefined; placed = order.next()) {
      this.#hand(session, placed.record, placed.isRepaired);
    }
    if (missing.count === 0 && order.isEmpty) order.rest();
  }

  #hand(session: Session, record: WireRecord, isRepaired: boolean): void {
    if (record.kind === 'request') {
      session.received++;
      if (isRepaired) session.repaired++;
    } else if (record.kind === 'response') session.responses++;
    else session.connectionEnds++;
    this.#onRecord(record, session);
  }
}

/** The start for this receiver that totals among the records name, if any. */
export function startFor(receiver: string, datagram: Uint8Array): SessionStart | undefined {
  for (let at = DATAGRAM_HEADER_BYTES; at < datagram.length; at = recordEnd(datagram, at)) {
    if (datagram[at] !== KIND_NUMBER.totals) continue;
    const start = readTotals(recordPayload(datagram, at))?.start;
    if (start?.receiver === receiver) return start;
  }
  return undefined;
}
