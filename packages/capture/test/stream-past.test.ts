import { expect, test } from 'vitest';
import { newAssemblerCounters } from '../src/assembler-counters.ts';
import { StreamPast } from '../src/stream-past.ts';

/** A picture of a past: `=` was delivered, `_` given up. What comes again stands below it, from before the start on. */
const rows: [sentence: string, past: string, again: string, late: number, beforeStart: number][] = [
  ['all of it was delivered', '====', '   ====', 0, 0],
  ['before the start', '====', 'xxxx', 0, 3],
  ['in a gap', '==__==', '     xx', 2, 0],
  ['over a gap', '==__==', '   xxxxxx', 2, 0],
  ['over several gaps', '=_=__=_', '   xxxxxxx', 4, 0],
  ['over all and before', '=_=__=_', 'xxxxxxxxxx', 4, 3],
  ['a part of a gap', '=____=', '     xx', 2, 0],
];

test.each(rows)('%s', (_, picture, again, late, beforeStart) => {
  const counters = newAssemblerCounters();
  const past = new StreamPast();
  expect(past.isEmpty).toBe(true);
  for (const [run] of picture.matchAll(/=+|_+/g)) {
    if (run.startsWith('=')) past.pass(run.length);
    else past.passGap(run.length);
  }
  const at = again.length - again.trimStart().length - 3;
  const length = again.trim().length;
  past.countAgain(picture.length - at, length, counters);
  expect(counters.droppedBytes).toMatchObject({ late, 'before-start': beforeStart });
  expect(counters.duplicateBytes).toBe(length - late - beforeStart);
});

test('gaps side by side are one, and of many the oldest are forgotten', () => {
  const counters = newAssemblerCounters();
  const past = new StreamPast();
  for (let count = 0; count < 40; count++) {
    past.passGap(1);
    past.passGap(1);
    past.pass(1);
  }
  past.countAgain(120, 120, counters);
  expect(counters.droppedBytes.late).toBe(32);
  expect(counters.duplicateBytes).toBe(88);
});
