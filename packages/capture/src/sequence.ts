// Arithmetic of TCP sequence numbers, which wrap at 2^32 (RFC 9293, section 3.4).

/** How many bytes `to` lies behind `from`: positive where it comes later. Right for distances below 2^31. */
export function sequenceDistance(from: number, to: number): number {
  return (to - from) | 0;
}

/** The sequence number `length` bytes after `sequence`, as uint32. */
export function sequenceAdd(sequence: number, length: number): number {
  return (sequence + length) >>> 0;
}

/** The one of two sequence numbers that comes first. */
export function earlierSequence(a: number, b: number): number {
  return ((b - a) | 0) < 0 ? b : a;
}
