import { expect, test } from 'vitest';
import { isInShare } from '../src/share.ts';

const sessions = Array.from({ length: 20_000 }, (_, n) => `8f3a11c2d4e5f607/${n}`);

test.each([[0.1], [1], [10], [50], [99]])('%d%% of connections is that many, within a tenth of it or 20', (percent) => {
  const kept = sessions.filter((connection) => isInShare(connection, percent)).length;
  const expected = (sessions.length * percent) / 100;
  expect(Math.abs(kept - expected)).toBeLessThan(Math.max(20, expected / 10));
});

test('all are in 100%', () => {
  expect(sessions.every((connection) => isInShare(connection, 100))).toBe(true);
});

test('a smaller share is a part of a larger one', () => {
  for (const connection of sessions) {
    if (isInShare(connection, 5)) expect(isInShare(connection, 10)).toBe(true);
  }
});

test('numbers are as good as texts', () => {
  const kept = Array.from({ length: 20_000 }, (_, n) => n).filter((connection) => isInShare(connection, 10)).length;
  expect(Math.abs(kept - 2000)).toBeLessThan(200);
});
