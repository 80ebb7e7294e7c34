// Builds ring memory as the kernel fills it (<linux/if_packet.h>), in this machine's byte order.

/** One packet as the kernel would store it; all but the bytes has a default. */
export interface StoredPacket {
  /** From the network header on. */
  readonly bytes: Uint8Array;
  readonly seconds?: number;
  readonly nanoseconds?: number;
  /** On the wire; default: all of it was stored. */
  readonly originalLength?: number;
  /** 0 host, 1 broadcast, 2 multicast, 3 other host, 4 outgoing. */
  readonly packetType?: number;
  /** ARPHRD_: 1 Ethernet, 772 loopback. */
  readonly hardwareType?: number;
  readonly protocol?: number;
}

const blockHeaderLength = 48;
const packetAt = 96;

/** A ring of blocks, each with its packets. */
export function ringMemory(blocks: readonly (readonly StoredPacket[])[], blockBytes = 4096): ArrayBuffer {
  const memory = new ArrayBuffer(blocks.length * blockBytes);
  for (const [index, packets] of blocks.entries()) fillBlock(memory, index * blockBytes, packets);
  return memory;
}

function fillBlock(memory: ArrayBuffer, start: number, packets: readonly StoredPacket[]): void {
  const words = new Uint32Array(memory);
  let at = start + blockHeaderLength;
  words.set([1, 0, 1, packets.length, blockHeaderLength], start / 4);
  for (const [index, packet] of packets.entries()) {
    const length = Math.ceil((packetAt + packet.bytes.length) / 8) * 8;
    const isLast = index === packets.length - 1;
    fillPacket(memory, at, packet, isLast ? 0 : length);
    at += length;
  }
}

function fillPacket(memory: ArrayBuffer, at: number, packet: StoredPacket, next: number): void {
  const { bytes, seconds = 0, nanoseconds = 0, originalLength = bytes.length } = packet;
  const { packetType = 0, hardwareType = 1, protocol = 0x0800 } = packet;
  new Uint32Array(memory).set([next, seconds, nanoseconds, bytes.length, originalLength, 1], at / 4);
  new Uint16Array(memory).set([packetAt, packetAt], (at + 24) / 2);
  new Uint16Array(memory).set([hardwareType], (at + 56) / 2);
  new Uint8Array(memory).set([protocol >> 8, protocol & 0xff], at + 50);
  new Uint8Array(memory).set([packetType], at + 58);
  new Uint8Array(memory).set(bytes, at + packetAt);
}
