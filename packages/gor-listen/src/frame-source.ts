// Frames out of live interfaces or a capture file, by one callback.
import { setTimeout as delay } from 'node:timers/promises';
import { readCapture } from '@gor/capture';
import { openCapture } from '@gor/capture/open-capture';
import { type FrameSink, nextUnlessAborted, type PlaybackClock, playFrames } from './frame-playback.ts';
import type { ListenConfig } from './options.ts';

/** Frames under way. */
export interface FrameSource {
  /** What is watched, for people: `any`, `eth0, lo`, `capture file x.pcap`. */
  readonly name: string;
  readonly engine: 'ring' | 'cap' | 'file';
  /** Why a lesser engine was taken than could be expected, in a line; undefined where there is nothing to say. */
  readonly note: string | undefined;
  /** The pcap-filter expressions in force, one for each interface; none for a file. */
  readonly filters: readonly string[];
  /** Whether frames say if they came in or went out. */
  readonly tellsDirection: boolean;
  /** Frames that the kernel dropped; undefined where the engine cannot know. */
  readonly kernelDrops: () => number | undefined;
  /** The part of the kernel's buffer that waits to be read, 0 to 1; undefined where the engine cannot tell. */
  readonly bufferFill: () => number | undefined;
  /** How often an interface was found to be down. */
  readonly interfaceDowns: () => number;
  /** Resolves at the end of a file, rejects where frames cannot be read on; a live source never ends by itself. */
  readonly ended: Promise<void>;
  /** Stops; no frame comes afterwards. */
  readonly close: () => Promise<void>;
}

const systemClock: PlaybackClock = {
  nowMs: () => performance.now(),
  wait: (ms, signal) => delay(ms, undefined, { signal }).catch(() => {}), // aborted: the caller looks at the signal
};

/** Where frames go, and who is told before the first of them. */
export interface OpeningSink extends FrameSink {
  /** Called once when the interface or file is open; what it throws closes that again, and is thrown on. */
  readonly onOpen?: (() => void) | undefined;
}

/** Opens what the configuration names. Rejects with CaptureError. The signal ends waiting for a file's first bytes. */
export async function openFrameSource(
  config: ListenConfig,
  sink: OpeningSink,
  signal?: AbortSignal,
): Promise<FrameSource> {
  return config.source.kind === 'live' ? openLive(config, config.source, sink) : openFile(config.source, sink, signal);
}

async function openLive(
  config: ListenConfig,
  { interfaces, engine, bufferBytes, isPromiscuous }: Extract<ListenConfig['source'], { kind: 'live' }>,
  sink: OpeningSink,
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
    isPromiscuous,
    onFrame: sink.onFrame,
    onError: fail,
    onInterfaceDown: sink.onInterfaceDown,
    onInterfaceUp: sink.onInterfaceUp,
  });
  await openedOrClosed(sink, () => capture.close());
  return {
    name: capture.interfaces.join(', '),
    engine: capture.engine,
    note: capture.note,
    filters: capture.filters,
    tellsDirection: capture.tellsDirection,
    kernelDrops: () => capture.counters().kernelDrops,
    bufferFill: () => capture.bufferFill(),
    interfaceDowns: () => capture.counters().interfaceDowns,
    ended,
    close: () => capture.close(),
  };
}

async function openFile(
  { path, speed }: Extract<ListenConfig['source'], { kind: 'file' }>,
  sink: OpeningSink,
  signal: AbortSignal | undefined,
): Promise<FrameSource> {
  const closing = new AbortController();
  const stop = signal === undefined ? closing.signal : AbortSignal.any([closing.signal, signal]);
  const batches = readCapture(path === '-' ? process.stdin : path, { signal: stop });
  const first = await nextUnlessAborted(batches, stop); // a file that cannot be read is known before anything starts
  const closeInput = (): void => {
    closing.abort();
    if (path === '-') process.stdin.destroy(); // a read of a silent pipe would keep the process alive
  };
  await openedOrClosed(sink, closeInput);
  const ended = playFrames(first, batches, speed, sink, stop, systemClock);
  return {
    name: path === '-' ? 'capture from stdin' : `capture file ${path}`,
    engine: 'file',
    note: undefined,
    filters: [],
    tellsDirection: false, // only cooked frames do
    kernelDrops: () => undefined,
    bufferFill: () => undefined,
    interfaceDowns: () => 0,
    ended,
    close: async () => {
      closeInput();
      await ended.catch(() => {}); // whoever waits for the end gets the error
    },
  };
}

async function openedOrClosed({ onOpen }: OpeningSink, close: () => Promise<void> | void): Promise<void> {
  try {
    onOpen?.();
  } catch (error) {
    await close();
    throw error;
  }
}
