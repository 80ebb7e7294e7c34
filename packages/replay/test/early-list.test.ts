// Deliveries in the order of their due times; those due at the same time in the order in which they came.

import { expect, test } from 'vitest';
import { createRandom, seedOfThisRun } from '../../../test/kit/random.ts';
import { Delivery } from '../src/delivery.ts';
import { EarlyList } from '../src/early-list.ts';
import { aRequest } from './a-request.ts';

const owner = { onSent: () => {}, onEnd: () => {} };
const delivery = (dueMs: number, connection: number, index = 0) =>
  new Delivery(aRequest({ connection, index }), dueMs, owner);

test('random additions and removals come out as a sorted list does', () => {
  for (let turn = 0; turn < 100; turn++) {
    const random = createRandom(seedOfThisRun() + turn);
    const list = new EarlyList();
    const oracle: Delivery[] = [];
    for (let at = 0; at < 300; at++) {
      if (random.chance(0.6)) {
        const connection = random.below(5);
        const added = delivery(list.inOrderMs(connection, random.below(50)), connection, at);
        list.add(added);
        oracle.push(added);
      } else {
        const [expected] = [...oracle].sort((one, other) => one.dueMs - other.dueMs);
        expect(list.first?.request.index, `seed ${random.seed}`).toBe(expected?.request.index);
        list.shift();
        if (expected !== undefined) oracle.splice(oracle.indexOf(expected), 1);
      }
      expect(list.length, `seed ${random.seed}`).toBe(oracle.length);
    }
  }
});

test('a connection keeps its order; what others are due at means nothing to it, nor what has gone', () => {
  const list = new EarlyList();
  list.add(delivery(100, 1));
  expect(list.inOrderMs(1, 50)).toBe(100);
  expect(list.inOrderMs(1, 150)).toBe(150);
  expect(list.inOrderMs(2, 50)).toBe(50);
  list.shift();
  expect(list.inOrderMs(1, 50)).toBe(50);
  list.shift();
  expect(list.first).toBeUndefined();
});
