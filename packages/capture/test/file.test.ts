import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test, vi } from 'vitest';
import { captureBlocks, concatenated } from '../../../test/kit/captures.ts';
import { asLatin1, latin1 } from '../../../test/kit/every-split.ts';
import { pcapFile } from '../../../test/kit/packets.ts';
import { readCapture, readFrames } from '../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'gor-capture-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = pcapFile([{ bytes: latin1('one') }, { bytes: latin1('two') }]);

async function textsOf(source: string | AsyncIterable<Uint8Array>): Promise<string[]> {
  const texts: string[] = [];
  for await (const { bytes, start, end } of readFrames(source)) texts.push(asLatin1(bytes.subarray(start, end)));
  return texts;
}

test('what fails to be read ahead is told when its turn comes, however long the frames before take', async () => {
  const path = join(folder, 'failing.pcap');
  writeFileSync(path, file);
  const handle = await open(path);
  const prototype = Object.getPrototypeOf(handle);
  const { read } = prototype;
  await handle.close();
  // Not a spy: that handles the rejection itself.
  let reads = 0;
  prototype.read = (chunk: Uint8Array) => {
    if (++reads > 1) return Promise.reject(new Error('EIO'));
    chunk.set(file);
    return Promise.resolve({ bytesRead: file.length });
  };
  const unhandled = vi.fn();
  process.on('unhandledRejection', unhandled);
  try {
    const batches = readCapture(path);
    const first = await batches.next();
    expect([...first.value!]).toHaveLength(2);
    for (let count = 0; count < 5; count++) await turn();
    expect(unhandled).not.toHaveBeenCalled();
    await expect(batches.next()).rejects.toMatchObject({ code: 'unreadable' });
  } finally {
    process.off('unhandledRejection', unhandled);
    prototype.read = read;
  }
});

async function* streamOf(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

const { section, interface: description, enhanced } = captureBlocks(true);
const next = concatenated(
  ...[section(), description(), enhanced({ data: latin1('one') }), enhanced({ data: latin1('two') })],
);

test.each([
  ['two.pcap', file],
  ['two.pcapng', next],
  ['two.pcap.gz', gzipSync(file)],
  ['two.pcapng.gz', gzipSync(next)],
])('%s by its path and as a stream gives the same frames', async (name, bytes) => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  expect(await textsOf(path)).toEqual(['one', 'two']);
  expect(await textsOf(streamOf(bytes.subarray(0, 50), bytes.subarray(50)))).toEqual(['one', 'two']);
});

test.each([
  ['plain', 'large.pcap', (bytes: Uint8Array) => bytes],
  ['compressed', 'large.pcap.gz', (bytes: Uint8Array) => gzipSync(bytes, { level: 0 })],
])('who stops in the middle of a %s file leaves nothing open', async (_, name, packed) => {
  const path = join(folder, name);
  writeFileSync(path, packed(pcapFile(Array.from({ length: 40 }, () => ({ bytes: new Uint8Array(60_000) })))));
  const isOpen = (): boolean => openFiles().includes(path);
  for await (const frames of readCapture(path)) {
    for (const _ of frames);
    if (openFiles().length > 0) expect(isOpen()).toBe(true); // known on Linux only
    break;
  }
  await expect.poll(isOpen).toBe(false);
  const { signal } = new AbortController();
  const batches = readCapture(path, { signal });
  await batches.next();
  await batches.return();
  await expect.poll(isOpen).toBe(false);
});

test('an abort while a compressed stream is silent rejects with its reason, after what had come', async () => {
  const reason = new Error('enough');
  const controller = new AbortController();
  async function* silent(): AsyncGenerator<Uint8Array> {
    yield gzipSync(file).subarray(0, -8);
    controller.abort(reason);
    await new Promise(() => {});
  }
  const texts: string[] = [];
  const reading = (async () => {
    for await (const frames of readCapture(silent(), { signal: controller.signal })) {
      for (const { bytes, start, end } of frames) texts.push(asLatin1(bytes.subarray(start, end)));
    }
  })();
  await expect(reading).rejects.toBe(reason);
  expect(texts).toEqual(['one', 'two']);
});

test('a stream that fails fails the reading with its error, after what had come', async () => {
  const error = new Error('unplugged');
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield gzipSync(file).subarray(0, -8);
    throw error;
  }
  const texts: string[] = [];
  const reading = (async () => {
    for await (const { bytes, start, end } of readFrames(failing())) texts.push(asLatin1(bytes.subarray(start, end)));
  })();
  await expect(reading).rejects.toBe(error);
  expect(texts).toEqual(['one', 'two']);
});

test('a long compressed stream takes no more memory than a short one', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const packet = enhanced({ data: new Uint8Array(60_000).fill(7) });
  const some = gzipSync(concatenated(...Array<Uint8Array>(20).fill(packet)), { level: 1 });
  async function* many(): AsyncGenerator<Uint8Array> {
    yield gzipSync(concatenated(section(), description()));
    for (let count = 0; count < 20; count++) yield some;
  }
  let frames = 0;
  let most = Number.NEGATIVE_INFINITY;
  collectGarbage();
  const before = process.memoryUsage();
  for await (const batch of readCapture(many())) {
    for (const _ of batch) frames++;
    if (frames % 50 !== 0) continue;
    await new Promise((resolve) => void setImmediate(resolve));
    collectGarbage();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    most = Math.max(most, heapUsed - before.heapUsed + arrayBuffers - before.arrayBuffers);
  }
  expect(frames).toBe(400);
  expect(most).toBeLessThan(4 * 1024 * 1024);
});

test.each([
  ['a file that is not there', join(folder, 'none.pcap'), 'unreadable', /ENOENT/],
  ['a folder', folder, 'unreadable', /EISDIR/],
])('%s is unreadable', async (_, path, code, message) => {
  await expect(textsOf(path)).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message),
    cause: expect.any(Error),
  });
});

test('a stream that ends too early gives its frames, then the error', async () => {
  const texts: string[] = [];
  const reading = (async () => {
    for await (const frames of readCapture(streamOf(file.subarray(0, file.length - 1)))) {
      for (const frame of frames) texts.push(asLatin1(frame.bytes.subarray(frame.start, frame.end)));
    }
  })();
  await expect(reading).rejects.toMatchObject({ code: 'broken-capture' });
  expect(texts).toEqual(['one']);
});

test('an abort rejects with its reason, even where the stream is silent', async () => {
  const reason = new Error('enough');
  const controller = new AbortController();
  async function* silent(): AsyncGenerator<Uint8Array> {
    yield file;
    controller.abort(reason);
    await new Promise(() => {});
  }
  const reading = (async () => {
    for await (const frames of readCapture(silent(), { signal: controller.signal })) for (const _ of frames);
  })();
  await expect(reading).rejects.toBe(reason);
  await expect(readCapture(silent(), { signal: AbortSignal.abort(reason) }).next()).rejects.toBe(reason);
});

test('what was read is let go, also where a signal could still end the reading', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const read: WeakRef<Uint8Array>[] = [];
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let count = 0; count < 20; count++) {
      const chunk = count === 0 ? file : file.slice(24);
      read.push(new WeakRef(chunk));
      yield chunk;
    }
  }
  let kept = 0;
  const { signal } = new AbortController();
  for await (const frames of readCapture(chunks(), { signal })) {
    for (const _ of frames);
    await new Promise((resolve) => void setImmediate(resolve)); // a WeakRef holds until the turn is over
    collectGarbage();
    kept = read.filter((chunk) => chunk.deref() !== undefined).length;
  }
  expect(kept).toBeLessThan(5);
});

function openFiles(): string[] {
  try {
    return readdirSync('/proc/self/fd').flatMap((name) => {
      try {
        return [readlinkSync(`/proc/self/fd/${name}`)];
      } catch {
        return []; // closed since it was listed
      }
    });
  } catch {
    return []; // no Linux
  }
}
