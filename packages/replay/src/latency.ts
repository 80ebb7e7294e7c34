// A histogram of latencies in constant memory: every figure it gives is at most 1/16 too high.

const SUB_BUCKETS = 16;
const SUB_BITS = 4;
const BUCKETS = 28 * SUB_BUCKETS; // up to 2^31 us, 35 minutes; longer ones count as that

/** Counts durations; p50 and p99 are read off it at any time. */
export class Latency {
  readonly #counts = new Float64Array(BUCKETS);
  #total = 0;

  /** Adds one duration, in milliseconds. */
  add(durationMs: number): void {
    this.#counts[bucketOf(durationMs * 1000)]! += 1;
    this.#total += 1;
  }

  /** The duration, in milliseconds, that the given part (0 to 1) of all does not exceed; `null` where there are none. */
  quantileMs(part: number): number | null {
    if (this.#total === 0) return null;
    let left = Math.max(1, Math.ceil(this.#total * part));
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.#counts[bucket]!;
      if (left <= 0) return upperEdgeUs(bucket) / 1000;
    }
    return upperEdgeUs(BUCKETS - 1) / 1000;
  }
}

/** 0 to 15 us have a bucket each; above, each doubling is cut into 16. */
function bucketOf(durationUs: number): number {
  const us = Math.min(0x7fff_ffff, Math.max(0, Math.floor(durationUs)));
  if (us < SUB_BUCKETS) return us;
  const doubling = 31 - Math.clz32(us) - SUB_BITS;
  return (doubling + 1) * SUB_BUCKETS + ((us >>> doubling) - SUB_BUCKETS);
}

function upperEdgeUs(bucket: number): number {
  if (bucket < SUB_BUCKETS) return bucket + 1;
  const doubling = Math.floor(bucket / SUB_BUCKETS) - 1;
  return ((bucket % SUB_BUCKETS) + SUB_BUCKETS + 1) * 2 ** doubling;
}
