// One packet of which fragments came: what is there, whether a new one fits, and the whole at the end. The rules are
// those of Linux since 2018 (RFC 5722 for both versions, RFC 815 no more): a copy of what is there is left out, any other
// overlap ends the packet, since two systems would read it differently.

import { copyOf } from './kept-bytes.ts';
import type { LayerCursor } from './layer-cursor.ts';

/** What an IP length can say, and what an IPv4 header takes of it at least. */
const largestPacket = 65_535;
const ipv4HeaderLength = 20;
const ipv4AddressLength = 4;
/** All fragments but the last end at a multiple of this. */
const unit = 8;

/** What became of a fragment; at the last four the packet ends. */
export type FragmentVerdict = 'taken' | 'whole' | 'copy' | 'refused' | 'overlap' | 'malformed' | 'cut';

/** Bytes that came in the order of the packet, without a hole. */
interface Run {
  readonly start: number;
  end: number;
}

interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** The fragments of one packet. */
export class FragmentedPacket {
  /** When the first of them came; never later than now, where a clock was set back. */
  firstUs: number;
  /** Frames whose fragments are in here. */
  frames = 0;
  /** Their captured bytes. */
  bytes = 0;
  readonly #runs: Run[] = [];
  readonly #pieces: Piece[] = [];
  readonly #addresses: Uint8Array;
  #protocol = 0;
  /** The farthest end seen: of the packet, where the last fragment is there. */
  #length = 0;
  #hasLast = false;
  #received = 0;
  #missing = 0;

  /** Takes the addresses of the fragment where the cursor stands, and nothing else. */
  constructor({ bytes, addressesAt, addressLength }: LayerCursor, timestampUs: number) {
    this.firstUs = timestampUs;
    this.#addresses = copyOf(bytes, addressesAt, addressesAt + 2 * addressLength);
  }

  /** The length of the packet without its header, once it is whole. */
  get length(): number {
    return this.#length;
  }

  /** Takes the fragment where the cursor stands, and copies its bytes. */
  add(cursor: LayerCursor): FragmentVerdict {
    const { fragmentOffset: start, hasMoreFragments, addressLength } = cursor;
    const isIpv4 = addressLength === ipv4AddressLength;
    let end = start + (cursor.end + cursor.missing - cursor.at);
    if (hasMoreFragments && end % unit !== 0) {
      // As Linux: IPv4 leaves out what is behind the last unit, IPv6 refuses the fragment.
      if (!isIpv4) return 'refused';
      end -= end % unit;
    }
    if (end > largestPacket - (isIpv4 ? ipv4HeaderLength : 0)) return isIpv4 ? 'malformed' : 'refused';
    if (!this.#fits(start, end, hasMoreFragments)) return 'malformed';
    const place = this.#place(start, end);
    if (place !== 'taken') return place;
    const capturedEnd = Math.min(end, start + Math.max(0, cursor.end - cursor.at));
    if (hasMoreFragments && capturedEnd < end) return 'cut';
    if (start === 0) this.#protocol = cursor.fragmentProtocol;
    if (!hasMoreFragments) this.#missing = end - capturedEnd;
    this.#pieces.push({ offset: start, bytes: copyOf(cursor.bytes, cursor.at, cursor.at + (capturedEnd - start)) });
    this.frames++;
    this.bytes += capturedEnd - start;
    this.#received += end - start;
    return this.#hasLast && this.#received === this.#length ? 'whole' : 'taken';
  }

  /** Puts the cursor at the start of what the whole packet carries, in bytes of its own; gives its protocol. */
  join(cursor: LayerCursor): number {
    const headerLength = this.#addresses.length;
    const bytes = new Uint8Array(headerLength + this.bytes);
    bytes.set(this.#addresses);
    for (const piece of this.#pieces) bytes.set(piece.bytes, headerLength + piece.offset);
    cursor.bytes = bytes;
    cursor.at = headerLength;
    cursor.end = bytes.length;
    cursor.missing = this.#missing;
    cursor.addressesAt = 0;
    cursor.addressLength = headerLength / 2;
    return this.#protocol;
  }

  /** Whether the fragment agrees with what the others say about the packet's length; takes down what it says itself. */
  #fits(start: number, end: number, hasMore: boolean): boolean {
    if (end <= start) return false;
    if (hasMore ? this.#hasLast && end > this.#length : end < this.#length || (this.#hasLast && end !== this.#length))
      return false;
    this.#hasLast ||= !hasMore;
    this.#length = Math.max(this.#length, end);
    return true;
  }

  /** Finds room among the runs: behind all of them, else between two. */
  #place(start: number, end: number): 'taken' | 'copy' | 'overlap' {
    const runs = this.#runs;
    const last = runs[runs.length - 1];
    if (last === undefined || last.end < end) {
      if (last !== undefined && start < last.end) return 'overlap';
      if (last?.end === start) last.end = end;
      else runs.push({ start, end });
      return 'taken';
    }
    let low = 0;
    let high = runs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const run = runs[middle]!;
      if (end <= run.start) high = middle;
      else if (start >= run.end) low = middle + 1;
      else return start >= run.start && end <= run.end ? 'copy' : 'overlap';
    }
    runs.splice(low, 0, { start, end });
    return 'taken';
  }
}
