// A bounded rate of lines, and none left out without a word.
import { describe, expect, test } from 'vitest';
import { SessionLines, sessionText, shortageText, unopenedText } from '../src/session-lines.ts';

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

describe('what is said about a session', () => {
  const session = { type: 'session', id: '00000000000000aa', address: '10.0.0.1:4000' } as const;
  const counts: object = { sent: 1010, received: 1000, repaired: 7, lost: 3, beforeStart: 7, duplicates: 2 };
  const known = () => counts as ReturnType<Parameters<typeof sessionText>[0]['counts']>;

  test('at its start: who', () => {
    expect(sessionText({ ...session, state: 'started', counts: known })).toBe(
      'session 00000000000000aa from 10.0.0.1:4000 started',
    );
  });

  test('at its end: what became of its requests', () => {
    expect(sessionText({ ...session, state: 'ended', counts: known })).toBe(
      'session 00000000000000aa from 10.0.0.1:4000 ended: requests 1,010 sent, 1,000 received, 7 repaired, 3 lost, 7 before start; 2 datagrams twice',
    );
  });

  test('at its end, where it had to make room: that it ended', () => {
    expect(sessionText({ ...session, state: 'ended', counts: () => undefined })).toMatch(/ ended$/);
  });

  test('a line that is left out asks for no counts', () => {
    const lines = new SessionLines();
    let asked = 0;
    const text = () => {
      asked += 1;
      return 'a line';
    };
    for (let at = 0; at < 50; at++) lines.line(text, at);
    expect(asked).toBe(20);
  });
});

describe('what is said about datagrams that do not open', () => {
  const from = { type: 'unopened', address: '10.0.0.1:4000' } as const;
  test.each([
    ['sealed', 1, '1 datagram refused, the last from 10.0.0.1:4000: sealed, and there is no key here: give --key-file'],
    ['not-sealed', 1000, '1,000 datagrams refused, the last from 10.0.0.1:4000: not sealed: give the listener the key'],
    ['unknown-key', 2, '2 datagrams refused, the last from 10.0.0.1:4000: sealed with a key that is not in the file'],
    ['forged', 2, 'sealed with another key than they say, or changed on the way'],
  ] as const)('%s', (reason, datagrams, text) => {
    expect(unopenedText({ ...from, reason, datagrams })).toContain(text);
  });
});

describe('what is said about the receive buffer', () => {
  const MiB = 2 ** 20;
  test.each<[given: number, isLinux: boolean, text: string | undefined]>([
    [16 * MiB, true, undefined],
    [8 * MiB, true, undefined],
    [
      2 * 212_992,
      true,
      'the kernel gave a receive buffer of 208 KB instead of 8 MB: bursts may be lost; sysctl -w net.core.rmem_max=8388608, then start again',
    ],
    [7 * MiB, false, 'the kernel gave a receive buffer of 7 MB instead of 16 MB: bursts may be lost'],
  ])('%i bytes given, on Linux: %s', (receiveBufferBytes, isLinux, text) => {
    expect(shortageText({ receiveBufferBytes, askedBufferBytes: 16 * MiB }, isLinux)).toBe(text);
  });
});
