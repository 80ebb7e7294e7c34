import { describe, expect, test } from 'vitest';
import { Rendezvous } from '../src/rendezvous.ts';

const CONNECTIONS = 100_000;
const NAMES = ['a:28020', 'b:28020', 'c:28020', 'replay-4.example:28021', '[::1]:28020'];

function shares(choice: (connection: number) => number, servers: number, from = 0): number[] {
  const counts = new Array<number>(servers).fill(0);
  for (let connection = from; connection < from + CONNECTIONS; connection++) counts[choice(connection)]!++;
  return counts.map((count) => count / CONNECTIONS);
}

describe('100,000 connections', () => {
  test.each([
    [1, 1],
    [2, 1],
    [3, 2 ** 32 - 50_000],
    [5, 2 ** 53 - CONNECTIONS],
  ])('spread evenly over %i servers, from number %i on', (servers, from) => {
    const rendezvous = new Rendezvous(NAMES.slice(0, servers));
    for (const share of shares((connection) => rendezvous.present(connection), servers, from)) {
      expect(Math.abs(share * servers - 1)).toBeLessThan(0.03);
    }
  });

  test('of a server that is away go to the others evenly, and nothing else moves; they return', () => {
    const rendezvous = new Rendezvous(NAMES);
    expect([rendezvous.setAway(2, true), rendezvous.setAway(2, true), rendezvous.isAnyAway]).toEqual([
      true,
      false,
      true,
    ]);
    for (let connection = 0; connection < CONNECTIONS; connection++) {
      const first = rendezvous.first(connection);
      const present = rendezvous.present(connection);
      if (first === 2 ? present === 2 : present !== first) throw new Error(`connection ${connection}`);
    }
    const moved = shares((connection) => (rendezvous.first(connection) === 2 ? rendezvous.present(connection) : 2), 5);
    for (const server of [0, 1, 3, 4]) expect(Math.abs(moved[server]! * 20 - 1)).toBeLessThan(0.05);
    rendezvous.setAway(2, false);
    for (let connection = 0; connection < 1000; connection++) {
      expect(rendezvous.present(connection)).toBe(rendezvous.first(connection));
    }
  });

  test('stay where they are when a server is added at the end or the order changes, but for its own', () => {
    const [four, five] = [new Rendezvous(NAMES.slice(0, 4)), new Rendezvous(NAMES)];
    const turned = new Rendezvous(NAMES.toReversed());
    for (let connection = 0; connection < CONNECTIONS; connection++) {
      const chosen = five.first(connection);
      if (chosen !== 4 && chosen !== four.first(connection)) throw new Error(`connection ${connection}`);
      if (NAMES.length - 1 - turned.first(connection) !== chosen) throw new Error(`connection ${connection}`);
    }
  });
});

test('numbers that differ only in their high bits are spread, too', () => {
  const rendezvous = new Rendezvous(NAMES.slice(0, 2));
  let toFirst = 0;
  for (let high = 0; high < 10_000; high++) if (rendezvous.present(high * 2 ** 32) === 0) toFirst++;
  expect(Math.abs(toFirst / 5000 - 1)).toBeLessThan(0.05);
});

test('where all are away it is as if none were', () => {
  const rendezvous = new Rendezvous(NAMES);
  for (const server of NAMES.keys()) rendezvous.setAway(server, true);
  for (let connection = 0; connection < 1000; connection++) {
    expect(rendezvous.present(connection)).toBe(rendezvous.first(connection));
  }
});

test('misuse is told', () => {
  expect(() => new Rendezvous([])).toThrow('servers must name at least one server');
  expect(() => new Rendezvous(['a:1', 'b:1', 'a:1'])).toThrow('servers must not name a:1 twice');
});
