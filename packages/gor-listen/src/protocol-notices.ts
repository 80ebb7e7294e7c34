// Which ports carry what cannot be read, and when that is worth a line: soon after the first connection, then each time
// there are ten times as many.

/** How many connections to a port carried a protocol that is no HTTP/1.x. */
export interface ProtocolNotice {
  readonly port: number;
  /** As `connections.otherProtocols` of the ledger names it: `tls`, `http2`… */
  readonly protocol: string;
  readonly connections: number;
}

interface Count {
  readonly port: number;
  readonly protocol: string;
  connections: number;
  /** Said again when there are so many. */
  next: number;
}

/** More pairs of port and protocol than this are in the ledger's counts only. */
const MOST_COUNTS = 64;
const GROWTH = 10;

/** Counts connections by port and protocol. */
export class ProtocolNotices {
  readonly #counts = new Map<string, Count>();

  /** One more connection. */
  note(port: number, protocol: string): void {
    const key = `${port} ${protocol}`;
    const count = this.#counts.get(key);
    if (count !== undefined) count.connections++;
    else if (this.#counts.size < MOST_COUNTS) this.#counts.set(key, { port, protocol, connections: 1, next: 1 });
  }

  /** What is to be said now; said once, until there are ten times as many. */
  *take(): Generator<ProtocolNotice> {
    for (const count of this.#counts.values()) {
      if (count.connections < count.next) continue;
      count.next = count.connections * GROWTH;
      const { port, protocol, connections } = count;
      yield { port, protocol, connections };
    }
  }
}
