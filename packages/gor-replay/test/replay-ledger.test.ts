// Rejected records by session: copies go out, and what is kept of sessions long gone is bounded.
import { expect, test } from 'vitest';
import { RejectCounts } from '../src/replay-ledger.ts';

test('each session has counts of its own, and what was given out does not change', () => {
  const rejects = new RejectCounts();
  rejects.count('a', 'unfinished');
  rejects.count('b', 'no-put');
  const before = rejects.of('a');
  rejects.count('a', 'unfinished');
  rejects.count('a', 'trailing-bytes');
  expect(before).toEqual({ unfinished: 1 });
  expect(rejects.of('a')).toEqual({ unfinished: 2, 'trailing-bytes': 1 });
  expect(rejects.of('b')).toEqual({ 'no-put': 1 });
  expect(rejects.of('never seen')).toEqual({});
});

test('a session that goes on keeps its counts, and those of the others are added up', () => {
  const rejects = new RejectCounts();
  for (let number = 0; number < 5000; number++) {
    rejects.count(`short ${number}`, 'unfinished');
    rejects.count('long', 'unfinished');
  }
  expect(rejects.of('long')).toEqual({ unfinished: 5000 });
  expect(rejects.of('short 0')).toEqual({});
  expect(rejects.of('short 4999')).toEqual({ unfinished: 1 });
  expect(rejects.ofAllBut(new Set(['long', 'short 4999']))).toEqual({ unfinished: 4999 });
  expect(rejects.of('short 4998')).toEqual({});
});
