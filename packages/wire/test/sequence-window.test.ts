import { expect, test } from 'vitest';
import { createRandom, seedOfThisRun } from '../../../test/kit/random.ts';
import { SequenceWindow, WINDOW_SEQUENCES } from '../src/sequence-window.ts';

test('each sequence is new once, and too old 65,536 behind the highest', () => {
  const window = new SequenceWindow();
  window.mark(100_000);
  expect(window.check(100_000)).toBe('duplicate');
  expect(window.check(99_999)).toBe('new');
  expect(window.check(100_000 - WINDOW_SEQUENCES + 1)).toBe('new');
  expect(window.check(100_000 - WINDOW_SEQUENCES)).toBe('too-old');
  window.mark(100_000 + WINDOW_SEQUENCES);
  expect(window.check(100_000)).toBe('too-old');
  expect(window.check(100_001)).toBe('new');
});

test('it agrees with a set, whatever comes', () => {
  const random = createRandom(seedOfThisRun());
  const window = new SequenceWindow();
  const seen = new Set<number>();
  let highest = 0;
  for (let step = 0; step < 50_000; step++) {
    const jump = random.chance(0.001) ? random.below(100_000) : random.below(50);
    const sequence = Math.max(1, highest + jump - random.below(random.chance(0.1) ? 70_000 : 60));
    const isTooOld = highest - sequence >= WINDOW_SEQUENCES;
    const expected = isTooOld ? 'too-old' : seen.has(sequence) ? 'duplicate' : 'new';
    if (window.check(sequence) !== expected) expect(window.check(sequence), `seed ${random.seed}`).toBe(expected);
    if (expected !== 'new') continue;
    window.mark(sequence);
    seen.add(sequence);
    highest = Math.max(highest, sequence);
  }
  expect(window.highest).toBe(highest);
});
