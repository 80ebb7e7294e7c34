// Which connections are shed under load: whole ones, by a hash of their two ends, so that both directions of a connection
// share their fate and no state is kept. FNV-1a with MurmurHash3's finalizer; the salt is the process's own, so that
// nobody outside can choose to be shed, or not to be, and no other hash of the same ends goes with it.

import type { Segment } from './segment.ts';
import { tcpFlags } from './tcp.ts';

const STEPS = 256;
/** The largest share: one connection in 256 is always taken. */
const MOST_SHARE = (STEPS - 1) / STEPS;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** What was shed, all of it since the start. */
export interface ShedCounters {
  segments: number;
  /** Payload of these segments. */
  payloadBytes: number;
  /** Connections whose first SYN was among them; one that is sent again counts again. */
  connections: number;
}

/** Options of a {@link LoadShedder}. */
export interface LoadShedderOptions {
  /** A random integer, the same as long as connections shall keep their places; 32 bits of it count. */
  readonly salt: number;
}

/** Tells segments that are taken from those that are shed, and counts the latter. Sheds nothing until a share is set. */
export class LoadShedder {
  readonly #seed: number;
  readonly #counters: ShedCounters = { segments: 0, payloadBytes: 0, connections: 0 };
  /** Hashes below it are shed; 0 to 255. */
  #steps = 0;
  #highestSteps = 0;

  /** Throws RangeError where the salt is no integer. */
  constructor({ salt }: LoadShedderOptions) {
    if (!Number.isSafeInteger(salt)) throw new RangeError(`salt: ${salt} is not an integer`);
    this.#seed = mix(FNV_OFFSET ^ salt);
  }

  /** The share of all connections that is shed: 0, the default, to 255/256, in steps of 1/256. */
  get share(): number {
    return this.#steps / STEPS;
  }

  /** Rounded to the nearest step. Whatever a share sheds, every larger one sheds, too. Throws RangeError outside of 0 to 255/256. */
  set share(share: number) {
    if (!(share >= 0 && share <= MOST_SHARE)) throw new RangeError(`share: ${share} is not from 0 to 255/256`);
    this.#steps = Math.round(share * STEPS);
    this.#highestSteps = Math.max(this.#highestSteps, this.#steps);
  }

  /** Whether the segment is shed; then it is counted, and nobody else is to have it. */
  sheds(segment: Segment): boolean {
    if (this.#steps === 0 || !this.picks(segment.flow)) return false;
    this.leaveOut(segment);
    return true;
  }

  /** Counts a segment as shed that `sheds` let pass: it stands in the middle of what was shed before it. */
  leaveOut(segment: Segment): void {
    this.#counters.segments++;
    this.#counters.payloadBytes += segment.payloadEnd - segment.payloadStart;
    if ((segment.flags & (tcpFlags.syn | tcpFlags.ack)) === tcpFlags.syn) this.#counters.connections++;
  }

  /** Whether the connection, if it was there then, was shed at any time, by the key of either of its flows. */
  picked(flow: string): boolean {
    return this.#highestSteps > 0 && placeOf(flow, this.#seed) < this.#highestSteps;
  }

  /** Whether the connection is shed now, by the key of either of its flows, see {@link Segment}. */
  picks(flow: string): boolean {
    return placeOf(flow, this.#seed) < this.#steps;
  }

  /** A copy of the counters as they stand. */
  counters(): Readonly<ShedCounters> {
    return { ...this.#counters };
  }
}

/** 0 to 255, the same for both flows of a connection. */
function placeOf(flow: string, seed: number): number {
  const half = flow.length >>> 1;
  let source = seed;
  let destination = seed;
  for (let at = 0; at < half; at++) {
    source = Math.imul(source ^ flow.charCodeAt(at), FNV_PRIME);
    destination = Math.imul(destination ^ flow.charCodeAt(half + at), FNV_PRIME);
  }
  return mix(mix(source) + mix(destination)) >>> 24;
}

function mix(hash: number): number {
  let mixed = hash;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
