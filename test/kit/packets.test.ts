import { expect, test } from 'vitest';
import { ethernetFrame, ipv4Packet, ipv6Packet, pcapFile } from './packets.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('an IPv4 packet has the bytes that RFC 791 and RFC 9293 draw', () => {
  const packet = ipv4Packet({ sequence: 1, acknowledgment: 2, flags: 'PA', payload: 'hi' });
  expect(hex(packet)).toBe(
    '4500002a00004000400600000a0000010a000002' + // IPv4, 42 bytes, 10.0.0.1 to 10.0.0.2
      '9c40005000000001000000025018ffff00000000' + // TCP, port 40000 to 80
      '6869',
  );
});

test('an IPv6 packet chains its extension headers', () => {
  const packet = ipv6Packet({}, { extensions: [{ header: 0, bytes: [0, 0, 1, 4, 0, 0, 0, 0] }] });
  expect(hex(packet.subarray(0, 8))).toBe('60000000001c0040'); // 28 bytes, hop-by-hop first
  expect(hex(packet.subarray(40, 48))).toBe('0600010400000000'); // then TCP
});

test('a short Ethernet frame is padded, and a tag stands before the type', () => {
  const frame = ethernetFrame(ipv4Packet({}), [[0x8100, 5]]);
  expect(frame.length).toBe(60);
  expect(hex(frame.subarray(12, 18))).toBe('810000050800');
});

test('a capture file is written in either byte order', () => {
  const frame = { bytes: Uint8Array.of(7), seconds: 1, fraction: 2 };
  expect(hex(pcapFile([frame])).slice(0, 8)).toBe('d4c3b2a1');
  expect(hex(pcapFile([frame], { littleEndian: false })).slice(-34)).toBe(
    `${'00000001'}${'00000002'}${'00000001'.repeat(2)}07`,
  );
});
