import { describe, expect, test } from 'vitest';
import { LossyLink, type LossyLinkOptions } from './lossy-link.ts';
import { createRandom } from './random.ts';

type Behaviour = Omit<LossyLinkOptions, 'random' | 'onDeliver'>;

interface Run {
  /** Which datagrams arrived, in their order. */
  readonly arrived: number[];
  readonly counts: LossyLink['counts'];
}

function run(seed: number, behaviour: Behaviour, datagrams = 200, perMs = 1): Run {
  const arrived: number[] = [];
  const link = new LossyLink({
    random: createRandom(seed),
    ...behaviour,
    // Of a corrupted one that is too short nothing tells which it is.
    onDeliver: (each) => void arrived.push(each.length < 4 ? -1 : new DataView(each.buffer).getUint32(0)),
  });
  const bytes = new Uint8Array(4);
  for (let count = 0; count < datagrams; count++) {
    const nowMs = Math.floor(count / perMs);
    new DataView(bytes.buffer).setUint32(0, count);
    link.send(bytes, nowMs);
    link.advance(nowMs);
  }
  link.advance(datagrams + 1000);
  expect(link.counts.delivered).toBe(arrived.length);
  expect(link.nextMs).toBe(Number.POSITIVE_INFINITY);
  return { arrived, counts: link.counts };
}

/** How many later datagrams arrived before each. */
function overtakings(arrived: readonly number[]): number[] {
  const before = new Set<number>();
  return arrived.map((each) => {
    before.add(each);
    let later = 0;
    for (let other = each + 1; other <= each + 1000; other++) if (before.has(other)) later++;
    return later;
  });
}

const mixed: Behaviour = { loss: 0.2, duplicate: 0.1, reorder: 0.5 };

test('the same seed gives the same run, another seed another', () => {
  expect(run(1, mixed)).toEqual(run(1, mixed));
  expect(run(1, mixed).arrived).not.toEqual(run(2, mixed).arrived);
});

test('what is sent is lost or arrives, doubled ones twice, some of it out of order', () => {
  const { arrived, counts } = run(7, mixed);
  expect(counts.delivered).toBe(counts.sent - counts.lost + counts.duplicated);
  expect(counts.lost).toBeGreaterThan(20);
  expect(counts.duplicated).toBeGreaterThan(5);
  expect(arrived).not.toEqual([...arrived].sort((a, b) => a - b));
});

test('without a cause everything arrives once, in its order', () => {
  const { arrived, counts } = run(1, {}, 5000, 100);
  expect(arrived).toEqual(Array.from({ length: 5000 }, (_, index) => index));
  expect(counts.delivered).toBe(5000);
});

test('bursts are as frequent and as long as they are said to be, and lose all', () => {
  const { arrived } = run(3, { burst: 0.01, burstLength: 20 }, 200_000, 100);
  const lengths: number[] = [];
  for (let place = 1; place < arrived.length; place++) {
    const missing = arrived[place]! - arrived[place - 1]! - 1;
    if (missing > 0) lengths.push(missing);
  }
  const lost = lengths.reduce((sum, length) => sum + length, 0);
  expect(lost / lengths.length).toBeGreaterThan(18);
  expect(lost / lengths.length).toBeLessThan(22);
  expect(lengths.length / arrived.length).toBeGreaterThan(0.009);
  expect(lengths.length / arrived.length).toBeLessThan(0.011);
});

describe('a datagram is overtaken by up to 500 later ones', () => {
  const behaviour = { reorder: 0.01, reorderDatagrams: 500, reorderMs: 1000 };
  test.each([1, 40, 1000])('at %i a millisecond', (perMs) => {
    const { arrived, counts } = run(5, behaviour, 100_000, perMs);
    const overtaken = overtakings(arrived);
    expect(counts.delivered).toBe(100_000);
    expect(Math.max(...overtaken)).toBeGreaterThan(450);
    expect(Math.max(...overtaken)).toBeLessThanOrEqual(500);
    expect(overtaken.filter((count) => count > 0).length).toBeGreaterThan(counts.reordered * 0.9);
  });

  test('and comes after its time where nothing more is sent', () => {
    const { arrived } = run(5, { reorder: 1, reorderDatagrams: 500 }, 10);
    expect([...arrived].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

test('a million datagrams take seconds', () => {
  const all = { loss: 0.05, burst: 0.001, duplicate: 0.05, reorder: 0.05, reorderDatagrams: 500, corrupt: 0.01 };
  const beganMs = performance.now();
  const { counts } = run(9, all, 1_000_000, 500);
  expect(counts.delivered).toBe(counts.sent - counts.lost + counts.duplicated);
  expect(performance.now() - beganMs).toBeLessThan(15_000);
});
