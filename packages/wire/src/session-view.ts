// What others see of a receiver's session: where it stands, where it comes from, its numbers, why it refuses a datagram.
// docs/wire-protocol.md, "Session" and "Balance".

/**
 * Where a session stands: `live`; `closing` (the sender's final totals came, late datagrams are still taken);
 * `ended` (nothing more is taken); `silent` (nothing came for long, or its key was taken away; it goes on if something does).
 */
export type SessionState = 'live' | 'closing' | 'ended' | 'silent';

/**
 * Why a datagram of a known session is refused: `before-start` (sent before the session was meant for this receiver), `too-old` (behind
 * the window of 65,536, or given up), `implausible` (its sequence or record number cannot follow from what was seen), `after-end`,
 * `fragment-contradiction` (says something else than an earlier fragment of the record).
 */
export type SessionReject = 'before-start' | 'too-old' | 'implausible' | 'after-end' | 'fragment-contradiction';

/** What a record's handler learns of the session. */
export interface SessionView {
  /** 16 lower-case hexadecimal digits. */
  readonly id: string;
  /** Where the datagram of the highest sequence came from. */
  readonly address: string;
  readonly port: number;
}

/** The numbers of a session. Always `sent = received + waiting + lost + beforeStart`. */
export interface SessionBalance {
  /** Request records that the sender is known to have sent. */
  readonly sent: number;
  /** Request records delivered. */
  readonly received: number;
  /** Request records held back for the order of their connection; 0 once the session has ended. */
  readonly waiting: number;
  /** Sent, not before the start, and not delivered (yet). */
  readonly lost: number;
  /** Sent before the session's start, as far as it is known. */
  readonly beforeStart: number;
}
