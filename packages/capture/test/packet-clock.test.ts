import { expect, test } from 'vitest';
import { PacketClock } from '../src/packet-clock.ts';

const minuteUs = 60_000_000;

test.each<[sentence: string, timestamps: number[], times: number[]]>([
  ['timestamps that grow', [5, 7, 7, 100], [5, 7, 7, 100]],
  ['a packet that comes late', [1_000, 990, 995, 1_001], [1_000, 1_000, 1_000, 1_001]],
  ['a late packet by a minute', [minuteUs, 0, minuteUs + 1], [minuteUs, minuteUs, minuteUs + 1]],
  [
    'a clock that is set back goes on from there',
    [100 * minuteUs, 2 * minuteUs, 3 * minuteUs, 3 * minuteUs + 5],
    [100 * minuteUs, 100 * minuteUs, 101 * minuteUs, 101 * minuteUs + 5],
  ],
  [
    'twice',
    [100 * minuteUs, 50 * minuteUs, 51 * minuteUs, 0, minuteUs],
    [100 * minuteUs, 100 * minuteUs, 101 * minuteUs, 101 * minuteUs, 102 * minuteUs],
  ],
])('%s', (_, timestamps, times) => {
  const clock = new PacketClock();
  expect(timestamps.map((timestampUs) => clock.follow(timestampUs))).toEqual(times);
  expect(clock.nowUs).toBe(times.at(-1));
});
