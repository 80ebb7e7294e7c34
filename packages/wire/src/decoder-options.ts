// What a decoder is given and what it holds at most, with the defaults. docs/wire-protocol.md, "Limits".

import type { FragmentLimits } from './fragment-table.ts';
import { integerInRange, senderDefaults } from './options.ts';
import type { WireRecord } from './record.ts';
import type { DatagramSource } from './reporter.ts';
import type { WireKey } from './sealing.ts';
import type { SessionView } from './session-view.ts';
import type { UnconfirmedLimits } from './unconfirmed-sessions.ts';
import type { UnopenedNews } from './unopened-watch.ts';
import type { OrderLimits } from './waiting-room.ts';

/** Why a session ended: the sender's final totals, nothing heard for long, no room for more sessions, its key taken away. */
export type SessionEndReason = 'final' | 'silence' | 'evicted' | 'key-removed';

/** What a decoder holds at most; all finite. */
export interface DecoderLimits extends FragmentLimits, OrderLimits, UnconfirmedLimits {
  /** Longest record, its 36-byte header included; default 32 MiB. */
  readonly maxRecordBytes: number;
  /** Sessions known at a time; default 256. The first to go are ended ones, then those silent for longest. */
  readonly maxSessions: number;
  /** After how long without a datagram a session counts as ended, in milliseconds; default 60,000. */
  readonly silenceMs: number;
  /** How long late datagrams are taken after the sender's final totals, in milliseconds; default 1,000. Twice that while some are missing. */
  readonly endGraceMs: number;
}

/** Where a decoder's records go. Handlers are called when the state is up to date, and may throw. */
export interface WireDecoderOptions {
  /** The receiver's id: 16 lower-case hexadecimal digits, not all zero, random for each start of a receiver. */
  readonly receiver: string;
  /** With keys, only what is sealed under one of them is taken. Without: only plaintext. */
  readonly keys?: readonly WireKey[];
  /** Called for each record, once, in the order of its connection; payload and record are valid until it returns. */
  readonly onRecord: (record: WireRecord, session: SessionView) => void;
  /** Called before the first record of a session, and again where one that was silent goes on. */
  readonly onSessionStart?: (session: SessionView) => void;
  /** Called once for each start, after the last record. */
  readonly onSessionEnd?: (session: SessionView, reason: SessionEndReason) => void;
  /** Called with each report, and where it is to go; the bytes are the callee's to keep. Without it nothing is asked for. */
  readonly onReport?: (datagram: Uint8Array, to: DatagramSource) => void;
  /** Called where a datagram does not fit the keys, at most once a minute for a source and reason, four times a minute in all. */
  readonly onUnopened?: (news: UnopenedNews) => void;
  /** With how many requests whoever runs the receiver has not finished; the sender is told. Default: 0. */
  readonly backlog?: () => number;
  readonly limits?: Partial<DecoderLimits>;
}

const MIB = 1024 * 1024;

const defaultLimits: DecoderLimits = {
  maxRecordBytes: senderDefaults.maxRecordBytes,
  maxSessions: 256,
  silenceMs: 60_000,
  endGraceMs: 1000,
  maxFragmentBytes: 64 * MIB,
  maxFragmentedRecords: 1024,
  maxFragmentedRecordsOfSession: 256,
  fragmentIdleMs: 2000,
  maxWaitingRecords: 16_384,
  maxWaitingBytes: 32 * MIB,
  maxOrderedConnections: 131_072,
  maxUnconfirmedSessions: 64,
  maxUnconfirmedBytes: 8 * MIB,
};

/** The limits with their defaults; throws a RangeError that names one out of its range. */
export function resolveLimits(given: Partial<DecoderLimits> = {}): DecoderLimits {
  const limits = { ...defaultLimits, ...given };
  for (const [name, value] of Object.entries(limits)) integerInRange(name, value, 1, 2 ** 40);
  return limits;
}
