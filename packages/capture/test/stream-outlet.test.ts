import { expect, test } from 'vitest';
import { newAssemblerCounters } from '../src/assembler-counters.ts';
import { StreamOutlet } from '../src/stream-outlet.ts';

const deliver = (outlet: StreamOutlet, length: number): void =>
  outlet.deliver(new Uint8Array(length), 0, length, 'handshake', 0);
const passGap = (outlet: StreamOutlet, length: number): void => outlet.passGap(length, 'end', 'handshake', 0);

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
  const outlet = new StreamOutlet(counters);
  expect(outlet.isEmpty).toBe(true);
  for (const [run] of picture.matchAll(/=+|_+/g)) {
    if (run.startsWith('=')) deliver(outlet, run.length);
    else passGap(outlet, run.length);
  }
  const at = again.length - again.trimStart().length - 3;
  const length = again.trim().length;
  outlet.countAgain(picture.length - at, length);
  expect(counters.droppedBytes).toMatchObject({ late, 'before-start': beforeStart });
  expect(counters.duplicateBytes).toBe(length - late - beforeStart);
});

test('gaps side by side are one, and of many the oldest are forgotten', () => {
  const counters = newAssemblerCounters();
  const outlet = new StreamOutlet(counters);
  for (let count = 0; count < 40; count++) {
    passGap(outlet, 1);
    passGap(outlet, 1);
    deliver(outlet, 1);
  }
  outlet.countAgain(120, 120);
  expect(counters.droppedBytes.late).toBe(32);
  expect(counters.duplicateBytes).toBe(88);
});
