// What a list of send times says about a rate.

/** The most of these times that lie in any one closed interval of that length, wherever it begins. */
export function mostWithin(timesMs: readonly number[], lengthMs: number): number {
  const sorted = [...timesMs].sort((a, b) => a - b);
  let most = 0;
  for (let first = 0, last = 0; last < sorted.length; last++) {
    while (sorted[last]! - sorted[first]! > lengthMs) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

/** The same for a second, as a promise of so many in any one second is understood. */
export function mostInOneSecond(timesMs: readonly number[]): number {
  return mostWithin(timesMs, 1000);
}
