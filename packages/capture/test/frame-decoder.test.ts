import { expect, test } from 'vitest';
import { ethernetFrame, ipv4Packet } from '../../../test/kit/packets.ts';
import { type Frame, FrameDecoder, linkTypes, type Segment, TcpAssembler } from '../src/index.ts';

function frameOf(bytes: Uint8Array, end = bytes.length): Frame {
  const linkType = linkTypes.ethernet;
  return { linkType, timestampUs: 0, bytes, start: 0, end, originalLength: bytes.length, direction: 'in' };
}

test('every frame is counted as a segment or under its reason', () => {
  const segments: Segment[] = [];
  const decoder = new FrameDecoder({ ports: [80], onSegment: (segment) => segments.push(segment) });
  decoder.push(frameOf(ethernetFrame(ipv4Packet({ toPort: 80 }))));
  decoder.push(frameOf(ethernetFrame(ipv4Packet({ fromPort: 80, toPort: 5 }))));
  decoder.push(frameOf(ethernetFrame(ipv4Packet({ toPort: 81 }))));
  decoder.push(frameOf(ethernetFrame(ipv4Packet({}, { protocol: 17 }))));
  decoder.push(frameOf(new Uint8Array(3)));
  const payload = 'x'.repeat(100);
  decoder.push(frameOf(ethernetFrame(ipv4Packet({ payload })), 60));
  const counters = decoder.counters();
  expect(counters).toMatchObject({ seen: 6, segments: 3, cut: 1 });
  expect(counters.rejected).toMatchObject({ 'other-port': 1, 'not-tcp': 1, truncated: 1 });
  expect(counters.seen).toBe(
    counters.segments + Object.values(counters.rejected).reduce((sum, count) => sum + count, 0),
  );
  expect(segments.map((segment) => segment.missing)).toEqual([0, 0, 94]);
});

test.each([2 ** 27, 2 ** 31 + 100, 4_000_000_000, 2 ** 32 - 1])(
  'a frame without an IP length that claims to have had %i bytes tells nothing, and ends nothing in a loop',
  (originalLength) => {
    const events: string[] = [];
    const client = {
      data: (bytes: Uint8Array) => events.push(`${bytes.length}`),
      gap: (length: number) => events.push(`gap ${length}`),
      end: (reason: string) => events.push(reason),
    };
    const assembler = new TcpAssembler({ onConnection: () => ({ client }) });
    const decoder = new FrameDecoder({ onSegment: (segment) => assembler.push(segment) });
    const packet = ipv4Packet({ payload: 'abcdefghij' }); // long enough for no padding
    packet.fill(0, 2, 4); // the total length
    const frame = frameOf(ethernetFrame(packet));
    decoder.push(frame);
    decoder.push({ ...frame, originalLength });
    assembler.advance(1_000_000);
    assembler.close();
    expect(events).toEqual(['10', 'closed']);
    expect(decoder.counters().rejected['malformed-tcp']).toBe(1);
  },
);

test('without ports every port passes', () => {
  const decoder = new FrameDecoder({ onSegment: () => {} });
  decoder.push(frameOf(ethernetFrame(ipv4Packet({ fromPort: 1, toPort: 2 }))));
  expect(decoder.counters().segments).toBe(1);
});

test('what is no port is refused', () => {
  expect(() => new FrameDecoder({ ports: [0], onSegment: () => {} })).toThrow(/ports: 0 .* 1 to 65535/);
});
