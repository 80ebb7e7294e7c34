// The headers that encapsulations.ts puts around packets, where several of them need the same.

import { join, uint16, uint24, version } from './ip-packets.ts';

/** Two addresses, then what begins with a type; padded to 60 bytes. */
export function ethernet(typedPayload: Uint8Array): Uint8Array {
  const frame = join([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1], typedPayload);
  return frame.length >= 60 ? frame : join(frame, new Uint8Array(60 - frame.length).fill(0xee));
}

/** A cooked header up to its protocol. */
export function cooked(hardwareType: number): Uint8Array {
  return join([0, 0], uint16(hardwareType), [0, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
}

/** LLC with SNAP around an IP packet. */
export function snap(ip: Uint8Array): Uint8Array {
  return join([0xaa, 0xaa, 3, 0, 0, 0], typed(ip));
}

/** Two labels, of which the second is the last. */
export function labels(number: number): Uint8Array {
  return join(uint24((number & 0xfffff) * 16), [64], [0x00, 0x01, 0x01, 63]);
}

/** An IP packet behind its protocol number. */
export function ppp(ip: Uint8Array): Uint8Array {
  return join([0, version(ip) === 4 ? 0x21 : 0x57], ip);
}

/** A session frame of PPP over Ethernet. */
export function pppoe(ip: Uint8Array): Uint8Array {
  return join([0x11, 0, 0, 7], uint16(2 + ip.length), ppp(ip));
}

/** A network service header with metadata of a fixed length. */
export function serviceHeader(next: number): number[] {
  return [0x0f, 0xc6, 0x01, next, 0, 0, 1, 0xff, ...new Array(16).fill(0)];
}

/** Two attributes, the header's with the hook of what came in, and the packet. */
export function nflog(ip: Uint8Array, isLittleEndian: boolean): Uint8Array {
  const field = (value: number): number[] => (isLittleEndian ? uint16(value).reverse() : uint16(value));
  const header = [...field(8), ...field(1), 8, 0, 1, 0];
  const prefix = [...field(5), ...field(10), 0, 0, 0, 0];
  return join([version(ip) === 4 ? 2 : 10, 0, 0, 5], header, prefix, field(4 + ip.length), field(9), ip);
}

/** An IP packet behind its EtherType. */
export function typed(ip: Uint8Array): Uint8Array {
  return join(etherType(ip), ip);
}

/** The EtherType of an IP packet. */
export function etherType(ip: Uint8Array): number[] {
  return version(ip) === 6 ? [0x86, 0xdd] : [0x08, 0x00];
}
