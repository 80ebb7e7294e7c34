// Builds IP packets around any payload, UDP datagrams, and fragments, byte by byte from the standards (RFC 791, 8200, 768)
// and not from our code: an independent oracle.

/** An IPv4 packet around any payload. `fragment` is the field of flags and offset. */
export function ipv4Around(payload: Uint8Array, protocol: number, { id = 0, fragment = 0x4000 } = {}): Uint8Array {
  return join(
    [0x45, 0],
    uint16(20 + payload.length),
    uint16(id),
    uint16(fragment),
    [64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2],
    payload,
  );
}

/** An IPv6 packet around any payload. */
export function ipv6Around(payload: Uint8Array, nextHeader: number, prefix: readonly number[] = [0x20, 1]): Uint8Array {
  const address = (last: number): number[] => [...prefix, ...new Array(15 - prefix.length).fill(0), last];
  return join([0x60, 0, 0, 0], uint16(payload.length), [nextHeader, 64], address(1), address(2), payload);
}

/** A UDP datagram; the checksum is left at zero. */
export function udpDatagram(payload: Uint8Array, port: number, fromPort = 49_152): Uint8Array {
  return join(uint16(fromPort), uint16(port), uint16(8 + payload.length), [0, 0], payload);
}

/** Cuts an IP packet (IPv4 with a header of 20 bytes, IPv6 without extensions) into fragments of up to `size` bytes, a multiple of 8. */
export function fragmentsOf(packet: Uint8Array, size: number, id: number): Uint8Array[] {
  const isIpv4 = (packet[0] ?? 0) >> 4 === 4;
  const headerLength = isIpv4 ? 20 : 40;
  const payload = packet.subarray(headerLength);
  const fragments: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < payload.length; at += size) {
    const more = at + size < payload.length ? 1 : 0;
    fragments.push(fragmentOf(packet, { offset: at, bytes: payload.subarray(at, at + size), more: more === 1, id }));
  }
  return fragments;
}

/** One fragment with the header of an IP packet, and any bytes at any offset. */
export function fragmentOf(
  packet: Uint8Array,
  { offset, bytes, more, id }: { offset: number; bytes: Uint8Array; more: boolean; id: number },
): Uint8Array {
  if ((packet[0] ?? 0) >> 4 === 4) {
    const bits = (more ? 0x2000 : 0) + offset / 8;
    const lengths = join(uint16(20 + bytes.length), uint16(id), uint16(bits));
    return join(packet.subarray(0, 2), lengths, packet.subarray(8, 20), bytes);
  }
  const extension = [packet[6] ?? 0, 0, ...uint16(offset + (more ? 1 : 0)), ...uint32(id)];
  return join(packet.subarray(0, 4), uint16(8 + bytes.length), [44, 64], packet.subarray(8, 40), extension, bytes);
}

/** Of an IP packet. */
export function version(ip: Uint8Array): number {
  return (ip[0] ?? 0) >> 4;
}

/** In network order. */
export function uint16(value: number): number[] {
  return [(value >>> 8) & 0xff, value & 0xff];
}

/** In network order. */
export function uint24(value: number): number[] {
  return [(value >>> 16) & 0xff, ...uint16(value)];
}

/** In network order. */
export function uint32(value: number): number[] {
  return [value >>> 24, ...uint24(value)];
}

/** One behind the other. */
export function join(...parts: (readonly number[] | Uint8Array)[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
