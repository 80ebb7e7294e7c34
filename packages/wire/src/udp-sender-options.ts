// What openUdpSender takes, and what a sender tells: the types of udp-sender.ts.

import type { ReceiverState } from './reachability.ts';
import type { WireRecord } from './record.ts';
import type { SendingCounters, SendingLimits, SendRefusal } from './sending-options.ts';
import type { SenderTotals } from './totals.ts';

/** What a sender tells of its receiver and of its socket. */
export type SenderEvent =
  /** Each once a change: reports come, or none came for 2 s, or datagrams are refused. The first one comes within 2 s. */
  | {
      readonly type: 'receiver';
      readonly state: 'receiving' | 'silent';
      /** Where datagrams go at present. */
      readonly address: string;
      readonly port: number;
    }
  /** At most one for each code in 10 s; `count` is how many errors of this code there were so far. */
  | { readonly type: 'send-error'; readonly code: string; readonly count: number }
  /** A receiver that was silent reports, from another address than the one that was told last. Comes before `receiving`. */
  | { readonly type: 'readdressed'; readonly address: string; readonly port: number };

/** What openUdpSender takes. */
export interface UdpSenderOptions extends SendingLimits {
  /** Name or address of the receiver. A name is resolved at the start, IPv4 addresses first, and again while the receiver is silent. */
  readonly host: string;
  /** 1 to 65,535. */
  readonly port: number;
  /** 32 random bytes that the receiver has, too; default: nothing is sealed. */
  readonly key?: Uint8Array | undefined;
  /**
   * All addresses of a name, in the order in which they are tried, at least one, or it rejects; default: what the system
   * finds, IPv4 first. Not asked for a host that is an address.
   */
  readonly resolve?: ((name: string) => Promise<readonly string[]>) | undefined;
  /** Asked for the owner's counts at the start, each second, when a receiver needs them, and at the end. */
  readonly totals: () => SenderTotals;
  readonly onEvent: (event: SenderEvent) => void;
}

/** What a sender counts, beside its session's counts. */
export interface UdpSenderCounters extends SendingCounters {
  /** Sends that the system refused, by its code; what ECONNREFUSED hit is sent once more, what another code hit only if the receiver asks for it. */
  readonly sendErrors: Readonly<Record<string, number>>;
  /** Where datagrams go. */
  readonly remote: RemoteAddress;
  /** How often the host's addresses were asked for again while the receiver was silent, and how often there was none to take. */
  readonly resolutions: { readonly tried: number; readonly failed: number };
}

/** Where datagrams go. */
export interface RemoteAddress {
  readonly address: string;
  readonly port: number;
}

/** Made by openUdpSender. */
export interface UdpSender {
  readonly session: string;
  /** Where datagrams go; while the receiver is silent one of its addresses after the other. */
  readonly remote: RemoteAddress;
  readonly state: ReceiverState;
  /** For how long no report has come, in milliseconds in which the process ran; undefined unless the state is `silent`. */
  readonly silentForMs: number | undefined;
  /** Bytes of datagrams that wait to leave. */
  readonly waitingBytes: number;
  /** Takes a record, its payload copied; or says why not, and then the caller counts it. Never waits, never throws. */
  send: (record: WireRecord) => undefined | SendRefusal;
  counters: () => UdpSenderCounters;
  /** Settles when everything taken so far is with the kernel, or the sender closed. */
  drain: () => Promise<void>;
  /**
   * Sends what waits (4 s at most), then the final totals three times, sends again what a receiver that is there still
   * misses (1 s at most), then closes. May be called again.
   */
  close: () => Promise<void>;
  [Symbol.asyncDispose]: () => Promise<void>;
}
