// What the one place through which programs speak does with a reader of stdout that is slower than the data.
import { Writable } from 'node:stream';
import { ProgramOutput } from '@gor/cli';
import { expect, test } from 'vitest';

test('waiting for a slow reader, again and again, leaves nothing behind at its stream', async () => {
  const taken: (() => void)[] = [];
  const stdout = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => taken.push(done) });
  const output = new ProgramOutput('gor-test', stdout, { isTTY: false, write: () => true }, 'normal');
  const before = [stdout.listenerCount('drain'), stdout.listenerCount('close')];
  for (let line = 0; line < 20; line++) {
    output.data('a line');
    const waiting = output.dataTaken();
    taken.shift()?.();
    await waiting;
  }
  expect([stdout.listenerCount('drain'), stdout.listenerCount('close')]).toEqual(before);
});

test('waiting ends where the reader goes away', async () => {
  const stdout = new Writable({ highWaterMark: 1, write: () => {} });
  const output = new ProgramOutput('gor-test', stdout, { isTTY: false, write: () => true }, 'normal');
  output.data('a line');
  const waiting = output.dataTaken();
  stdout.destroy(new Error('EPIPE'));
  await waiting;
  expect(output.data('another line')).toBe(false);
});
