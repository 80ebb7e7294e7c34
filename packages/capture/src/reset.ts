// Which RSTs can be real. Its receiver takes only one of exactly the next number (RFC 5961, section 3.2).

import { earlierSequence, sequenceAdd, sequenceDistance } from './sequence.ts';
import { reorderBytes } from './stream-start.ts';

/** How far ahead of all that was captured a RST may stand: the capture may have missed what came before it. */
const resetLeadBytes = 1024 * 1024;

/**
 * Whether a RST of this sequence number can be real where its sender's stream stands at `next`, with data seen up to
 * `furthest` and acknowledged up to `ackedTo`: what was captured may not all have arrived.
 */
export function isPlausibleReset(
  sequence: number,
  next: number,
  furthest: number,
  ackedTo = sequenceAdd(next, -reorderBytes),
): boolean {
  const ahead = sequenceDistance(furthest, sequence);
  if (ahead > 0) return ahead <= resetLeadBytes;
  return sequenceDistance(earlierSequence(ackedTo, next), sequence) >= 0;
}
