// Builds frames and capture files byte by byte, from the standards and not from our code: an independent oracle.
// IPv4: RFC 791. IPv6: RFC 8200. TCP: RFC 9293. Capture files: draft-ietf-opsawg-pcap.

/** What a TCP segment is made of; all but the payload has a default. */
export interface PacketFields {
  /** Dotted IPv4, or eight full groups of IPv6. Both of the same version. */
  readonly from?: string;
  readonly to?: string;
  readonly fromPort?: number;
  readonly toPort?: number;
  readonly sequence?: number;
  readonly acknowledgment?: number;
  /** Letters out of SAFRPU, as tcpdump writes them. Default: A. */
  readonly flags?: string;
  readonly payload?: Uint8Array | string;
  /** TCP options, padded by the caller to a multiple of four bytes. */
  readonly options?: Uint8Array;
}

const flagBits: Readonly<Record<string, number>> = { F: 0x01, S: 0x02, R: 0x04, P: 0x08, A: 0x10, U: 0x20 };

/** A TCP header with options and payload; the checksum is left at zero, as network cards leave it. */
export function tcpSegment(fields: PacketFields): Uint8Array {
  const options = fields.options ?? new Uint8Array(0);
  const payload = asBytes(fields.payload ?? '');
  const flags = [...(fields.flags ?? 'A')].reduce((bits, letter) => bits | (flagBits[letter] ?? 0), 0);
  return bytes(
    uint16(fields.fromPort ?? 40_000),
    uint16(fields.toPort ?? 80),
    uint32(fields.sequence ?? 0),
    uint32(fields.acknowledgment ?? 0),
    [((20 + options.length) / 4) << 4, flags],
    uint16(65_535), // window
    [0, 0, 0, 0], // checksum, urgent pointer
    options,
    payload,
  );
}

/** What an IPv4 header can be made to say. */
export interface Ipv4Fields {
  /** Default: the true length. */
  readonly totalLength?: number;
  /** Default: 0x4000, don't fragment. */
  readonly fragment?: number;
  readonly protocol?: number;
  readonly options?: Uint8Array;
}

/** An IPv4 packet around a TCP segment. */
export function ipv4Packet(fields: PacketFields, ip: Ipv4Fields = {}): Uint8Array {
  const segment = tcpSegment(fields);
  const options = ip.options ?? new Uint8Array(0);
  const headerLength = 20 + options.length;
  return bytes(
    [0x40 | (headerLength / 4), 0],
    uint16(ip.totalLength ?? headerLength + segment.length),
    [0, 0],
    uint16(ip.fragment ?? 0x4000),
    [64, ip.protocol ?? 6, 0, 0],
    ipv4Address(fields.from ?? '10.0.0.1'),
    ipv4Address(fields.to ?? '10.0.0.2'),
    options,
    segment,
  );
}

/** An extension header of IPv6: its number, and its bytes with the first one left for the next header's number. */
export interface Ipv6Extension {
  readonly header: number;
  readonly bytes: readonly number[];
}

/** An IPv6 packet around a TCP segment. */
export function ipv6Packet(
  fields: PacketFields,
  { extensions = [], payloadLength }: { extensions?: readonly Ipv6Extension[]; payloadLength?: number } = {},
): Uint8Array {
  const numbers = [...extensions.map(({ header }) => header), 6];
  const chain = extensions.flatMap((extension, index) => [numbers[index + 1] ?? 6, ...extension.bytes.slice(1)]);
  const segment = tcpSegment(fields);
  return bytes(
    [0x60, 0, 0, 0],
    uint16(payloadLength ?? chain.length + segment.length),
    [numbers[0] ?? 6, 64],
    ipv6Address(fields.from ?? '2001:db8:0:0:0:0:0:1'),
    ipv6Address(fields.to ?? '2001:db8:0:0:0:0:0:2'),
    chain,
    segment,
  );
}

/** An Ethernet frame; `tags` are VLAN tags as [EtherType, VLAN id]. Short frames are padded to 60 bytes, as on the wire. */
export function ethernetFrame(packet: Uint8Array, tags: readonly (readonly [number, number])[] = []): Uint8Array {
  const frame = bytes(
    [0x02, 0, 0, 0, 0, 0x02], // destination
    [0x02, 0, 0, 0, 0, 0x01], // source
    tags.flatMap(([type, id]) => [...uint16(type), ...uint16(id)]),
    uint16(etherType(packet)),
    packet,
  );
  return frame.length >= 60 ? frame : bytes(frame, new Uint8Array(60 - frame.length).fill(0xee));
}

/** A frame of a Linux cooked capture v1. Packet type 0 came to this host, 4 was sent by it. */
export function sllFrame(packet: Uint8Array, packetType = 0, hardwareType = 1): Uint8Array {
  return bytes(
    uint16(packetType),
    uint16(hardwareType),
    [0, 6, 2, 0, 0, 0, 0, 1, 0, 0],
    uint16(etherType(packet)),
    packet,
  );
}

/** A frame of a Linux cooked capture v2. */
export function sll2Frame(packet: Uint8Array, packetType = 0, hardwareType = 1): Uint8Array {
  const address = [2, 0, 0, 0, 0, 1, 0, 0];
  return bytes(uint16(etherType(packet)), [0, 0, 0, 0, 0, 2], uint16(hardwareType), [packetType, 6], address, packet);
}

/** A frame in a capture file; the time counts in the file's own resolution. */
export interface CapturedFrame {
  readonly bytes: Uint8Array;
  readonly seconds?: number;
  readonly fraction?: number;
  /** On the wire; default: all of it was captured. */
  readonly originalLength?: number;
}

/** A classic capture file. */
export function pcapFile(
  frames: readonly CapturedFrame[],
  {
    linkType = 1,
    littleEndian = true,
    magic = 0xa1b2c3d4,
  }: { linkType?: number; littleEndian?: boolean; magic?: number } = {},
): Uint8Array {
  const ordered = (field: number[]): number[] => (littleEndian ? field.reverse() : field);
  const word = (value: number): number[] => ordered(uint32(value));
  return bytes(
    word(magic),
    ordered(uint16(2)),
    ordered(uint16(4)),
    word(0),
    word(0),
    word(262_144),
    word(linkType),
    ...frames.flatMap((frame) => [
      word(frame.seconds ?? 0),
      word(frame.fraction ?? 0),
      word(frame.bytes.length),
      word(frame.originalLength ?? frame.bytes.length),
      frame.bytes,
    ]),
  );
}

function etherType(packet: Uint8Array): number {
  return (packet[0] ?? 0) >> 4 === 6 ? 0x86dd : 0x0800;
}

function ipv4Address(text: string): number[] {
  return text.split('.').map(Number);
}

function ipv6Address(text: string): number[] {
  return text.split(':').flatMap((group) => uint16(Number.parseInt(group, 16)));
}

function uint16(value: number): number[] {
  return [(value >>> 8) & 0xff, value & 0xff];
}

function uint32(value: number): number[] {
  return [...uint16(value >>> 16), ...uint16(value & 0xffff)];
}

function bytes(...parts: (readonly number[] | Uint8Array)[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => Array.from(part)));
}

function asBytes(payload: Uint8Array | string): Uint8Array {
  return typeof payload === 'string' ? Uint8Array.from(payload, (character) => character.charCodeAt(0)) : payload;
}
