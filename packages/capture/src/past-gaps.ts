// The gaps of a stream that lie behind: what comes for them is late, and no duplicate.

/** Of a stream with more gaps the oldest are forgotten. */
const maxGaps = 16;

/** The latest gaps of one stream, by their offsets from its start, which do not wrap. */
export class PastGaps {
  /** As from, to, from, to …, in order. */
  readonly #ends: number[] = [];

  /** Takes the next gap; one that follows the last without a byte between belongs to it. */
  add(from: number, to: number): void {
    const ends = this.#ends;
    if (ends.at(-1) === from) ends[ends.length - 1] = to;
    else if (ends.push(from, to) > 2 * maxGaps) ends.splice(0, 2);
  }

  /** How many of these bytes lie in gaps. */
  overlap(from: number, to: number): number {
    let length = 0;
    for (let at = 0; at < this.#ends.length; at += 2) {
      length += Math.max(0, Math.min(to, this.#ends[at + 1]!) - Math.max(from, this.#ends[at]!));
    }
    return length;
  }
}
