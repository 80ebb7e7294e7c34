// The listener's ledger: every request that was begun is in exactly one count, sent or dropped for a reason.
import type { AssemblerCounters, FrameCounters, ShedCounters } from '@gor/capture';
import type { UdpSenderCounters } from '@gor/wire';
import type { ShedHistory } from './load-watch.ts';
import type { ResponseCounts } from './traffic-reader.ts';

/** The listener's counts, while it runs and at its end; docs/operating.md explains each. */
export interface ListenLedger {
  readonly program: 'gor-listen';
  /** ISO 8601. */
  readonly startedAt: string;
  /** ISO 8601; null while it runs. */
  readonly endedAt: string | null;
  /** Why capturing ended before its time; null where it did not. */
  readonly failure: string | null;
  /** Requests begun: `captured = sent + Σ dropped`, and while running those that are still incomplete. */
  readonly captured: number;
  /** Requests handed on: to the replay server, or, where none is asked for, to standard output. */
  readonly sent: number;
  readonly dropped: Readonly<Record<string, number>>;
  /** What the servers answered: `seen = whole + Σ dropped`, of connections that have ended. */
  readonly responses: ResponseCounts;
  /** Messages that standard output was too slow for; requests among them are in `dropped`, too, where nothing is sent. */
  readonly notShown: number;
  /** `seen = segments + Σ rejected + fragments.held + fragments.joined`. */
  readonly frames: FrameCounters & {
    /** Packets that passed the filter and found no room; null where the engine cannot tell. */
    readonly kernelDrops: number | null;
    /** How often a watched interface was found to be down. */
    readonly interfaceDowns: number;
  };
  /**
   * What was left out for lack of time, whole connections: `frames.segments = connections.segments + segments`. Those
   * that were open when it came to them are in `connections.connectionsEnded.shed`.
   */
  readonly shedding: Readonly<ShedCounters> & ShedHistory;
  readonly connections: AssemblerCounters & {
    /** Left alone because their requests go the other way. */
    readonly otherDirection: number;
    /** Whose first bytes were no request, by what they looked like: `tls`, `http2`, `unknown`… */
    readonly otherProtocols: Readonly<Record<string, number>>;
    /** That went on as something else after `connect` or `upgrade`. */
    readonly opaque: Readonly<Record<string, number>>;
  };
  /** Bytes on watched connections that belong to no request. */
  readonly skippedBytes: number;
  /** Records, ends of connections among them, that went to another replay server than their own, because that was silent. */
  readonly movedRecords: number;
  /** What went to each replay server, in the order of the flag; `sent` is the sum of theirs. Empty where nothing is sent. */
  readonly replayServers: readonly ReplayServerLedger[];
}

/** What went to one replay server. */
export interface ReplayServerLedger extends UdpSenderCounters {
  /** `host:port` as it was given. */
  readonly replayServer: string;
  /** The session's id as the replay server shows it. */
  readonly session: string;
}

/** The counts of requests. */
export class RequestCounts {
  sent = 0;
  readonly dropped: Record<string, number> = {};

  drop(reason: string): void {
    this.dropped[reason] = (this.dropped[reason] ?? 0) + 1;
  }

  get captured(): number {
    let captured = this.sent;
    for (const reason in this.dropped) captured += this.dropped[reason]!;
    return captured;
  }
}
