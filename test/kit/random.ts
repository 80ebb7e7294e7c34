// Seeded randomness for tests: the same seed gives the same run. Print the seed where a property fails.

/** A seeded generator of numbers (mulberry32). */
export interface Random {
  readonly seed: number;
  /** A number in [0, 1). */
  next: () => number;
  /** An integer in [0, below). */
  below: (below: number) => number;
  /** True with the given probability. */
  chance: (probability: number) => boolean;
  bytes: (length: number) => Uint8Array;
  pick: <T>(items: readonly T[]) => T;
  shuffle: <T>(items: readonly T[]) => T[];
}

/** The seed of this run: GOR_TEST_SEED where it is set, else one of the clock's. */
export function seedOfThisRun(): number {
  const given = process.env['GOR_TEST_SEED'];
  return given === undefined ? Date.now() >>> 0 : Number(given) >>> 0;
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    seed,
    next,
    below,
    chance: (probability) => next() < probability,
    bytes: (length) => Uint8Array.from({ length }, () => below(256)),
    pick: (items) => items[below(items.length)]!,
    shuffle: (items) => {
      const shuffled = [...items];
      for (let last = shuffled.length - 1; last > 0; last--) {
        const other = below(last + 1);
        [shuffled[last], shuffled[other]] = [shuffled[other]!, shuffled[last]!];
      }
      return shuffled;
    },
  };
}
