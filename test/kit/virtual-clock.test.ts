import { expect, test } from 'vitest';
import { VirtualClock } from './virtual-clock.ts';

test('timers run in the order of their due times, and those set by a timer run too', async () => {
  const clock = new VirtualClock(100);
  const ran: string[] = [];
  clock.schedule(20, () => ran.push(`b${clock.nowMs()}`));
  clock.schedule(10, () => {
    ran.push(`a${clock.nowMs()}`);
    clock.schedule(5, () => ran.push(`c${clock.nowMs()}`));
  });
  const cancel = clock.schedule(1, () => ran.push('cancelled'));
  cancel();
  await clock.advance(30);
  expect(ran).toEqual(['a110', 'c115', 'b120']);
  expect(clock.nowMs()).toBe(130);
});
