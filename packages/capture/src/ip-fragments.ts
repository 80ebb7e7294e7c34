// Owner of all fragments that wait: puts packets together, and lets go what takes too long or too much. Time is what the
// frames and advance say; there is no timer. IPv4: RFC 791, section 3.2; IPv6: RFC 8200, section 4.5.

import { type FragmentLimits, resolveFragmentLimits } from './fragment-limits.ts';
import { FragmentedPacket, type FragmentVerdict } from './fragmented-packet.ts';
import { enterPayload } from './ip.ts';
import type { FrameReject, LayerCursor } from './layer-cursor.ts';

/** Memory for a fragment's objects. */
const bytesPerFragment = 256;
const ipv4AddressLength = 4;

/** Why the frame of a fragment ended without having been joined into a packet; each frame has one of them. */
export type FragmentDrop = (typeof fragmentDrops)[number];

/**
 * All the reasons of {@link FragmentDrop}:
 * - `fragment-timeout`: the others did not come in time.
 * - `fragment-limit`: too much waited.
 * - `fragment-overlap`: fragments overlap in another way than as copies, so all of the packet is let go.
 * - `fragment-malformed`: fragments contradict each other about the length, one is empty, or the packet is too long.
 * - `fragment-cut`: the capture cut one that is not the last.
 * - `fragment-copy`: its bytes are there already.
 * - `fragment-unfinished`: the decoder was closed before the others came.
 */
export const fragmentDrops = [
  'fragment-timeout',
  'fragment-limit',
  'fragment-overlap',
  'fragment-malformed',
  'fragment-cut',
  'fragment-copy',
  'fragment-unfinished',
] as const;

/** What became of frames that hold fragments; those let go are in `rejected`. */
export interface FragmentCounters {
  /** Frames whose fragments wait now; 0 once the decoder is closed. */
  held: number;
  /** Frames whose bytes went into a packet that another frame made whole; that one counts by what the packet holds. */
  joined: number;
  /** Packets made whole. */
  packets: number;
  /** Memory of what waits, and the most that this ever was, in bytes: what `maxHeldBytes` limits. */
  heldBytes: number;
  heldBytesPeak: number;
}

/** The fragments of all packets. */
export class IpFragments {
  readonly #limits: FragmentLimits;
  /** In the order in which their first fragments came. */
  readonly #packets = new Map<string, FragmentedPacket>();
  /** Packets made whole: when, and their length. */
  readonly #finished = new Map<string, { readonly atUs: number; readonly length: number }>();
  readonly #counters: FragmentCounters = { held: 0, joined: 0, packets: 0, heldBytes: 0, heldBytesPeak: 0 };
  readonly #dropped = Object.fromEntries(fragmentDrops.map((reason) => [reason, 0])) as Record<FragmentDrop, number>;
  #nowUs = 0;
  #isClosed = false;

  constructor(limits?: Partial<FragmentLimits>) {
    this.#limits = resolveFragmentLimits(limits);
  }

  /**
   * Takes the fragment where the cursor stands. True: with it a packet is whole, and the cursor stands at what the packet
   * carries. False: the frame waits, or was let go, and is counted.
   */
  add(cursor: LayerCursor, timestampUs: number): boolean {
    if (this.#isClosed) return this.#drop('fragment-unfinished', 1);
    this.advance(timestampUs);
    const key = keyOf(cursor);
    if (this.#isCopy(key, cursor)) return this.#drop('fragment-copy', 1);
    const known = this.#packets.get(key);
    const packet = known ?? new FragmentedPacket(cursor, timestampUs);
    const bytesBefore = packet.bytes;
    const verdict = packet.add(cursor);
    if (verdict !== 'taken' && verdict !== 'whole') return this.#refuse(verdict, known === undefined ? undefined : key);
    if (known === undefined) this.#packets.set(key, packet);
    this.#hold(1, packet.bytes - bytesBefore + bytesPerFragment);
    if (verdict === 'taken') return this.#bound(key, packet);
    this.#finish(key, packet, timestampUs);
    cursor.fragmentProtocol = packet.join(cursor);
    return true;
  }

  /** Moves time on, and lets go what has waited too long. `nowUs` is on the clock of the frames. */
  advance(nowUs: number): void {
    const { timeoutMs, copyMemoryMs } = this.#limits;
    // Where the clock was set back, or a file holds several captures, nothing may wait for longer than the timeout.
    if (nowUs < this.#nowUs)
      for (const packet of this.#packets.values()) packet.firstUs = Math.min(packet.firstUs, nowUs);
    this.#nowUs = nowUs;
    for (const [key, { firstUs }] of this.#packets) {
      if (nowUs - firstUs <= timeoutMs * 1000) break;
      this.#letGo(key, 'fragment-timeout');
    }
    for (const [key, { atUs }] of this.#finished) {
      if (Math.abs(nowUs - atUs) <= copyMemoryMs * 1000) break;
      this.#finished.delete(key);
    }
  }

  /** Lets go all that waits. What comes later is `fragment-unfinished`, too. */
  close(): void {
    this.#isClosed = true;
    for (const key of this.#packets.keys()) this.#letGo(key, 'fragment-unfinished');
    this.#finished.clear();
  }

  /** A copy of the counters as they stand. */
  counters(): FragmentCounters {
    return { ...this.#counters };
  }

  /** Frames let go, by reason. */
  dropped(): Readonly<Record<FragmentDrop, number>> {
    return { ...this.#dropped };
  }

  /** Whether its packet is whole already, and the fragment within it: captured twice, on two interfaces for one. */
  #isCopy(key: string, cursor: LayerCursor): boolean {
    const finished = this.#finished.get(key);
    return finished !== undefined && cursor.fragmentOffset + cursor.end + cursor.missing - cursor.at <= finished.length;
  }

  /** A fragment that was not taken; `key` is that of the packet which ends with it, if there is one. */
  #refuse(verdict: Exclude<FragmentVerdict, 'taken' | 'whole'>, key: string | undefined): false {
    if (verdict === 'copy') return this.#drop('fragment-copy', 1);
    if (verdict === 'refused') return this.#drop('fragment-malformed', 1);
    const reason = `fragment-${verdict}` as const;
    if (key !== undefined) this.#letGo(key, reason);
    return this.#drop(reason, 1);
  }

  #bound(key: string, packet: FragmentedPacket): false {
    const { maxPackets, maxFragmentsPerPacket, maxHeldBytes } = this.#limits;
    if (packet.frames > maxFragmentsPerPacket) this.#letGo(key, 'fragment-limit');
    while (this.#packets.size > maxPackets || this.#counters.heldBytes > maxHeldBytes) {
      const oldest = this.#packets.keys().next();
      if (oldest.done === true) break;
      this.#letGo(oldest.value, 'fragment-limit');
    }
    return false;
  }

  #finish(key: string, packet: FragmentedPacket, timestampUs: number): void {
    this.#release(key, packet);
    this.#counters.joined += packet.frames - 1;
    this.#counters.packets++;
    this.#finished.delete(key);
    this.#finished.set(key, { atUs: timestampUs, length: packet.length });
    const oldest = this.#finished.keys().next();
    if (this.#finished.size > this.#limits.maxPackets && oldest.done !== true) this.#finished.delete(oldest.value);
  }

  #letGo(key: string, reason: FragmentDrop): void {
    const packet = this.#packets.get(key);
    if (packet === undefined) return;
    this.#release(key, packet);
    this.#drop(reason, packet.frames);
  }

  #release(key: string, packet: FragmentedPacket): void {
    this.#packets.delete(key);
    this.#hold(-packet.frames, -(packet.bytes + packet.frames * bytesPerFragment));
  }

  #hold(frames: number, bytes: number): void {
    const counters = this.#counters;
    counters.held += frames;
    counters.heldBytes += bytes;
    if (counters.heldBytes > counters.heldBytesPeak) counters.heldBytesPeak = counters.heldBytes;
  }

  #drop(reason: FragmentDrop, frames: number): false {
    this.#dropped[reason] += frames;
    return false;
  }
}

/** Goes on behind a packet made whole. */
export function enterJoined(cursor: LayerCursor): FrameReject | undefined {
  return enterPayload(cursor, cursor.fragmentProtocol);
}

/**
 * Which packet a fragment is of: addresses, identification, for IPv4 the protocol, and the network that it came by, since
 * several VLANs or virtual networks may use the same addresses.
 */
function keyOf(cursor: LayerCursor): string {
  const { bytes, addressesAt, addressLength, fragmentId, fragmentProtocol, network } = cursor;
  const isIpv4 = addressLength === ipv4AddressLength;
  let key = String.fromCharCode(
    fragmentId >>> 16,
    fragmentId & 0xffff,
    isIpv4 ? fragmentProtocol : 0,
    network >>> 16,
    network & 0xffff,
  );
  for (let at = addressesAt; at < addressesAt + 2 * addressLength; at += 2) {
    key += String.fromCharCode(bytes[at]! * 256 + bytes[at + 1]!);
  }
  return key;
}
