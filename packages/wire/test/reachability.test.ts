import { expect, test } from 'vitest';
import { Reachability } from '../src/reachability.ts';

/** What is due at each 250 ms after a first refusal at 0, further refusals at the given times. */
function course(address: string, refusedAtMs: readonly number[], untilMs: number): string[] {
  const reachability = new Reachability(address);
  const news = [reachability.refused(0) ? 'unreachable' : ''];
  for (let nowMs = 250; nowMs <= untilMs; nowMs += 250) {
    news.push(reachability.due(nowMs) ?? '-');
    if (refusedAtMs.includes(nowMs)) expect(reachability.refused(nowMs + 1)).toBe(!reachability.isDown);
  }
  return news;
}

test('on loopback one probe without a refusal means that somebody is back', () => {
  const probes = ['probe', 'probe', 'probe'];
  expect(course('127.0.0.1', [250, 500], 1250)).toEqual(['unreachable', ...probes, 'reachable', '-']);
  expect(course('::1', [], 500)).toEqual(['unreachable', 'probe', 'reachable']);
});

test('elsewhere hosts refuse but once a second, so that five probes are needed', () => {
  const onceASecond = [250, 1250, 2250];
  expect(course('192.0.2.1', onceASecond, 3000)).toEqual(['unreachable', ...Array(12).fill('probe')]);
  expect(course('192.0.2.1', [250], 1750)).toEqual(['unreachable', ...Array(6).fill('probe'), 'reachable']);
});
