import { expect, test } from 'vitest';
import { createWallClock } from '../src/sources/wall-clock.ts';

test('it is the time, in whole microseconds, within the tolerance', () => {
  const clock = createWallClock();
  for (let reading = 0; reading < 1_000; reading++) {
    const us = clock();
    expect(Number.isInteger(us)).toBe(true);
    expect(Math.abs(us / 1000 - Date.now())).toBeLessThan(50);
  }
});
