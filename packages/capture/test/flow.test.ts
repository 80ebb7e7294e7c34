import { expect, test } from 'vitest';
import { flowDestination, flowKey, flowSource, reverseFlow } from '../src/flow.ts';

const ports = [0x1f, 0x90, 0x00, 0x50];

test('an IPv4 flow reads back as its two ends', () => {
  const flow = flowKey(Uint8Array.of(10, 0, 0, 255, 192, 168, 1, 2, ...ports), 0, 4, 8);
  expect(flowSource(flow)).toEqual({ address: '10.0.0.255', port: 8080 });
  expect(flowDestination(flow)).toEqual({ address: '192.168.1.2', port: 80 });
  expect(flowSource(reverseFlow(flow))).toEqual(flowDestination(flow));
  expect(reverseFlow(reverseFlow(flow))).toBe(flow);
});

// RFC 5952, section 4.
test.each([
  ['0000 0000 0000 0000 0000 0000 0000 0001', '::1'],
  ['0000 0000 0000 0000 0000 0000 0000 0000', '::'],
  ['2001 0db8 0000 0000 0000 0000 0002 0001', '2001:db8::2:1'],
  ['2001 0db8 0000 0001 0001 0001 0001 0001', '2001:db8:0:1:1:1:1:1'],
  ['2001 0000 0000 0001 0000 0000 0000 0001', '2001:0:0:1::1'],
  ['2001 0db8 0000 0000 0001 0000 0000 0001', '2001:db8::1:0:0:1'],
  ['fe80 0000 0000 0000 0000 0000 0000 0000', 'fe80::'],
])('%s is written %s', (hex, text) => {
  const address = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  const flow = flowKey(Uint8Array.of(...address, ...address.toReversed(), ...ports), 0, 16, 32);
  expect(flowSource(flow)).toEqual({ address: text, port: 8080 });
  expect(flowDestination(reverseFlow(flow)).address).toBe(text);
});
