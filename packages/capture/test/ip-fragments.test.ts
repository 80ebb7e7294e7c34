// Fragments put together: in any order, with overlaps as Linux treats them; every frame in exactly one count.

import { describe, expect, test } from 'vitest';
import { fragmentOf, fragmentsOf, ipv4Around, ipv6Around, join, udpDatagram } from '../../../test/kit/ip-packets.ts';
import { ethernetFrame, ipv4Packet } from '../../../test/kit/packets.ts';
import { decodeSegment, linkTypes } from '../src/index.ts';
import { Fragments, ipv4, ipv6, payload, piece } from './fragment-stage.ts';

describe('of 80 bytes in fragments', () => {
  const whole = `${payload} 0`;
  // biome-ignore format: a table
  const rows: [sentence: string, pieces: [from: number, to: number, more?: boolean][], expected: string[]][] = [
    ['in order', [[0, 32], [32, 64], [64, 80]], [whole]],
    ['backwards', [[64, 80], [32, 64], [0, 32]], [whole]],
    ['from the middle', [[32, 64], [0, 32], [64, 80]], [whole]],
    ['one is lacking', [[0, 32], [64, 80]], ['held 2']],
    ['a copy is left out', [[0, 32], [0, 32], [32, 80]], [whole, 'fragment-copy 1']],
    ['a part of one is a copy', [[0, 64], [8, 16], [64, 80]], [whole, 'fragment-copy 1']],
    ['a part of two that came in order is a copy', [[0, 32], [32, 64], [16, 48], [64, 80]], [whole, 'fragment-copy 1']],
    ['a copy of the last', [[64, 80], [64, 80], [0, 64]], [whole, 'fragment-copy 1']],
    ['a copy behind the whole packet', [[0, 64], [64, 80], [64, 80], [0, 64]], [whole, 'fragment-copy 2']],
    ['an overlap at the front ends it', [[0, 32], [24, 64]], ['fragment-overlap 2']],
    ['an overlap at the back ends it', [[32, 64], [16, 40]], ['fragment-overlap 2']],
    ['one around another ends it', [[16, 24], [0, 32]], ['fragment-overlap 2']],
    ['one over two that came apart ends it', [[16, 32], [0, 16], [0, 32]], ['fragment-overlap 3']],
    ['what comes behind an overlap begins anew', [[0, 32], [24, 64], [64, 80]], ['fragment-overlap 2', 'held 1']],
    ['a last one before the end of another ends it', [[0, 64], [40, 56, false]], ['fragment-malformed 2']],
    ['two last ones that differ end it', [[64, 80], [64, 72, false]], ['fragment-malformed 2']],
    ['one behind the last ends it', [[64, 80], [80, 88, true]], ['fragment-malformed 2']],
    ['an empty one ends it', [[0, 32], [32, 32, true]], ['fragment-malformed 2']],
    ['only the last, which is all', [[0, 80, false]], [whole]],
  ];
  test.each(rows)('%s', (_, pieces, expected) => {
    for (const packet of [ipv4, ipv6]) {
      const fragments = new Fragments();
      for (const [from, to, more] of pieces) fragments.push(piece(from, to, more, packet));
      expect(fragments.outcome()).toEqual(expected);
    }
  });
});

test('a source may use one Buffer for all its frames', () => {
  for (const packet of [ipv4, ipv6]) {
    const fragments = new Fragments();
    const buffer = Buffer.alloc(256);
    for (const [from, to] of [
      [0, 32],
      [64, 80],
      [32, 64],
    ] as const) {
      const bytes = piece(from, to, to < 80, packet);
      buffer.fill(0x2e).set(bytes);
      fragments.push(buffer.subarray(0, bytes.length));
    }
    expect(fragments.outcome()).toEqual([`${payload} 0`]);
  }
});

describe('where the versions differ', () => {
  test('a fragment that is no multiple of eight is cut to one by IPv4, as Linux does it', () => {
    expect(
      new Fragments()
        .push(piece(0, 36, true))
        .push(piece(32, 80))
        .outcome(),
    ).toEqual([`${payload} 0`]);
    expect(new Fragments().push(piece(0, 4, true)).outcome()).toEqual(['fragment-malformed 1']);
  });

  test('and left out by IPv6', () => {
    const fragments = new Fragments().push(piece(0, 32, true, ipv6)).push(piece(32, 36, true, ipv6));
    expect(fragments.outcome()).toEqual(['fragment-malformed 1', 'held 1']);
    expect(fragments.push(piece(32, 80, false, ipv6)).outcome()).toEqual([`${payload} 0`, 'fragment-malformed 1']);
  });

  test('IPv6 goes by the protocol that the fragment at the front names', () => {
    const named = (protocol: number, bytes: Uint8Array) => join(bytes.subarray(0, 40), [protocol], bytes.subarray(41));
    for (const order of [[0, 1] as const, [1, 0] as const]) {
      const pieces = [piece(0, 32, true, ipv6), named(17, piece(32, 80, false, ipv6))];
      const fragments = new Fragments();
      for (const at of order) fragments.push(pieces[at]!);
      expect(fragments.outcome()).toEqual([`${payload} 0`]);
    }
  });

  test('more than 65,535 bytes end a packet of IPv4, and are left out by IPv6', () => {
    const far = (packet: Uint8Array) =>
      fragmentOf(packet, { offset: 65_528, bytes: new Uint8Array(16), more: false, id: 7 });
    expect(new Fragments().push(piece(0, 32)).push(far(ipv4)).outcome()).toEqual(['fragment-malformed 2']);
    expect(
      new Fragments()
        .push(piece(0, 32, true, ipv6))
        .push(far(ipv6))
        .outcome(),
    ).toEqual([...['fragment-malformed 1', 'held 1']]);
  });
});

describe('which packet a fragment is of', () => {
  const [first, second] = fragmentsOf(ipv4, 40, 7) as [Uint8Array, Uint8Array];
  const other = (change: (bytes: Uint8Array) => void): Uint8Array => {
    const bytes = second.slice();
    change(bytes);
    return bytes;
  };
  test.each([
    ['another identification', other((bytes) => bytes.fill(9, 4, 6))],
    ['another source', other((bytes) => bytes.fill(9, 12, 13))],
    ['another destination', other((bytes) => bytes.fill(9, 16, 17))],
    ['another protocol', other((bytes) => bytes.fill(17, 9, 10))],
  ])('%s is another packet', (_, bytes) => {
    expect(new Fragments().push(first).push(bytes).outcome()).toEqual(['held 2']);
  });

  test('two VLANs may use the same addresses', () => {
    const linkType = linkTypes.ethernet;
    const tagged = (bytes: Uint8Array, id: number) => ethernetFrame(bytes, [[0x8100, id]]);
    const fragments = new Fragments();
    fragments.push(tagged(first, 5), 0, { linkType }).push(tagged(second, 6), 0, { linkType });
    expect(fragments.outcome()).toEqual(['held 2']);
    fragments.push(tagged(second, 5), 1, { linkType }).push(tagged(first, 6), 2, { linkType });
    expect(fragments.outcome()).toEqual([`${payload} 1`, `${payload} 2`]);
  });

  test('protocols that never lead to TCP wait for nothing', () => {
    const echo = ipv4Around(new Uint8Array(80), 1);
    const fragments = new Fragments();
    for (const bytes of fragmentsOf(echo, 40, 7)) fragments.push(bytes);
    for (const bytes of fragmentsOf(ipv6Around(new Uint8Array(80), 58), 40, 7)) fragments.push(bytes);
    expect(fragments.outcome()).toEqual(['not-tcp 4']);
  });

  test('what a packet turns out to hold is counted once it is whole', () => {
    const dns = ipv4Around(udpDatagram(new Uint8Array(100), 53), 17);
    const fragments = new Fragments();
    for (const bytes of fragmentsOf(dns, 40, 7)) fragments.push(bytes);
    for (const bytes of fragmentsOf(ipv4Packet({ payload, toPort: 81 }), 40, 8)) fragments.push(bytes);
    expect(fragments.outcome()).toEqual(['not-tcp 1', 'other-port 1']);
    expect(fragments.decoder.counters().fragments).toMatchObject({ joined: 3, packets: 2 });
  });
});

describe('a fragment that the capture cut', () => {
  test('is the last: its end is missing', () => {
    const fragments = new Fragments().push(piece(64, 80), 0, { captured: 20 + 6 }).push(piece(0, 64));
    expect(fragments.outcome()).toEqual([`${payload.slice(0, 50)}+10 0`]);
    expect(fragments.decoder.counters().cut).toBe(1);
  });

  test('is another one: the packet is let go', () => {
    const fragments = new Fragments().push(piece(32, 80)).push(piece(0, 32), 0, { captured: 40 });
    expect(fragments.outcome()).toEqual(['fragment-cut 2']);
  });

  test('is cut within its header', () => {
    expect(new Fragments().push(piece(0, 32), 0, { captured: 19 }).outcome()).toEqual(['truncated 1']);
  });
});

test('at the end what waits is let go, and nothing is taken any more', () => {
  const fragments = new Fragments().push(piece(0, 32));
  fragments.decoder.close();
  fragments.decoder.close();
  fragments.check().push(piece(32, 80));
  expect(fragments.outcome()).toEqual(['fragment-unfinished 2']);
});

test('the pure function keeps nothing', () => {
  const frame = { linkType: linkTypes.raw, timestampUs: 0, start: 0, direction: 'in' } as const;
  for (const bytes of [...fragmentsOf(ipv4, 40, 1), ...fragmentsOf(ipv6, 40, 1)]) {
    expect(decodeSegment({ ...frame, bytes, end: bytes.length, originalLength: bytes.length })).toBe('ip-fragment');
  }
});
