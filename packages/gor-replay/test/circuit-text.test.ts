// What is said when a target does not answer, and when it does again.
import { expect, test } from 'vitest';
import { circuitText } from '../src/circuit-text.ts';

test.each<[string, Parameters<typeof circuitText>[0], string]>([
  [
    'why',
    { target: 'http://a', isOpen: true, reason: 'connect-refused' },
    'target http://a: no answer (connect-refused); it gets one request a second until it answers, the others are skipped',
  ],
  [
    'for how long',
    { target: 'http://a', isOpen: false, openMs: 12_400 },
    'target http://a: answers again after 12 s, and gets every request',
  ],
  [
    'for less than a second',
    { target: 'http://a', isOpen: false, openMs: 400 },
    'target http://a: answers again after 400 ms, and gets every request',
  ],
])('%s', (_, change, text) => {
  expect(circuitText(change)).toBe(text);
});
