// Fragments of tunnels, of what is inside of them, and of both; in any order, damaged, and in floods.

import { describe, expect, test } from 'vitest';
import { type Encapsulation, encapsulations } from '../../../test/kit/encapsulations.ts';
import { asLatin1 } from '../../../test/kit/every-split.ts';
import { fragmentsOf } from '../../../test/kit/ip-packets.ts';
import { ipv4Packet, ipv6Packet } from '../../../test/kit/packets.ts';
import { createRandom, seedOfThisRun } from '../../../test/kit/random.ts';
import { Fragments, ipv4, ipv6, payload } from './fragment-stage.ts';

describe('in tunnels', () => {
  const ipTunnels = encapsulations.filter(({ takes, gives }) => takes === 'ip' && gives === 'ip');

  test.each(ipTunnels.map((tunnel) => [tunnel.name, tunnel] as const))('%s', (_, tunnel) => {
    const inside = new Fragments();
    for (const bytes of fragmentsOf(ipv4, 40, 1)) inside.push(tunnel.wrap(bytes, 3));
    expect(inside.outcome()).toEqual([`${payload} 0`]);
    const around = new Fragments();
    for (const bytes of fragmentsOf(tunnel.wrap(ipv6, 3), 24, 1)) around.push(bytes);
    expect(around.outcome()).toEqual([`${payload} 0`]);
  });

  test('fragmented at every level, in any order, doubled, it is one segment', () => {
    const random = createRandom(seedOfThisRun());
    for (let round = 0; round < 400; round++) {
      const text = asLatin1(random.bytes(random.below(2_000)));
      let packets = [random.chance(0.5) ? ipv4Packet({ payload: text }) : ipv6Packet({ payload: text })];
      let id = 1;
      for (let level = random.below(4); level >= 0; level--) {
        const size = 8 * (8 + random.below(60));
        packets = packets.flatMap((bytes) => fragmentsOf(bytes, size, id++));
        const tunnel: Encapsulation = random.pick(ipTunnels.filter(({ tunnels }) => tunnels === 1));
        if (level === 0 || packets.length > 50) break;
        packets = packets.map((bytes) => tunnel.wrap(bytes, 3));
      }
      const doubled = random.shuffle([...packets, ...packets.filter(() => random.chance(0.2))]);
      const fragments = new Fragments();
      for (const bytes of doubled) fragments.push(bytes);
      const said = `seed ${random.seed}, round ${round}`;
      // What was not fragmented at all passes twice where it is doubled: TCP knows copies.
      expect([...new Set(fragments.lines)], said).toEqual([`${text} 0`]);
      fragments.decoder.close();
      expect(fragments.check().decoder.counters().fragments, said).toMatchObject({ held: 0, heldBytes: 0 });
    }
  });

  test('damaged ones stay within the limits, and every frame is counted', () => {
    const random = createRandom(seedOfThisRun());
    const limits = { maxPackets: 8, maxHeldBytes: 20_000, maxFragmentsPerPacket: 6, timeoutMs: 50 };
    const fragments = new Fragments(limits);
    const originals = [ipv4, ipv6, ...ipTunnels.map(({ wrap }) => wrap(ipv4, 3))].flatMap((bytes) => [
      ...fragmentsOf(bytes, 24, 1),
      ...fragmentsOf(bytes, 40, 2),
    ]);
    for (let round = 0; round < 20_000; round++) {
      const bytes = random.pick(originals).slice();
      for (let flips = random.below(3); flips > 0; flips--) bytes[random.below(60) % bytes.length] = random.below(256);
      const captured = random.chance(0.9) ? bytes.length : random.below(bytes.length + 1);
      fragments.push(bytes, round - (random.chance(0.01) ? random.below(1000) : 0), { captured });
      const { held, heldBytes } = fragments.decoder.counters().fragments;
      if (held > 8 * 6 || heldBytes > 20_000) throw new Error(`seed ${random.seed}, round ${round}: ${held} held`);
    }
    expect(fragments.lines.length, `seed ${random.seed}`).toBeGreaterThan(10);
    fragments.decoder.close();
    expect(fragments.check().decoder.counters().fragments).toMatchObject({ held: 0, heldBytes: 0 });
  });
});
