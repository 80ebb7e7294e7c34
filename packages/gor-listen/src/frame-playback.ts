// Plays the frames of a capture file at their recorded spacing. Time comes from a clock that is given.
import type { Frame } from '@gor/capture';

/** Where frames go, and, for a file, when it may be read on. */
export interface FrameSink {
  readonly onFrame: (frame: Frame) => void;
  /** Live interfaces only. */
  readonly onInterfaceDown?: (interfaceName: string) => void;
  readonly onInterfaceUp?: (interfaceName: string) => void;
  /** A promise to wait for before more of a file is read; undefined: read on. */
  readonly pause: () => Promise<void> | undefined;
}

/** The time that a playback goes by. */
export interface PlaybackClock {
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** Resolves after so many milliseconds, or as soon as the signal is aborted; never rejects. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Frames in pieces, as readCapture gives them: each frame is valid only until the next. */
export type FrameBatches = AsyncGenerator<Iterable<Frame>, void>;

/**
 * Hands on every frame when it is due: at `speed` times the recorded spacing, counted from the first frame, so that a
 * pause of the sink is made up for. Resolves at the end or when the signal is aborted; rejects where the batches do.
 */
export async function playFrames(
  first: IteratorResult<Iterable<Frame>, void>,
  batches: FrameBatches,
  speed: number,
  sink: FrameSink,
  signal: AbortSignal,
  clock: PlaybackClock,
): Promise<void> {
  const startMs = clock.nowMs();
  let startUs: number | undefined;
  for (let batch = first; batch.done !== true; batch = await nextUnlessAborted(batches, signal)) {
    for (const frame of batch.value) {
      // 0: a packet without a time, as pcapng may have them.
      if (frame.timestampUs > 0) startUs ??= frame.timestampUs;
      const waitMs = startMs + (frame.timestampUs - (startUs ?? 0)) / 1000 / speed - clock.nowMs();
      if (waitMs >= 1) await clock.wait(waitMs, signal);
      if (signal.aborted) return;
      sink.onFrame(frame);
    }
    await pausedOrAborted(sink.pause(), signal);
  }
}

/** The next batch; the end where the reading was ended by the signal. */
export async function nextUnlessAborted(
  batches: FrameBatches,
  signal: AbortSignal,
): Promise<IteratorResult<Iterable<Frame>, void>> {
  try {
    return await batches.next();
  } catch (error) {
    if (signal.aborted) return { done: true, value: undefined };
    throw error;
  }
}

/** Waits no longer than until the signal: a reader who takes nothing must not keep the source from closing. */
async function pausedOrAborted(pause: Promise<void> | undefined, signal: AbortSignal): Promise<void> {
  if (pause === undefined || signal.aborted) return;
  let onAbort = (): void => {};
  const aborted = new Promise<void>((resolve) => {
    onAbort = resolve;
    signal.addEventListener('abort', onAbort, { once: true });
  });
  await Promise.race([pause, aborted]);
  signal.removeEventListener('abort', onAbort);
}
