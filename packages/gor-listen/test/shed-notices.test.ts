// When shedding is worth a line.
import { expect, test } from 'vitest';
import type { ShedCause } from '../src/index.ts';
import { ShedNotices } from '../src/shed-notices.ts';

const full: ShedCause = { sign: 'buffer', fill: 0.6 };
const late: ShedCause = { sign: 'late', lateMs: 250 };

type Note = [atMs: number, share: number, cause?: ShedCause];

test.each<[sentence: string, notes: Note[], said: (string | undefined)[]]>([
  [
    'nothing while nothing is shed',
    [
      [0, 0],
      [50, 0],
    ],
    [undefined, undefined],
  ],
  [
    'its beginning at once, and its end',
    [
      [0, 0.25, full],
      [60, 0],
    ],
    ['begins 0.25 buffer', '0'],
  ],
  [
    'changes every ten seconds',
    [
      [0, 0.25, full],
      [50, 0.5, late],
      [9999, 0.6],
      [10_000, 0.7],
    ],
    ['begins 0.25 buffer', undefined, undefined, '0.7 late'],
  ],
  [
    'no change, no line',
    [
      [0, 0.25, full],
      [20_000, 0.25, late],
      [40_000, 0.25],
    ],
    ['begins 0.25 buffer', undefined, undefined],
  ],
  [
    'less without a cause',
    [
      [0, 0.25, full],
      [20_000, 0.1],
    ],
    ['begins 0.25 buffer', '0.1'],
  ],
  [
    'when it begins again',
    [
      [0, 0.25, full],
      [50, 0],
      [100, 0.3, late],
    ],
    ['begins 0.25 buffer', '0', 'begins 0.3 late'],
  ],
])('%s', (_, notes, said) => {
  const notices = new ShedNotices();
  const lines = notes.map(([atMs, share, cause]) => {
    const notice = notices.note(atMs, share, cause);
    return notice && [notice.begins ? 'begins' : [], notice.share, notice.cause?.sign ?? []].flat().join(' ');
  });
  expect(lines).toEqual(said);
});
