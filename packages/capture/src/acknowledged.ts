// How far the other side has acknowledged a stream (RFC 9293, section 3.10.7.4), where its numbers can be believed.

import { sequenceDistance } from './sequence.ts';
import { largestWindowBytes } from './tcp.ts';

/** The acknowledgments for one stream. */
export class Acknowledged {
  #to: number | undefined;

  /** The sequence number before which all was acknowledged; undefined while that is not known. */
  get to(): number | undefined {
    return this.#to;
  }

  /** Takes an acknowledgment; `place` is where the stream stands, undefined while that is not known. True where it is news. */
  advance(to: number, place: number | undefined): boolean {
    const known = this.#to;
    if (known !== undefined && sequenceDistance(known, to) <= 0 && areNear(known, place ?? to)) return false;
    if (place !== undefined && !areNear(place, to)) return false;
    this.#to = to;
    return true;
  }

  /** The stream stands here: what was acknowledged far from it belongs to another. */
  forgetUnlessNear(place: number): void {
    if (this.#to !== undefined && !areNear(this.#to, place)) this.#to = undefined;
  }

  /** Whether the byte of this sequence number was acknowledged. */
  covers(sequence: number): boolean {
    if (this.#to === undefined) return false;
    const ahead = sequenceDistance(sequence, this.#to);
    // Where no acknowledgment was captured for long, the numbers have gone half around: the last one lies behind.
    return ahead > 0 && ahead <= largestWindowBytes;
  }

  /** Where a hole at `next` that is given up as acknowledged ends at the latest; undefined where nothing behind it is. */
  limitOf(next: number, reason: string): number | undefined {
    return reason === 'acked' && this.covers(next) ? this.#to : undefined;
  }
}

/** Whether two sequence numbers can be under way in one flow at the same time. */
function areNear(a: number, b: number): boolean {
  return Math.abs(sequenceDistance(a, b)) <= largestWindowBytes;
}
