// The data of one stream that waits for a hole before it: copies, in order of sequence, without overlap. Of bytes that
// come twice the first copy stays. What it allocates is counted in the assembler's counters, which the limits read.

import type { AssemblerCounters } from './assembler-counters.ts';
import { copyOf } from './kept-bytes.ts';
import type { TcpLimits } from './options.ts';
import { sequenceAdd, sequenceDistance } from './sequence.ts';

/** Memory that a held piece takes beside its bytes: two objects, their buffer's header, a place in the list. */
export const heldSegmentOverheadBytes = 256;

/** The bytes of a piece that only says what is missing. */
export const nothing = new Uint8Array(0);

/** A piece of data that waits. */
export interface HeldSegment {
  readonly sequence: number;
  /** Our own copy. Empty in a piece that only says what is missing. */
  readonly bytes: Uint8Array;
  /** Bytes behind this piece that the capture cut off. */
  readonly missing: number;
  readonly timestampUs: number;
  /** When the receiver acknowledged bytes of the hole before this piece. */
  ackedUs: number | undefined;
}

/** The waiting pieces of one stream. */
export class HeldSegments {
  readonly #counters: AssemblerCounters;
  readonly #segments: HeldSegment[] = [];
  /** How many pieces from the first on have their hole acknowledged. */
  #ackedCount = 0;
  #allocatedBytes = 0;
  #end = 0;

  constructor(counters: AssemblerCounters) {
    this.#counters = counters;
  }

  get first(): HeldSegment | undefined {
    return this.#segments[0];
  }

  /** The sequence number behind all pieces and what is missing behind each; undefined while nothing is held. */
  get end(): number | undefined {
    return this.#segments.length === 0 ? undefined : this.#end;
  }

  get count(): number {
    return this.#segments.length;
  }

  get allocatedBytes(): number {
    return this.#allocatedBytes;
  }

  /** Whether it is more than one stream may hold. */
  exceeds({ maxHeldBytesPerStream, maxHeldSegmentsPerStream }: TcpLimits): boolean {
    return this.#allocatedBytes > maxHeldBytesPerStream || this.#segments.length > maxHeldSegmentsPerStream;
  }

  /**
   * Copies those of `bytes[start, end)`, which begin at the sequence number, that are not held yet; `missing` more are
   * known to be cut off behind them. Returns how many were held already.
   */
  hold(sequence: number, bytes: Uint8Array, start: number, end: number, missing: number, timestampUs: number): number {
    let held = 0;
    let at = start;
    let index = this.#indexFrom(sequence);
    while (at < end) {
      const other = this.#segments[index];
      const freeLength =
        other === undefined ? end - at : sequenceDistance(sequenceAdd(sequence, at - start), other.sequence);
      if (freeLength > 0) {
        const until = Math.min(end, at + freeLength);
        this.#insert(index++, sequenceAdd(sequence, at - start), copyOf(bytes, at, until), 0, timestampUs);
        at = until;
      } else if (other !== undefined) {
        const covered = Math.min(end - at, Math.max(0, other.bytes.length + freeLength));
        held += covered;
        at += covered;
        index++;
      }
    }
    if (missing > 0) this.#insertMissing(sequenceAdd(sequence, end - start), missing, timestampUs);
    return held;
  }

  /** Takes out the first piece. */
  shift(): HeldSegment | undefined {
    const segment = this.#segments.shift();
    if (segment === undefined) return undefined;
    this.#count(segment.bytes.length, -1);
    if (this.#ackedCount > 0) this.#ackedCount--;
    return segment;
  }

  /** Notes which holes the receiver acknowledged, the first of which begins at `next`; each keeps its first time. */
  acknowledge(next: number, ackedTo: number, nowUs: number): void {
    for (; this.#ackedCount < this.#segments.length; this.#ackedCount++) {
      const before = this.#segments[this.#ackedCount - 1];
      const holeAt = before === undefined ? next : sequenceAdd(before.sequence, before.bytes.length);
      if (sequenceDistance(holeAt, ackedTo) <= 0) return;
      this.#segments[this.#ackedCount]!.ackedUs ??= nowUs;
    }
  }

  /** The acknowledged part of the first hole is over; the rest is not acknowledged. */
  forgetAcknowledged(): void {
    this.#ackedCount = 0;
    const first = this.#segments[0];
    if (first !== undefined) first.ackedUs = undefined;
  }

  /** Index of the first piece that ends behind the sequence number; new data mostly comes last, so from the back. */
  #indexFrom(sequence: number): number {
    let index = this.#segments.length;
    while (index > 0) {
      const before = this.#segments[index - 1]!;
      if (sequenceDistance(sequence, sequenceAdd(before.sequence, before.bytes.length)) <= 0) break;
      index--;
    }
    return index;
  }

  /** Notes what is missing from the sequence number on, as an empty piece, behind what is held there all the same. */
  #insertMissing(sequence: number, missing: number, timestampUs: number): void {
    let at = sequence;
    let left = missing;
    let index = this.#indexFrom(at);
    while (this.#segments[index - 1]?.sequence === at) index--;
    for (; left > 0; index++) {
      const other = this.#segments[index];
      if (other === undefined || sequenceDistance(at, other.sequence) > 0) {
        return this.#insert(index, at, nothing, left, timestampUs);
      }
      // The same frame cut again tells nothing new.
      if (other.bytes.length === 0 && other.missing >= left) return;
      const otherEnd = sequenceAdd(other.sequence, other.bytes.length);
      left -= sequenceDistance(at, otherEnd);
      at = otherEnd;
    }
  }

  #insert(index: number, sequence: number, bytes: Uint8Array, missing: number, timestampUs: number): void {
    const isAcked = index < this.#ackedCount;
    if (isAcked) this.#ackedCount++;
    const ackedUs = isAcked ? timestampUs : undefined;
    const end = sequenceAdd(sequence, bytes.length + missing);
    if (this.#segments.length === 0 || sequenceDistance(this.#end, end) > 0) this.#end = end;
    this.#segments.splice(index, 0, { sequence, bytes, missing, timestampUs, ackedUs });
    this.#count(bytes.length, 1);
  }

  #count(length: number, sign: 1 | -1): void {
    const counters = this.#counters;
    const allocated = sign * (length + heldSegmentOverheadBytes);
    this.#allocatedBytes += allocated;
    counters.heldBytes += sign * length;
    counters.heldSegments += sign;
    counters.heldAllocatedBytes += allocated;
    counters.heldAllocatedBytesPeak = Math.max(counters.heldAllocatedBytesPeak, counters.heldAllocatedBytes);
  }
}
