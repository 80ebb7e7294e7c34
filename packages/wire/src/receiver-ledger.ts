// All that a receiver counts, and the words for what it refuses.

import type { HeaderReject } from './datagram.ts';
import type { FragmentCounters } from './fragment-table.ts';
import type { KeyReject } from './keyring.ts';
import type { RecordReject } from './record.ts';
import type { EarlierSessions, SessionLedger } from './session-ledger.ts';
import type { SessionReject } from './session-view.ts';

/**
 * Why a datagram, or a record joined from fragments, is not used. Beside the reasons of header, key, records and session: `bad-source`
 * (from port 0, to which nothing can be sent), `other-source` (not from the networks that are taken), `bad-fragment` (its numbers do not fit together), `too-long` (a record over `maxRecordBytes`),
 * `unconfirmed` (its session had not named this receiver after 1 s, there was no room to wait for that, or it came twice meanwhile).
 */
export type DatagramReject =
  | HeaderReject
  | KeyReject
  | RecordReject
  | SessionReject
  | 'bad-source'
  | 'other-source'
  | 'bad-fragment'
  | 'too-long'
  | 'unconfirmed';

/** All counts of a decoder. */
export interface ReceiverLedger {
  /** The receiver's id, 16 hexadecimal digits. */
  readonly receiver: string;
  readonly sessions: readonly SessionLedger[];
  readonly earlier: EarlierSessions;
  /** Datagrams that belong to no session, by reason. */
  readonly rejectedDatagrams: Readonly<Record<string, number>>;
  readonly fragments: FragmentCounters;
  /** Sealed sessions that have not named this receiver, now, and what is held of them, with 256 bytes for the bookkeeping of each datagram. */
  readonly unconfirmed: { readonly sessions: number; readonly waitingBytes: number };
}
