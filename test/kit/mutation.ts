// Damages bytes as faulty peers, captures and networks do, and worse.
import type { Random } from './random.ts';

/** A copy with up to six changes: bytes, bits, lengths, pieces put in, the end cut off. One in eight stays as it is. */
export function mutated(original: Uint8Array, random: Random, pieces: readonly Uint8Array[]): Uint8Array {
  let bytes = Uint8Array.from(original);
  if (random.chance(0.125)) return bytes;
  for (let change = 1 + random.below(6); change > 0 && bytes.length > 0; change--) {
    const at = random.below(bytes.length);
    const kind = random.below(8);
    if (kind < 4) bytes[at] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
    else if (kind < 6) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    else if (kind === 6) bytes = Buffer.concat([bytes.subarray(0, at), random.pick(pieces), bytes.subarray(at)]);
    else bytes = bytes.slice(0, random.chance(0.5) ? at : bytes.length - random.below(Math.min(bytes.length, 8)));
  }
  return bytes;
}
