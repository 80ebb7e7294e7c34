import { expect, test } from 'vitest';
import { asLatin1, latin1 } from '../../../test/kit/every-split.ts';
import { newAssemblerCounters } from '../src/assembler-counters.ts';
import { HeldSegments, heldSegmentOverheadBytes } from '../src/held-segments.ts';

// A picture is one segment: blanks up to its place, then its bytes. What is held is drawn in one line, pieces apart by |.
const rows: [sentence: string, pictures: string[], held: string, duplicates: number][] = [
  ['one piece', ['  abc'], '2abc', 0],
  ['pieces in order', ['  abc', '     def'], '2abc|5def', 0],
  ['pieces in reverse order', ['     def', '  abc'], '2abc|5def', 0],
  ['the same piece twice', ['  abc', '  ABC'], '2abc', 3],
  ['a later copy within', ['  abcde', '   XY'], '2abcde', 2],
  ['a later copy that is longer on both sides', ['   cd', '  XYZW'], '2X|3cd|5W', 2],
  ['an overlap at the front', ['    cd', '  XYZ'], '2XY|4cd', 1],
  ['an overlap at the back', ['  ab', '   XYZ'], '2ab|4YZ', 1],
  [
    'a copy over several pieces and the holes between',
    ['  a', '    b', '      c', ' 1234567'],
    '11|2a|33|4b|55|6c|77',
    3,
  ],
  ['a piece that fits a hole exactly', ['  a', '    c', '   b'], '2a|3b|4c', 0],
];

// Just below the wrap, so that the pictures cross it.
const origin = 0xfffffffc;

test.each(rows)('%s', (_, pictures, expected, duplicates) => {
  const counters = newAssemblerCounters();
  const held = new HeldSegments(counters);
  let found = 0;
  for (const picture of pictures) {
    const bytes = latin1(`##${picture.trimStart()}##`);
    const at = picture.length - picture.trimStart().length;
    found += held.hold((origin + at) >>> 0, bytes, 2, bytes.length - 2, 0, 0);
    bytes.fill(0); // what is held must be a copy
  }
  expect(found).toBe(duplicates);
  expect(counters.heldAllocatedBytes).toBe(counters.heldBytes + held.count * heldSegmentOverheadBytes);
  expect(held.allocatedBytes).toBe(counters.heldAllocatedBytes);
  const pieces: string[] = [];
  for (let piece = held.shift(); piece !== undefined; piece = held.shift()) {
    pieces.push(`${(piece.sequence - origin) >>> 0}${asLatin1(piece.bytes)}`);
  }
  expect(pieces.join('|')).toBe(expected);
  expect(counters).toMatchObject({ heldBytes: 0, heldSegments: 0, heldAllocatedBytes: 0 });
});

test('a Buffer is copied too', () => {
  const held = new HeldSegments(newAssemblerCounters());
  const bytes = Buffer.from('abc');
  held.hold(1, bytes, 0, 3, 0, 0);
  bytes.fill(0);
  expect(asLatin1(held.shift()?.bytes ?? bytes)).toBe('abc');
});

test('what is missing is noted behind what is held there all the same', () => {
  const held = new HeldSegments(newAssemblerCounters());
  const hold = (sequence: number, text: string, missing: number): number =>
    held.hold(sequence, latin1(text), 0, text.length, missing, 0);
  hold(10, 'abcdefgh', 0); // [10, 18)
  hold(12, 'cd', 2); // its missing bytes [14, 16) are held
  hold(12, 'cd', 9); // of [14, 23) the part from 18 on is not
  hold(12, 'cd', 9);
  hold(20, 'k', 0);
  expect(hold(16, 'ghijklm', 0)).toBe(3);
  const pieces: unknown[] = [];
  for (let piece = held.shift(); piece !== undefined; piece = held.shift()) {
    pieces.push([piece.sequence, asLatin1(piece.bytes), piece.missing]);
  }
  expect(pieces).toEqual([
    [10, 'abcdefgh', 0],
    [18, '', 5],
    [18, 'ij', 0],
    [20, 'k', 0],
    [21, 'lm', 0],
  ]);
});
