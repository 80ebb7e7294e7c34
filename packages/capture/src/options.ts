// The assembler's limits: all finite, resolved once. Memory at the worst is maxHeldBytes, and some hundred bytes for each
// connection of the three kinds.

/** Limits of a {@link TcpAssembler}. Infinity is allowed where a limit is not wanted; 0 is zero. Times are packet time. */
export interface TcpLimits {
  /** Connections that carried data and have not ended; beyond it the one silent for longest is evicted. Default 65,536. */
  readonly maxConnections: number;
  /** Connections without any data yet; beyond it the oldest is forgotten, so a SYN flood displaces only these. Default 8,192. */
  readonly maxHalfOpen: number;
  /** Ended connections remembered, so that late retransmissions start nothing new. Default 8,192. */
  readonly maxEnded: number;
  /** How long an ended connection is remembered. Default 60,000. */
  readonly endedMemoryMs: number;
  /** Silence after which a connection ends with `idle`. Default 600,000. */
  readonly idleTimeoutMs: number;
  /** The same once one side has closed, which is all that a capture of one direction ever shows. Default 60,000. */
  readonly halfClosedTimeoutMs: number;
  /** Silence after which a connection that saw a RST ends: the RST may have overtaken data, or be nobody's. Default 1,000. */
  readonly resetLingerMs: number;
  /** How long data waits for a hole before it. Default 5,000. */
  readonly holeTimeoutMs: number;
  /**
   * The same where the bytes are known to have been there: the receiver acknowledged them, or the capture cut them off.
   * Another packet of the capture may still hold them. Default 100.
   */
  readonly ackedHoleTimeoutMs: number;
  /** How long the first data of a stream seen from its middle waits for bytes before it that were reordered. Default 20. */
  readonly startWaitMs: number;
  /** Memory for data that waits for a hole in one stream; beyond it the hole is given up. Default 4 MiB. */
  readonly maxHeldBytesPerStream: number;
  /** Pieces of data that wait in one stream. Default 2,048. */
  readonly maxHeldSegmentsPerStream: number;
  /** Memory for waiting data in all streams; beyond it the oldest hole is given up, a server's first. Default 32 MiB. */
  readonly maxHeldBytes: number;
  /** Pieces of waiting data in all streams. Default 32,768. */
  readonly maxHeldSegments: number;
}

/** The defaults of {@link TcpLimits}. */
// biome-ignore format: a table
export const tcpDefaults: TcpLimits = {
  maxConnections: 65_536, maxHalfOpen: 8_192, maxEnded: 8_192, endedMemoryMs: 60_000, idleTimeoutMs: 600_000,
  halfClosedTimeoutMs: 60_000, resetLingerMs: 1_000, holeTimeoutMs: 5_000, ackedHoleTimeoutMs: 100, startWaitMs: 20,
  maxHeldBytesPerStream: 4 * 1024 * 1024, maxHeldSegmentsPerStream: 2_048, maxHeldBytes: 32 * 1024 * 1024, maxHeldSegments: 32_768,
};

/** Fills in the defaults; throws RangeError for what is no limit. */
export function resolveTcpLimits(limits: Partial<TcpLimits> = {}): TcpLimits {
  const resolved = { ...tcpDefaults };
  for (const name of Object.keys(tcpDefaults) as (keyof TcpLimits)[]) {
    const value = limits[name] ?? tcpDefaults[name];
    if (typeof value !== 'number' || !(value >= 0))
      throw new RangeError(`${name}: ${value} is not a number of at least 0`);
    Object.assign(resolved, { [name]: value });
  }
  return resolved;
}
