// How far a sender may be ahead of its receiver, in virtual time.
import { describe, expect, test } from 'vitest';
import { kernelBytes } from '../src/pacer.ts';
import { SendingWindow } from '../src/sending-window.ts';

const PER_MS = 40 * kernelBytes(1200);

/** Lets datagrams of 1,200 bytes leave until the window shuts, `limit` at most; returns how many. */
function fill(window: SendingWindow, from: number, nowMs: number, limit = 10_000): number {
  let count = 0;
  for (; count < limit && window.take(nowMs); count++) window.left(from + count, 1200, nowMs);
  return count;
}

describe('the window', () => {
  test('lets everything leave while nobody has reported, and again when nobody does any more', () => {
    const window = new SendingWindow(PER_MS);
    expect(fill(window, 1, 0, 500)).toBe(500);
    window.reported(500, 1);
    fill(window, 501, 1);
    expect(window.take(1)).toBe(false);
    window.open();
    expect(fill(window, 2000, 1, 500)).toBe(500);
  });

  test('is 80 datagrams, and those on their way: 40 for each millisecond there and back', () => {
    const window = new SendingWindow(PER_MS);
    fill(window, 1, 0, 1);
    window.reported(1, 2);
    expect(fill(window, 2, 2)).toBe(80 + 2 * 40);
    window.reported(101, 3); // a quick answer to a later one
    expect(fill(window, 162, 3)).toBe(80 + 40 - 60);
  });

  test('a late report makes it no larger, an old one no smaller', () => {
    const window = new SendingWindow(PER_MS);
    fill(window, 1, 0, 2);
    window.reported(1, 1);
    window.reported(2, 500);
    window.reported(1, 501);
    expect(fill(window, 3, 501)).toBe(120);
  });

  test('without reports four datagrams leave each 5 ms, since one may be answered', () => {
    const window = new SendingWindow(PER_MS);
    fill(window, 1, 0, 1);
    window.reported(1, 1);
    let next = 2 + fill(window, 2, 1);
    expect([window.take(22), window.waitMs(13)]).toEqual([false, 10]);
    for (const atMs of [23, 28, 33]) {
      const probes = fill(window, next, atMs);
      next += probes;
      expect([probes, window.take(atMs + 4)]).toEqual([4, false]);
    }
    window.reported(next - 1, 34);
    expect(fill(window, next, 34)).toBe(120);
  });
});
