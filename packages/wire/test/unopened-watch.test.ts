import { expect, test } from 'vitest';
import { type UnopenedNews, UnopenedWatch } from '../src/unopened-watch.ts';

const from = (address: string) => ({ address, port: 7 });

test('a scanner hides no listener: each source and reason is told of once a minute', () => {
  const told: UnopenedNews[] = [];
  const watch = new UnopenedWatch((news) => told.push(news));
  for (let nowMs = 0; nowMs < 61_000; nowMs += 10) {
    watch.note('not-sealed', from('203.0.113.5'), nowMs);
    if (nowMs % 1000 === 0) watch.note('unknown-key', from('10.0.0.7'), nowMs);
  }
  expect(told.map(({ reason, datagrams }) => [reason, datagrams])).toEqual([
    ['not-sealed', 1],
    ['unknown-key', 1],
    ['not-sealed', 6000],
    ['unknown-key', 60],
  ]);
  expect(told[1]?.from).toEqual(from('10.0.0.7'));
});

test('made-up sources make four lines a minute, and do not hide one that goes on for good', () => {
  const told: UnopenedNews[] = [];
  const watch = new UnopenedWatch((news) => told.push(news));
  for (let nowMs = 0; nowMs < 180_000; nowMs += 10) {
    watch.note('forged', from(`198.51.${(nowMs / 10) >>> 8}.${(nowMs / 10) & 255}`), nowMs);
    if (nowMs % 500 === 0) watch.note('unknown-key', from('10.0.0.7'), nowMs);
  }
  expect(told.length).toBeLessThanOrEqual(12);
  const listener = told.filter(({ reason }) => reason === 'unknown-key');
  expect(listener.length).toBeGreaterThanOrEqual(2);
  expect(listener.at(-1)?.datagrams).toBeGreaterThan(100);
});
