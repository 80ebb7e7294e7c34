// The data of one stream that waits for a hole before it: copies, in order of sequence, without overlap. Of bytes that
// come twice the first copy stays. What it allocates is counted in the assembler's counters, which the limits read.

import type { AssemblerCounters } from './assembler-counters.ts';
import { sequenceAdd, sequenceDistance } from './sequence.ts';

/** Memory that a held piece takes beside its bytes: two objects, their buffer's header, a place in the list. */
export const heldSegmentOverheadBytes = 256;

/** A piece of data that waits. */
export interface HeldSegment {
  readonly sequence: number;
  /** Our own copy. Empty in a piece that only says what is missing. */
  readonly bytes: Uint8Array;
  /** Bytes behind this piece that the capture cut off. */
  readonly missing: number;
  readonly timestampUs: number;
}

/** The waiting pieces of one stream. */
export class HeldSegments {
  readonly #counters: AssemblerCounters;
  readonly #segments: HeldSegment[] = [];
  #allocatedBytes = 0;

  constructor(counters: AssemblerCounters) {
    this.#counters = counters;
  }

  get first(): HeldSegment | undefined {
    return this.#segments[0];
  }

  get count(): number {
    return this.#segments.length;
  }

  get allocatedBytes(): number {
    return this.#allocatedBytes;
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
        this.#insert(index++, sequenceAdd(sequence, at - start), copy(bytes, at, until), 0, timestampUs);
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
    if (segment !== undefined) this.#count(segment.bytes.length, -1);
    return segment;
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
    const index = this.#indexFrom(sequence);
    const before = this.#segments[index - 1];
    // The same frame cut again tells nothing new.
    if (before !== undefined && before.sequence === sequence && before.missing >= missing) return;
    const other = this.#segments[index];
    if (other === undefined || sequenceDistance(sequence, other.sequence) >= 0) {
      this.#insert(index, sequence, new Uint8Array(0), missing, timestampUs);
      return;
    }
    const otherEnd = sequenceAdd(other.sequence, other.bytes.length);
    const left = missing - sequenceDistance(sequence, otherEnd);
    if (left > 0) this.#insertMissing(otherEnd, left, timestampUs);
  }

  #insert(index: number, sequence: number, bytes: Uint8Array, missing: number, timestampUs: number): void {
    this.#segments.splice(index, 0, { sequence, bytes, missing, timestampUs });
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

/** Not `slice`: of a Buffer that would be a view. */
function copy(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copied = new Uint8Array(end - start);
  copied.set(bytes.subarray(start, end));
  return copied;
}
