import { expect, test } from 'vitest';
import { MAX_RANGES, RANGE_BYTES, REPORT_BYTES } from '../src/report.ts';
import { ReportState } from '../src/reporter.ts';

test('reports have no more bytes in all than what was accepted', () => {
  const state = new ReportState();
  state.accept(REPORT_BYTES + 16 + 2 * RANGE_BYTES);
  expect([state.roomForRanges(16), state.roomForRanges(17)]).toEqual([2, 1]);
  state.note(REPORT_BYTES + 16 + RANGE_BYTES, 0);
  expect(state.roomForRanges(16)).toBeLessThan(0);
  state.accept(1_000_000);
  expect(state.roomForRanges(16)).toBe(MAX_RANGES);
});
