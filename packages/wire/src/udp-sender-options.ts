// What a sender is told, and what it tells: the types of udp-sender.ts.

import type { EncoderCounters } from './encoder.ts';
import type { WireRecord } from './record.ts';
import type { SenderTotals } from './totals.ts';

/** What a sender tells: nobody listens at the other end, somebody does again, the system refused a send. */
export type SenderEvent =
  | { readonly type: 'unreachable' | 'reachable'; readonly address: string; readonly port: number }
  /** At most one for each code in 10 s; `count` is how many errors of this code there were so far. */
  | { readonly type: 'send-error'; readonly code: string; readonly count: number };

/**
 * Why a record was not taken, before it was numbered: `queue-full` (sends do not keep up), `no-receiver` (refused at
 * the other end), `too-long` (over `maxRecordBytes`), `closed`.
 */
export type SendRefusal = 'queue-full' | 'no-receiver' | 'too-long' | 'closed';

/** What openUdpSender takes. */
export interface UdpSenderOptions {
  /** Name or address of the receiver; a name is resolved once, IPv4 addresses first. */
  readonly host: string;
  /** 1 to 65,535. */
  readonly port: number;
  /** Longest datagram (UDP payload), 128 to 65,507 bytes; default 1,200. */
  readonly maxDatagramBytes?: number;
  /** Longest record, its 36-byte header included; default 32 MiB. */
  readonly maxRecordBytes?: number;
  /**
   * How long a small record waits at most for others to share its datagram, in milliseconds; default 2. It waits no longer
   * than the turn of the event loop in which it came.
   */
  readonly flushAfterMs?: number;
  /** Bytes that may wait for the socket; default 64 MiB, so that several large records may come at once. An empty queue takes one record of any allowed length. */
  readonly queueBytes?: number;
  /** The session's id, 16 hexadecimal digits; default: random. */
  readonly session?: string;
  /** Asked for the owner's counts at the start, each second, and at the end. */
  readonly totals: () => SenderTotals;
  readonly onEvent: (event: SenderEvent) => void;
}

/** What a sender counts, beside its encoder's counts. */
export interface UdpSenderCounters extends EncoderCounters {
  /** Records refused, by reason, and how many of them were requests. */
  readonly refused: Readonly<Record<SendRefusal, number>>;
  readonly refusedRequests: number;
  /** Sends that the system refused, by its code; what they held is lost unless it was ECONNREFUSED, sent once more. */
  readonly sendErrors: Readonly<Record<string, number>>;
  /** Datagrams given up at close, after 4 s. */
  readonly abandonedDatagrams: number;
  readonly waitingBytes: number;
  readonly isReachable: boolean;
}

/** Made by openUdpSender. */
export interface UdpSender {
  readonly session: string;
  readonly remote: { readonly address: string; readonly port: number };
  /** Takes a record, its payload copied; or says why not, and then the caller counts it. Never waits, never throws. */
  send: (record: WireRecord) => undefined | SendRefusal;
  counters: () => UdpSenderCounters;
  /** Settles when everything taken so far is with the kernel, or the sender closed. */
  drain: () => Promise<void>;
  /** Sends what waits (4 s at most), then the final totals three times, then closes. May be called again. */
  close: () => Promise<void>;
  [Symbol.asyncDispose]: () => Promise<void>;
}
