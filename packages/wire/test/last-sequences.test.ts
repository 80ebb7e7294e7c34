import { expect, test } from 'vitest';
import { createRandom, seedOfThisRun } from '../../../test/kit/random.ts';
import { LastSequences } from '../src/last-sequences.ts';

test('each connection has its last datagram, until it ends', () => {
  const last = new LastSequences(10);
  expect([last.replace(7, 1), last.replace(8, 1), last.replace(7, 3), last.replace(7, 3)]).toEqual([0, 0, 1, 3]);
  expect([last.remove(7), last.remove(7), last.replace(7, 4), last.replace(8, 5)]).toEqual([3, 0, 0, 1]);
  expect(last.forgotten).toBe(0);
});

test('over the limit the least recently used goes, whatever came in between: as in a list that is searched', () => {
  const random = createRandom(seedOfThisRun());
  const last = new LastSequences(5);
  let expected: { connection: number; sequence: number }[] = [];
  let forgotten = 0;
  for (let sequence = 1; sequence <= 5_000; sequence++) {
    const connection = random.below(9);
    const before = expected.find((entry) => entry.connection === connection)?.sequence ?? 0;
    expected = expected.filter((entry) => entry.connection !== connection);
    if (random.chance(0.2)) {
      expect(last.remove(connection), `seed ${random.seed}`).toBe(before);
    } else {
      expect(last.replace(connection, sequence), `seed ${random.seed}`).toBe(before);
      expected.push({ connection, sequence });
      if (expected.length > 5) {
        expected.shift();
        forgotten++;
      }
    }
    expect(last.forgotten).toBe(forgotten);
  }
  expect(forgotten).toBeGreaterThan(100);
});
