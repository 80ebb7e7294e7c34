// What a ledger says of sockets that belong to one captured connection each.

/** What became of the sockets of one target, where each captured connection has one of its own. */
export type SessionSocketCounts = {
  /** Sockets open now. */
  readonly open: number;
  /** Sockets opened, for any of the reasons below too. */
  readonly opened: number;
  /** Idle ones that made room for others, the least recently used first; the next request of their connection opens another. */
  readonly evicted: number;
  /** Opened for a connection that goes on, because the target had closed the one before, or answered so that it could not last. */
  readonly closedByTarget: number;
  /** Closed after 11 minutes without a request: the end of the captured connection was lost. */
  readonly expired: number;
  /** Opened for one request whose predecessor was still on its connection's socket; closed behind its answer. */
  readonly beside: number;
};
