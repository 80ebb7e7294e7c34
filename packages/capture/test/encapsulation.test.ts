// Whatever stands around a packet, its segment is the same; cut or damaged anywhere, it is right or there is a reason.

import { describe, expect, test } from 'vitest';
import { type Encapsulation, encapsulations, type Kind } from '../../../test/kit/encapsulations.ts';
import { asLatin1 } from '../../../test/kit/every-split.ts';
import { ethernetFrame, ipv4Packet, ipv6Packet, type PacketFields } from '../../../test/kit/packets.ts';
import { createRandom, type Random, seedOfThisRun } from '../../../test/kit/random.ts';
import { decodeSegment, type Frame, linkTypes, type Segment } from '../src/index.ts';

const maxTunnels = 8;
const fields: PacketFields = { sequence: 5, acknowledgment: 7, flags: 'PA', payload: 'GET / HTTP/1.1\r\n\r\n' };
const plain = { ip: [ipv4Packet(fields), ipv6Packet(fields)], ethernet: [ethernetFrame(ipv4Packet(fields))] } as const;
const toLink = encapsulations.filter(({ gives }) => typeof gives === 'number');
const inside = encapsulations.filter(({ gives }) => typeof gives !== 'number');

/** What was wrapped so far, and in what. */
interface Wrapped {
  readonly bytes: Uint8Array;
  readonly kind: Kind;
  readonly names: string;
  readonly tunnels: number;
}

function frameOf(bytes: Uint8Array, linkType: number, captured = bytes.length): Frame {
  const around = new Uint8Array(bytes.length + 32).fill(0x45);
  around.set(bytes, 16);
  const end = 16 + captured;
  const originalLength = bytes.length;
  return { linkType, timestampUs: 5, bytes: around, start: 16, end, originalLength, direction: 'unknown' };
}

function wrap(inner: Wrapped, { name, gives, tunnels = 0, wrap }: Encapsulation, number: number): Wrapped {
  const bytes = wrap(inner.bytes, number);
  return { bytes, kind: gives, names: `${name} < ${inner.names}`, tunnels: inner.tunnels + tunnels };
}

/** Into a frame of some link type. */
function finish(inner: Wrapped, random: Random): Wrapped {
  if (typeof inner.kind === 'number') return inner;
  return wrap(inner, random.pick(toLink.filter(({ takes }) => takes === inner.kind)), 1);
}

/** A packet in up to eight tunnels and a few layers that are none. */
function nested(packet: Uint8Array, random: Random): Wrapped {
  let wrapped: Wrapped = { bytes: packet, kind: 'ip', names: 'TCP', tunnels: 0 };
  for (let steps = random.below(14); steps > 0; steps--) {
    const fitting = inside.filter(
      ({ takes, tunnels = 0, largest = 60_000 }) =>
        takes === wrapped.kind && wrapped.tunnels + tunnels <= maxTunnels && wrapped.bytes.length <= largest,
    );
    if (fitting.length === 0) break;
    wrapped = wrap(wrapped, random.pick(fitting), random.below(1 << 20));
  }
  return finish(wrapped, random);
}

function expectSame(segment: ReturnType<typeof decodeSegment>, like: Segment, said: string): void {
  if (typeof segment === 'string') throw new Error(`${said}: ${segment}`);
  expect(payloadOf(segment), said).toBe(payloadOf(like));
  const { flow, sourcePort, destinationPort, sequence, acknowledgment, flags, missing } = like;
  expect(segment, said).toMatchObject({
    ...{ flow, sourcePort, destinationPort, sequence, acknowledgment, flags, missing },
  });
}

function payloadOf({ bytes, payloadStart, payloadEnd }: Segment): string {
  return asLatin1(bytes.subarray(payloadStart, payloadEnd));
}

function segmentOf(packet: Uint8Array): Segment {
  const segment = decodeSegment(frameOf(packet, linkTypes.raw));
  if (typeof segment === 'string') throw new Error(segment);
  return segment;
}

describe('the segment is the same inside of', () => {
  test.each(encapsulations.map((encapsulation) => [encapsulation.name, encapsulation] as const))('%s', (_, one) => {
    const random = createRandom(1);
    for (const bytes of plain[one.takes]) {
      const wrapped = finish(wrap({ bytes, kind: one.takes, names: '', tunnels: 0 }, one, 0x12345), random);
      const like = segmentOf(one.takes === 'ip' ? bytes : plain.ip[0]);
      expectSame(decodeSegment(frameOf(wrapped.bytes, Number(wrapped.kind))), like, wrapped.names);
    }
  });
});

test('nested in any way, up to eight tunnels, it stays the same', () => {
  const random = createRandom(seedOfThisRun());
  for (let round = 0; round < 3_000; round++) {
    const payload = random.bytes(random.chance(0.3) ? 0 : random.below(3000));
    const packet = random.chance(0.5) ? ipv4Packet({ ...fields, payload }) : ipv6Packet({ ...fields, payload });
    const { bytes, kind, names } = nested(packet, random);
    const said = `seed ${random.seed}, round ${round}: ${names}`;
    expectSame(decodeSegment(frameOf(bytes, Number(kind))), segmentOf(packet), said);
  }
});

test('one tunnel more is too deep', () => {
  for (const one of encapsulations.filter(({ takes, gives, tunnels }) => takes === gives && tunnels === 1)) {
    let wrapped: Wrapped = { bytes: plain[one.takes][0]!, kind: one.takes, names: '', tunnels: 0 };
    for (let depth = 0; depth < maxTunnels; depth++) wrapped = wrap(wrapped, one, 1);
    const link = one.takes === 'ip' ? linkTypes.raw : linkTypes.ethernet;
    expect(typeof decodeSegment(frameOf(wrapped.bytes, link)), one.name).toBe('object');
    expect(decodeSegment(frameOf(wrap(wrapped, one, 1).bytes, link)), one.name).toBe('too-deep');
  }
});

test('cut anywhere, there is a reason, or what was captured and what is missing', () => {
  const random = createRandom(seedOfThisRun());
  for (let round = 0; round < 300; round++) {
    // Short ones are padded by Ethernet, and padding that is cut off is no loss.
    const short = { ...fields, payload: 'GET' };
    const packet = random.pick([...plain.ip, ipv4Packet(short)]);
    const whole = segmentOf(packet);
    const text = payloadOf(whole);
    const { bytes, kind, names } = nested(packet, random);
    for (let captured = 0; captured < bytes.length; captured++) {
      const segment = decodeSegment(frameOf(bytes, Number(kind), captured));
      // Teredo on any port is known by the whole of its IPv6 header.
      if (segment === 'truncated' || (segment === 'not-tcp' && names.includes('between clients'))) continue;
      const said = `seed ${random.seed}, round ${round}, ${captured} of ${bytes.length} bytes: ${names}`;
      if (typeof segment === 'string') throw new Error(`${said}: ${segment}`);
      expect([segment.flow, segment.sequence], said).toEqual([whole.flow, whole.sequence]);
      expect(payloadOf(segment), said).toBe(text.slice(0, text.length - segment.missing));
    }
  }
});

test('damaged anywhere, there is a reason, or a payload within the frame', () => {
  const random = createRandom(seedOfThisRun());
  let segments = 0;
  for (let round = 0; round < 10_000; round++) {
    const { bytes, kind, names } = nested(random.pick(plain.ip), random);
    const damaged = bytes.slice();
    for (let flips = random.below(4); flips >= 0; flips--) damaged[random.below(bytes.length)] = random.below(256);
    const linkType = random.chance(0.9) ? Number(kind) : random.pick(Object.values(linkTypes));
    const frame = frameOf(damaged, linkType, random.chance(0.5) ? bytes.length : random.below(bytes.length + 1));
    const segment = decodeSegment(frame);
    if (typeof segment === 'string') continue;
    segments++;
    const { payloadStart, payloadEnd, missing } = segment;
    const isWithin =
      frame.start < payloadStart && payloadStart <= payloadEnd && payloadEnd <= frame.end && missing >= 0;
    expect(isWithin, `seed ${random.seed}, round ${round}: ${names}`).toBe(true);
  }
  expect(segments).toBeGreaterThan(100);
});
