// The limits of fragments that wait to be put together: all finite, resolved once. Memory at the worst is maxHeldBytes.

/** Limits of a {@link FrameDecoder}'s fragments. Infinity is allowed where a limit is not wanted; 0 is zero. */
export interface FragmentLimits {
  /** How long the first fragment that came waits for the others, in packet time. Default 30,000, as Linux for IPv4. */
  readonly timeoutMs: number;
  /** Packets of which fragments wait; beyond it the oldest is let go. Default 1,024. */
  readonly maxPackets: number;
  /** Fragments of one packet; beyond it the packet is let go. Default 1,024. */
  readonly maxFragmentsPerPacket: number;
  /** Memory for waiting fragments, 256 bytes for each besides its own; beyond it the oldest packet is let go. Default 4 MiB. */
  readonly maxHeldBytes: number;
  /** How long a packet put together is remembered, so that late copies of its fragments wait for nothing. Default 100. */
  readonly copyMemoryMs: number;
}

/** The defaults of {@link FragmentLimits}. */
// biome-ignore format: a table
export const fragmentDefaults: FragmentLimits = {
  timeoutMs: 30_000, maxPackets: 1_024, maxFragmentsPerPacket: 1_024, maxHeldBytes: 4 * 1024 * 1024, copyMemoryMs: 100,
};

/** Fills in the defaults; throws RangeError for what is no limit. */
export function resolveFragmentLimits(limits: Partial<FragmentLimits> = {}): FragmentLimits {
  const resolved = { ...fragmentDefaults };
  for (const name of Object.keys(fragmentDefaults) as (keyof FragmentLimits)[]) {
    const value = limits[name] ?? fragmentDefaults[name];
    if (typeof value !== 'number' || !(value >= 0))
      throw new RangeError(`fragmentLimits.${name}: ${value} is not a number of at least 0`);
    Object.assign(resolved, { [name]: value });
  }
  return resolved;
}
