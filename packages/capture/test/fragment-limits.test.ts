// The limits of fragments: of time, number and bytes.

import { describe, expect, test } from 'vitest';
import { fragmentsOf } from '../../../test/kit/ip-packets.ts';
import { ipv4Packet } from '../../../test/kit/packets.ts';
import { fragmentDefaults, linkTypes } from '../src/index.ts';
import { Fragments, ipv4, payload } from './fragment-stage.ts';

describe('limits', () => {
  const firstOf = (id: number, bytes = 40) => fragmentsOf(ipv4, bytes, id)[0]!;
  const lastOf = (id: number) => fragmentsOf(ipv4, 40, id)[1]!;

  test('a packet waits for 30 s of packet time', () => {
    expect(new Fragments().push(firstOf(1), 0).push(lastOf(1), 30_000).outcome()).toEqual([`${payload} 30000`]);
    expect(new Fragments().push(firstOf(1), 0).push(lastOf(1), 30_001).outcome()).toEqual([
      ...['fragment-timeout 1', 'held 1'],
    ]);
  });

  test('time goes on where nothing comes, and may be set back', () => {
    const fragments = new Fragments().push(firstOf(1), 100_000);
    fragments.decoder.advance(40_000_000);
    expect(fragments.outcome()).toEqual(['held 1']);
    fragments.decoder.advance(70_000_000);
    expect(fragments.outcome()).toEqual(['held 1']);
    fragments.decoder.advance(70_001_000);
    expect(fragments.check().outcome()).toEqual(['fragment-timeout 1']);
  });

  test('copies are known for 100 ms, then a packet begins anew', () => {
    const fragments = new Fragments().push(firstOf(1)).push(lastOf(1)).push(lastOf(1), 100).push(firstOf(1), 101);
    expect(fragments.outcome()).toEqual([`${payload} 0`, 'fragment-copy 1', 'held 1']);
  });

  test.each([
    ['the oldest packet goes where there are too many', { maxPackets: 2 }],
    ['the oldest packet goes where they are too large', { maxHeldBytes: 2 * (40 + 256) }],
  ])('%s', (_, limits) => {
    const fragments = new Fragments(limits).push(firstOf(1)).push(firstOf(2)).push(firstOf(3));
    expect(fragments.outcome()).toEqual(['fragment-limit 1', 'held 2']);
    fragments.push(lastOf(2), 1).push(lastOf(3), 2);
    expect(fragments.outcome()).toEqual([`${payload} 1`, `${payload} 2`, 'fragment-limit 1']);
  });

  test('a packet goes that has too many fragments', () => {
    const fragments = new Fragments({ maxFragmentsPerPacket: 3 });
    for (const bytes of fragmentsOf(ipv4, 8, 1).slice(0, 4)) fragments.push(bytes);
    expect(fragments.outcome()).toEqual(['fragment-limit 4']);
  });

  test('zero is zero', () => {
    for (const limits of [{ maxPackets: 0 }, { maxHeldBytes: 0 }, { maxFragmentsPerPacket: 0 }]) {
      expect(new Fragments(limits).push(firstOf(1)).outcome()).toEqual(['fragment-limit 1']);
    }
  });

  test('what is no limit is refused', () => {
    expect(() => new Fragments({ timeoutMs: -1 })).toThrow(
      'fragmentLimits.timeoutMs: -1 is not a number of at least 0',
    );
    expect(() => new Fragments({ maxPackets: Number.NaN })).toThrow(RangeError);
  });

  test('a flood stays within them', () => {
    const fragments = new Fragments();
    const bytes = fragmentsOf(ipv4Packet({ payload: 'x'.repeat(1400) }), 1400, 0)[0]!;
    for (let id = 0; id < 20_000; id++) {
      bytes.set([id >> 8, id & 255], 4);
      fragments.decoder.push({
        ...{ linkType: linkTypes.raw, timestampUs: id, bytes, start: 0, end: bytes.length },
        ...{ originalLength: bytes.length, direction: 'in' },
      });
    }
    const { fragments: counts, rejected } = fragments.check().decoder.counters();
    expect(counts.held).toBe(fragmentDefaults.maxPackets);
    expect(counts.heldBytesPeak).toBeLessThanOrEqual(fragmentDefaults.maxHeldBytes + 2_000);
    expect(rejected['fragment-limit']).toBe(20_000 - fragmentDefaults.maxPackets);
  });
});
