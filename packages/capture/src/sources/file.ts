// Frames out of a capture file, compressed with gzip or not, or out of any stream of its bytes, such as a program's
// standard input.

import { type FileHandle, open } from 'node:fs/promises';
import { CaptureReader } from '../capture-reader.ts';
import { CaptureError } from '../errors.ts';
import type { Frame } from '../frame.ts';
import { Gunzip } from './gunzip.ts';

const readBytes = 256 * 1024;

/** Options of {@link readCapture}. */
export interface ReadCaptureOptions {
  /** Ends the reading: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The frames of a capture in batches, one for each chunk that is read. Read each batch to its end before asking for the
 * next; a frame is valid only until the next frame. A string is the path of a file. Formats: pcap and pcapng, each also
 * compressed with gzip, told by their first bytes. Throws CaptureError: `unreadable`, `broken-capture` and
 * `unsupported-capture`, the last two after all frames before the bad place.
 */
export async function* readCapture(
  pathOrStream: string | AsyncIterable<Uint8Array>,
  { signal }: ReadCaptureOptions = {},
): AsyncGenerator<Iterable<Frame>, void, undefined> {
  signal?.throwIfAborted();
  const reader = new CaptureReader(typeof pathOrStream === 'string' ? { name: pathOrStream } : {});
  const chunks = typeof pathOrStream === 'string' ? readFile(pathOrStream) : pathOrStream;
  const gunzip = new Gunzip();
  for await (const chunk of gunzip.read(untilAborted(chunks, signal))) yield reader.read(chunk);
  reader.end(gunzip.problem);
}

/** As {@link readCapture}, frame by frame: easier to use, and slower, as each frame costs a promise. */
export async function* readFrames(
  pathOrStream: string | AsyncIterable<Uint8Array>,
  options: ReadCaptureOptions = {},
): AsyncGenerator<Frame, void, undefined> {
  for await (const frames of readCapture(pathOrStream, options)) yield* frames;
}

/** Reads into one of two buffers while the other is looked at: no memory is taken for what is read. */
async function* readFile(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    let [chunk, other] = [new Uint8Array(readBytes), new Uint8Array(readBytes)];
    let reading = file.read(chunk, 0, readBytes, null);
    for (;;) {
      const { bytesRead } = await reading;
      if (bytesRead === 0) return;
      reading = file.read(other, 0, readBytes, null);
      reading.catch(() => {}); // told when its turn comes: until then whoever plays the frames may wait for long
      yield chunk.subarray(0, bytesRead);
      [chunk, other] = [other, chunk];
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CaptureError('unreadable', `The capture ${path} cannot be read: ${reason}.`, { cause });
  } finally {
    await file?.close();
  }
}

/** The chunks, until the signal says otherwise, even while the stream is silent. */
async function* untilAborted<T>(
  chunks: AsyncIterable<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> {
  if (signal === undefined) return yield* chunks;
  const iterator = chunks[Symbol.asyncIterator]();
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await nextUnlessAborted(iterator, signal);
      if (done === true) return;
      yield value;
    }
  } finally {
    // Not awaited: a stream that is silent ends only when its next chunk comes. Its error would be the one just thrown.
    iterator.return?.()?.then(undefined, () => {});
  }
}

/** The next chunk. A race against one promise of the signal's would keep every chunk for as long as the signal lives. */
function nextUnlessAborted<T>(iterator: AsyncIterator<T>, signal: AbortSignal): Promise<IteratorResult<T>> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    const settled = (): void => signal.removeEventListener('abort', onAbort);
    iterator.next().then(resolve, reject).finally(settled);
  });
}
