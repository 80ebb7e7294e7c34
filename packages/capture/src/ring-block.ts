// The packets in one block of a TPACKET_V3 ring, where the kernel put them. Every offset is checked against the block
// before it is used, so that no content leads out of it or around in circles.
// Layout: struct tpacket_block_desc, tpacket3_hdr and sockaddr_ll in <linux/if_packet.h>, in the host's byte order.

import { type Frame, linkTypes } from './frame.ts';

const blockHeader = { packetsAt: 12, firstPacketAt: 16, length: 48 } as const;
const packetHeader = {
  nextAt: 0,
  secondsAt: 4,
  nanosecondsAt: 8,
  capturedLengthAt: 12,
  originalLengthAt: 16,
  networkAt: 26,
  hardwareTypeAt: 56,
  packetTypeAt: 58,
  length: 68,
} as const;
/** Packets begin at multiples of this. */
const alignment = 8;

/** PACKET_OUTGOING: this host sent it. */
const packetTypeOutgoing = 4;
/** ARPHRD_LOOPBACK. */
const hardwareTypeLoopback = 772;

const etherTypes = { ipv4: 0x0800, ipv6: 0x86dd, vlan: 0x8100, serviceVlan: 0x88a8, oldQinQ: 0x9100 } as const;
/** An id, and the type of what follows. */
const vlanTag = { length: 4, typeLength: 2 } as const;
/** Looked for behind the one that the kernel took out. */
const mostVlanTags = 2;
const ipv4 = { totalLengthAt: 2, length: 20 } as const;
const ipv6 = { payloadLengthAt: 4, length: 40 } as const;

/**
 * Why the rest of a block cannot be read, which the kernel never causes:
 * - `bad-block`: its header points out of it.
 * - `bad-offset`: a packet's header lies outside of it, or before the packet that names it.
 * - `bad-length`: a packet is longer than the rest of the block.
 */
export type RingBlockReject = 'bad-block' | 'bad-offset' | 'bad-length';

/** What became of the packets of all blocks: `packets` = `frames` + `echoes` + `unread`, but for what next has yet to give. */
export interface RingBlockCounters {
  packets: number;
  frames: number;
  /** Frames longer than what the ring holds of them. Counted within `frames`. */
  cut: number;
  /** Packets that were being sent over loopback: each comes again as received. */
  echoes: number;
  /** Packets in the rest of rejected blocks. */
  unread: number;
  rejected: Record<RingBlockReject, number>;
}

/** Reads block after block of one ring: enter a block, then call next until it gives no more. */
export class RingBlock {
  /** As they stand; not to be changed. */
  readonly counters: RingBlockCounters = {
    packets: 0,
    frames: 0,
    cut: 0,
    echoes: 0,
    unread: 0,
    rejected: { 'bad-block': 0, 'bad-offset': 0, 'bad-length': 0 },
  };
  readonly #bytes: Uint8Array;
  readonly #halves: Uint16Array;
  readonly #words: Uint32Array;
  readonly #blockBytes: number;
  readonly #frame: Frame;
  /** The next packet's header, and the end of the block. */
  #at = 0;
  #end = 0;
  #packetsLeft = 0;

  /** `memory` is the whole ring, in blocks of `blockBytes`, which is a multiple of 8. */
  constructor(memory: ArrayBuffer, blockBytes: number) {
    this.#bytes = new Uint8Array(memory);
    this.#halves = new Uint16Array(memory);
    this.#words = new Uint32Array(memory);
    this.#blockBytes = blockBytes;
    const bytes = this.#bytes;
    this.#frame = {
      linkType: linkTypes.raw,
      timestampUs: 0,
      bytes,
      start: 0,
      end: 0,
      originalLength: 0,
      direction: 'in',
    };
  }

  /** Begins with the block of that index. What next did not give of the block before counts as unread. */
  enter(index: number): void {
    this.counters.unread += this.#packetsLeft;
    const start = index * this.#blockBytes;
    const most = Math.floor((this.#blockBytes - blockHeader.length) / packetHeader.length);
    const packets = this.#words[(start + blockHeader.packetsAt) >>> 2]!;
    this.#packetsLeft = Math.min(packets, most);
    this.counters.packets += this.#packetsLeft;
    this.#end = start + this.#blockBytes;
    this.#at = start;
    const first = this.#words[(start + blockHeader.firstPacketAt) >>> 2]!;
    if (packets > most) this.#reject('bad-block');
    else if (packets > 0) this.#step(first, 'bad-block');
  }

  /** The block's next frame, valid only until the next call, always the same object; undefined at the end of the block. */
  next(): Frame | undefined {
    while (this.#packetsLeft > 0) {
      const at = this.#at;
      const start = at + this.#halves[(at + packetHeader.networkAt) >>> 1]!;
      const capturedLength = this.#words[(at + packetHeader.capturedLengthAt) >>> 2]!;
      if (start < at + packetHeader.length || start + capturedLength > this.#end) {
        this.#reject('bad-length');
        break;
      }
      this.#packetsLeft--;
      if (this.#packetsLeft > 0) this.#step(this.#words[(at + packetHeader.nextAt) >>> 2]!, 'bad-offset');
      if (this.#isEcho(at)) this.counters.echoes++;
      else return this.#fill(at, start, start + capturedLength);
    }
    return undefined;
  }

  /** Moves on to the packet `distance` bytes further, which must lie in the block with its header. */
  #step(distance: number, reason: RingBlockReject): void {
    const at = this.#at + distance;
    const isForward = distance >= blockHeader.length && distance % alignment === 0;
    if (isForward && at + packetHeader.length <= this.#end) this.#at = at;
    else this.#reject(reason);
  }

  #reject(reason: RingBlockReject): void {
    this.counters.rejected[reason]++;
    this.counters.unread += this.#packetsLeft;
    this.#packetsLeft = 0;
  }

  #isEcho(at: number): boolean {
    return this.#bytes[at + packetHeader.packetTypeAt] === packetTypeOutgoing && this.#isLoopback(at);
  }

  #isLoopback(at: number): boolean {
    return this.#halves[(at + packetHeader.hardwareTypeAt) >>> 1] === hardwareTypeLoopback;
  }

  #fill(at: number, start: number, end: number): Frame {
    const frame = this.#frame;
    const words = this.#words;
    const originalLength = words[(at + packetHeader.originalLengthAt) >>> 2]!;
    const nanoseconds = words[(at + packetHeader.nanosecondsAt) >>> 2]!;
    const packetStart = skipVlanTags(this.#bytes, start, end, originalLength);
    frame.timestampUs = words[(at + packetHeader.secondsAt) >>> 2]! * 1_000_000 + Math.floor(nanoseconds / 1000);
    frame.start = packetStart;
    frame.end = end;
    frame.originalLength = originalLength - (packetStart - start);
    const isOutgoing = this.#bytes[at + packetHeader.packetTypeAt] === packetTypeOutgoing;
    frame.direction = this.#isLoopback(at) ? 'loopback' : isOutgoing ? 'out' : 'in';
    this.counters.frames++;
    if (originalLength > end - start) this.counters.cut++;
    return frame;
  }
}

/**
 * Where the IP packet begins. The kernel takes out the outer VLAN tag; of a further one, the two bytes of its id and the
 * type behind it stay in place. Kernels disagree on whether the packet's own header tells (before Linux 6.10 sll_protocol
 * was the tag's, since then it is that of what the tag holds), so the bytes decide: a type, and behind it a packet of
 * that type with a length that is possible. Of IPv4, only a later fragment could be mistaken for that.
 */
function skipVlanTags(bytes: Uint8Array, start: number, end: number, originalLength: number): number {
  for (let tags = 1; tags <= mostVlanTags; tags++) {
    const typeAt = start + tags * vlanTag.length - vlanTag.typeLength;
    const packetAt = typeAt + vlanTag.typeLength;
    if (packetAt + ipv4.length > end) break;
    const type = uint16(bytes, typeAt);
    if (isPacket(type, bytes, packetAt, end, start + originalLength)) return packetAt;
    if (type !== etherTypes.vlan && type !== etherTypes.serviceVlan && type !== etherTypes.oldQinQ) break;
  }
  return start;
}

function isPacket(type: number, bytes: Uint8Array, at: number, end: number, wireEnd: number): boolean {
  if (type === etherTypes.ipv4) {
    const totalLength = uint16(bytes, at + ipv4.totalLengthAt);
    return bytes[at]! >> 4 === 4 && totalLength >= ipv4.length && at + totalLength <= wireEnd;
  }
  if (type !== etherTypes.ipv6 || end - at < ipv6.length) return false;
  return bytes[at]! >> 4 === 6 && at + ipv6.length + uint16(bytes, at + ipv6.payloadLengthAt) === wireEnd;
}

function uint16(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 256 + bytes[at + 1]!;
}
