import { expect, test } from 'vitest';
import { Reachability } from '../src/reachability.ts';

type Happening = 'heard' | 'refused' | 'readdressed';

/** The news and probes, with their times, of a course of happenings; time goes on in steps of 50 ms. */
function course(isLoopback: boolean, happenings: readonly (readonly [number, Happening])[], untilMs: number): string[] {
  const told: string[] = [];
  let nowMs = 0;
  const reachability = new Reachability(isLoopback, ({ type }) => told.push(`${nowMs} ${type}`), 0);
  let wasDown = false;
  for (; nowMs <= untilMs; nowMs += 50) {
    for (const [atMs, happening] of happenings) {
      if (atMs !== nowMs) continue;
      if (happening === 'heard') reachability.heard(nowMs);
      else if (happening === 'refused') reachability.refused(nowMs);
      else reachability.readdressed(isLoopback);
    }
    const isDue = reachability.waitMs(nowMs) === 0;
    const before = told.length;
    const isProbe = reachability.advance(nowMs);
    if (isProbe) told.push(`${nowMs} probe`);
    if (wasDown && !reachability.isDown) told.push(`${nowMs} up`);
    if (told.length > before && !told.at(-1)?.endsWith('up')) expect(isDue).toBe(true);
    wasDown = reachability.isDown;
  }
  return told;
}

test.each([
  ['nobody ever answers: said once, within two seconds', false, [], ['1900 silent']],
  [
    'reports come: said once',
    false,
    [
      [100, 'heard'],
      [600, 'heard'],
    ],
    ['100 receiving', '2600 silent'],
  ],
  [
    'reports stop, and come again',
    false,
    [
      [100, 'heard'],
      [3000, 'heard'],
      [4500, 'heard'],
    ],
    ['100 receiving', '2100 silent', '3000 receiving'],
  ],
  [
    'on loopback one probe without a refusal means that somebody is back, though nobody has reported',
    true,
    [
      [0, 'refused'],
      [300, 'refused'],
      [550, 'refused'],
    ],
    ['0 silent', '250 probe', '500 probe', '750 probe', '1000 up'],
  ],
  [
    'elsewhere hosts refuse but once a second, so that five quiet probes are needed',
    false,
    [
      [0, 'refused'],
      [1000, 'refused'],
    ],
    [
      ...['0 silent', '250 probe', '500 probe', '750 probe', '1000 probe', '1250 probe'],
      ...['1500 probe', '1750 probe', '2000 probe', '2250 up'],
    ],
  ],
  [
    'a report ends the probing at once',
    false,
    [
      [0, 'refused'],
      [300, 'heard'],
      [2000, 'heard'],
      [4000, 'heard'],
    ],
    ['0 silent', '250 probe', '300 receiving', '300 up'],
  ],
  [
    'another address does not: it is asked, too, and what was quiet at the one before does not count',
    false,
    [
      [0, 'refused'],
      [1100, 'readdressed'],
      [2300, 'heard'],
      [4000, 'heard'],
    ],
    [
      ...['0 silent', '250 probe', '500 probe', '750 probe', '1000 probe', '1250 probe'],
      ...['1500 probe', '1750 probe', '2000 probe', '2250 probe', '2300 receiving', '2300 up'],
    ],
  ],
] as [string, boolean, [number, Happening][], string[]][])('%s', (_, isLoopback, happenings, told) => {
  expect(course(isLoopback, happenings, 5000)).toEqual(told);
});

test('silence counts from the last report, or the start', () => {
  const reachability = new Reachability(false, () => {}, 1000);
  expect([reachability.silentSinceMs, reachability.state]).toEqual([undefined, 'unknown']);
  reachability.refused(1500);
  expect([reachability.silentSinceMs, reachability.silentTimes]).toEqual([1000, 1]);
  reachability.heard(2000);
  expect([reachability.silentSinceMs, reachability.isHeard(3999)]).toEqual([undefined, true]);
  expect(reachability.isHeard(4000)).toBe(false);
  reachability.advance(4000);
  expect([reachability.silentSinceMs, reachability.silentTimes]).toEqual([2000, 2]);
});
