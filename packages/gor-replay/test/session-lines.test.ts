// A bounded rate of lines, and none left out without a word.
import { expect, test } from 'vitest';
import { SessionLines } from '../src/session-lines.ts';

test('twenty lines pass in ten seconds; the next that passes says how many did not', () => {
  const lines = new SessionLines();
  const later = () => 'later';
  const shown = Array.from({ length: 50 }, (_, at) => lines.line(() => `session ${at}`, at)).filter(
    (line) => line !== undefined,
  );
  expect(shown).toHaveLength(20);
  expect(lines.line(later, 9_999)).toBeUndefined();
  expect(lines.line(later, 10_000)).toBe('later (31 lines like this one left out before)');
  expect(lines.line(() => 'and on', 10_001)).toBe('and on');
});
