// What a sending session is told, and what it counts: the types of sending-session.ts.

import type { EncoderCounters } from './encoder.ts';
import { datagramBytesRange, integerInRange, resendBytesRange, senderDefaults } from './options.ts';
import type { ReceiverNews, ReceiverState } from './reachability.ts';
import type { ReportReject } from './receiver-view.ts';
import type { KeptCounters } from './resend-buffer.ts';
import type { ResentCounters } from './resend-queue.ts';
import type { WireKey } from './sealing.ts';
import type { SenderTotals } from './totals.ts';

/**
 * Why a record was not taken, before it was numbered: `queue-full` (sends do not keep up), `no-receiver` (refused at
 * the other end), `too-long` (over `maxRecordBytes`), `closed`.
 */
export type SendRefusal = 'queue-full' | 'no-receiver' | 'too-long' | 'closed';

/** The limits of a sending session. */
export interface SendingLimits {
  /** Longest datagram (UDP payload), 256 to 65,507 bytes; default 1,200. */
  readonly maxDatagramBytes?: number;
  /** Longest record, its 36-byte header included; default 32 MiB. */
  readonly maxRecordBytes?: number;
  /**
   * How long a small record waits at most for others to share its datagram, in milliseconds, 0 to 1,000; default 2. With
   * openUdpSender it waits no longer than the turn of the event loop in which it came.
   */
  readonly flushAfterMs?: number;
  /** Bytes that may wait for the socket; default 64 MiB, so that several large records may come at once. An empty queue takes one record of any allowed length. */
  readonly queueBytes?: number;
  /** For how many connections the last datagram is remembered; default 65,536, the least recently used goes first. */
  readonly maxConnections?: number;
  /** Bytes kept for sending again, 65,536 to 1 GiB, allocated as needed; default 16 MiB. 0: nothing is sent again. */
  readonly resendBytes?: number;
  /** How long a datagram can be sent again, in milliseconds, 10 to 60,000; default 1,000. */
  readonly resendMs?: number;
  /** Bytes that may be sent again as a share of those sent, 0 to 1; default 0.1. */
  readonly resendShare?: number;
}

/** What a sending session is told. */
export interface SendingOptions extends SendingLimits {
  /** The session's id, 16 lower-case hexadecimal digits, random for each start of a sender and each receiver address. */
  readonly session: string;
  /** Seals what is sent, and opens reports; default: plaintext. */
  readonly key?: WireKey | undefined;
  /** Whether the receiver is on this host: refusals come at once then. Default false. */
  readonly isLoopback?: boolean;
  /** Asked for the owner's counts at the start, each second, when a receiver needs them, and at the end. */
  readonly totals: () => SenderTotals;
  /** The time of day in microseconds since the epoch, an integer: the totals' timestamp. */
  readonly nowUs: () => number;
  /** Called once a change, the first time 2 s after the start at the latest; it must not call the session. */
  readonly onReceiver: (news: ReceiverNews) => void;
}

/** What a sending session counts, beside its encoder's counts. */
export interface SendingCounters extends EncoderCounters {
  /** Records refused, by reason, and how many of them were requests. */
  readonly refused: Readonly<Record<SendRefusal, number>>;
  readonly refusedRequests: number;
  readonly waitingBytes: number;
  /** Datagrams given up at the end, after 4 s. */
  readonly abandonedDatagrams: number;
  readonly resent: ResentCounters;
  readonly kept: KeptCounters;
  readonly reports: {
    readonly received: number;
    readonly rejected: Readonly<Partial<Record<ReportReject, number>>>;
  };
  /** The last three as the receiver reported them last, 0 before. */
  readonly receiver: {
    readonly state: ReceiverState;
    /** 16 hexadecimal digits. */
    readonly id: string | null;
    readonly silentTimes: number;
    readonly received: number;
    readonly lost: number;
    readonly backlog: number;
  };
}

/** The limits with their defaults; throws a RangeError that names option, value and range. */
export function checkedLimits(limits: SendingLimits): Required<SendingLimits> {
  const { maxDatagramBytes, maxRecordBytes, flushAfterMs, queueBytes, maxConnections } = {
    ...senderDefaults,
    ...withoutUndefined(limits),
  };
  const { resendBytes, resendMs, resendShare } = { ...senderDefaults, ...withoutUndefined(limits) };
  integerInRange('maxDatagramBytes', maxDatagramBytes, datagramBytesRange.min, datagramBytesRange.max);
  integerInRange('flushAfterMs', flushAfterMs, 0, 1000);
  integerInRange('queueBytes', queueBytes, 1, 2 ** 32);
  if (resendBytes !== 0) integerInRange('resendBytes', resendBytes, resendBytesRange.min, resendBytesRange.max);
  integerInRange('resendMs', resendMs, 10, 60_000);
  if (!(resendShare >= 0 && resendShare <= 1)) {
    throw new RangeError(`resendShare must be a number from 0 to 1, not ${resendShare}`);
  }
  return {
    ...{ maxDatagramBytes, maxRecordBytes, flushAfterMs, queueBytes, maxConnections },
    ...{ resendBytes, resendMs, resendShare },
  };
}

function withoutUndefined(limits: SendingLimits): SendingLimits {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}
