// A capture file at its recorded spacing, in virtual time.
import type { Frame } from '@gor/capture';
import { describe, expect, test } from 'vitest';
import { type FrameSink, nextUnlessAborted, type PlaybackClock, playFrames } from '../src/frame-playback.ts';

/** A clock that jumps to whatever is waited for. */
class JumpingClock implements PlaybackClock {
  ms = 5000;
  readonly nowMs = () => this.ms;
  readonly wait = async (ms: number) => {
    this.ms += ms;
  };
}

const NO_TIME = -1.7e12;

function frameAt(timestampMs: number): Frame {
  const bytes = new Uint8Array(0);
  const timestampUs = 1_700_000_000_000_000 + timestampMs * 1000;
  return { linkType: 1, timestampUs, bytes, start: 0, end: 0, originalLength: 0, direction: 'unknown' };
}

async function* batchesOf(batches: readonly (readonly number[])[]): AsyncGenerator<Iterable<Frame>, void> {
  for (const batch of batches) yield batch.map(frameAt);
}

/** When each frame came out, in milliseconds behind the start. */
async function played(
  batches: number[][],
  speed: number,
  pause: (clock: JumpingClock) => FrameSink['pause'] = () => () => undefined,
) {
  const clock = new JumpingClock();
  const startMs = clock.ms;
  const times: number[] = [];
  const sink = { onFrame: () => times.push(clock.ms - startMs), pause: pause(clock) };
  const source = batchesOf(batches);
  const { signal } = new AbortController();
  await playFrames(await source.next(), source, speed, sink, signal, clock);
  return times;
}

describe('each frame comes when it is due', () => {
  test.each<[sentence: string, batches: number[][], speed: number, times: number[]]>([
    ['as recorded, across batches', [[0, 10], [30], [], [31]], 1, [0, 10, 30, 31]],
    ['ten times as fast', [[0, 100, 1000]], 10, [0, 10, 100]],
    ['half as fast', [[0, 100]], 0.5, [0, 200]],
    ['as fast as it can be read', [[0, 100], [1e9]], Number.POSITIVE_INFINITY, [0, 0, 0]],
    ['from the first frame, whatever its time', [[60_000, 60_001]], 1, [0, 1]],
    ['a frame from before the first is not waited for', [[0, -500, 20]], 1, [0, 0, 20]],
    ['less than a millisecond is not waited for', [[0, 0.4, 0.9, 1.2]], 1, [0, 0, 0, 1.2]],
    [
      'a frame without a time comes at once, and the schedule begins behind it',
      [[NO_TIME, 0, NO_TIME, 20]],
      1,
      [0, 0, 0, 20],
    ],
    ['nothing', [], 1, []],
  ])('%s', async (_, batches, speed, times) => {
    expect((await played(batches, speed)).map((ms) => Math.round(ms * 10) / 10)).toEqual(times);
  });

  test('what a pause of the sink made late is made up for: the schedule does not drift', async () => {
    const late = (clock: JumpingClock) => () => clock.wait(25);
    expect(await played([[0], [10], [30], [100]], 1, late)).toEqual([0, 25, 50, 100]);
  });
});

describe('an abort ends it', () => {
  test('while a frame is waited for: it does not come', async () => {
    const stop = new AbortController();
    const clock: PlaybackClock = { nowMs: () => 0, wait: async () => stop.abort() };
    const times: number[] = [];
    const source = batchesOf([[0, 1000]]);
    const sink: FrameSink = { onFrame: ({ timestampUs }) => times.push(timestampUs), pause: () => undefined };
    await playFrames(await source.next(), source, 1, sink, stop.signal, clock);
    expect(times).toEqual([frameAt(0).timestampUs]);
  });

  test('while the sink takes nothing', async () => {
    const stop = new AbortController();
    const source = batchesOf([[0], [1]]);
    let frames = 0;
    const stalled = () => {
      queueMicrotask(() => stop.abort());
      return new Promise<void>(() => {});
    };
    const sink = { onFrame: () => void frames++, pause: stalled };
    await playFrames(await source.next(), source, Number.POSITIVE_INFINITY, sink, stop.signal, new JumpingClock());
    expect(frames).toBe(1);
  });

  test('while the file is silent: that is its end; any other failure is told', async () => {
    const stop = new AbortController();
    const broken = async () => {
      const batches = batchesOf([[0]]);
      batches.next = () => Promise.reject(new Error('broken'));
      return nextUnlessAborted(batches, stop.signal);
    };
    await expect(broken()).rejects.toThrow('broken');
    stop.abort();
    expect(await broken()).toEqual({ done: true, value: undefined });
  });
});
