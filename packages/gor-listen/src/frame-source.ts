// Frames out of live interfaces or a capture file, by one callback. A file is played at its recorded spacing.
import { setTimeout as delay } from 'node:timers/promises';
import { type Frame, readCapture } from '@gor/capture';
import { openCapture } from '@gor/capture/open-capture';
import type { ListenConfig } from './options.ts';

/** Frames under way. */
export interface FrameSource {
  /** What is watched, for people: `any`, `eth0, lo`, `capture file x.pcap`. */
  readonly name: string;
  /** `cap`, or `file`. */
  readonly engine: string;
  /** The pcap-filter expressions in force, one for each interface; none for a file. */
  readonly filters: readonly string[];
  /** Whether frames say if they came in or went out. */
  readonly tellsDirection: boolean;
  /** Frames that the kernel dropped; undefined where the engine cannot know. */
  readonly kernelDrops: () => number | undefined;
  /** Resolves at the end of a file, rejects where frames cannot be read on; a live source never ends by itself. */
  readonly ended: Promise<void>;
  /** Stops; no frame comes afterwards. */
  readonly close: () => Promise<void>;
}

/** Where frames go, and, for a file, when it may be read on. */
export interface FrameSink {
  readonly onFrame: (frame: Frame) => void;
  /** A promise to wait for before more of a file is read; undefined: read on. */
  readonly pause: () => Promise<void> | undefined;
}

/** Opens what the configuration names. Rejects with CaptureError. */
export async function openFrameSource(config: ListenConfig, sink: FrameSink): Promise<FrameSource> {
  return config.source.kind === 'live' ? openLive(config, config.source, sink) : openFile(config.source, sink);
}

async function openLive(
  config: ListenConfig,
  { interfaces, engine, bufferBytes }: Extract<ListenConfig['source'], { kind: 'live' }>,
  sink: FrameSink,
): Promise<FrameSource> {
  let fail: (error: Error) => void = () => {};
  const ended = new Promise<void>((_, reject) => {
    fail = reject;
  });
  const capture = await openCapture({
    engine,
    interfaces,
    ports: config.ports === 'any' ? [] : config.ports,
    filter: config.filter,
    bufferBytes,
    onFrame: sink.onFrame,
    onError: fail,
  });
  return {
    name: capture.interfaces.join(', '),
    engine: capture.engine,
    filters: capture.filters,
    tellsDirection: capture.tellsDirection,
    kernelDrops: () => capture.counters().kernelDrops,
    ended,
    close: () => capture.close(),
  };
}

async function openFile(
  { path, speed }: Extract<ListenConfig['source'], { kind: 'file' }>,
  sink: FrameSink,
): Promise<FrameSource> {
  const stop = new AbortController();
  const batches = readCapture(path === '-' ? process.stdin : path, { signal: stop.signal });
  const first = await batches.next(); // a file that cannot be read is known before anything starts
  const ended = playFile(first, batches, speed, sink, stop.signal);
  return {
    name: path === '-' ? 'capture from stdin' : `capture file ${path}`,
    engine: 'file',
    filters: [],
    tellsDirection: true,
    kernelDrops: () => undefined,
    ended,
    close: async () => {
      stop.abort();
      await ended.catch(() => {}); // whoever waits for the end gets the error
    },
  };
}

/** Hands on every frame when it is due: at `speed` times the recorded spacing, counted from the first frame. */
async function playFile(
  first: IteratorResult<Iterable<Frame>, void>,
  batches: AsyncGenerator<Iterable<Frame>, void>,
  speed: number,
  sink: FrameSink,
  signal: AbortSignal,
): Promise<void> {
  const startMs = performance.now();
  let startUs: number | undefined;
  for (let batch = first; batch.done !== true; batch = await nextUnlessAborted(batches, signal)) {
    for (const frame of batch.value) {
      startUs ??= frame.timestampUs;
      const dueMs = startMs + (frame.timestampUs - startUs) / 1000 / speed;
      if (dueMs - performance.now() >= 1) await delayOrAbort(dueMs - performance.now(), signal);
      if (signal.aborted) break;
      sink.onFrame(frame);
    }
    await sink.pause();
  }
}

/** The next batch; the end where the reading was ended by the signal. */
async function nextUnlessAborted(
  batches: AsyncGenerator<Iterable<Frame>, void>,
  signal: AbortSignal,
): Promise<IteratorResult<Iterable<Frame>, void>> {
  try {
    return await batches.next();
  } catch (error) {
    if (signal.aborted) return { done: true, value: undefined };
    throw error;
  }
}

async function delayOrAbort(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {}); // aborted: the caller looks at the signal
}
