// What a fuzz test says of itself when it is over.
import type { Random } from '../kit/random.ts';

/** One line: how many inputs, out of which seed, what came of them. */
export function said(what: string, count: number, random: Random, outcome: string): void {
  console.log(`${count.toLocaleString('en')} ${what} (seed ${random.seed}): ${outcome}`);
}
