import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, expect, test } from 'vitest';
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

async function* streamOf(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

test('a path and a stream give the same frames', async () => {
  const path = join(folder, 'two.pcap');
  writeFileSync(path, file);
  expect(await textsOf(path)).toEqual(['one', 'two']);
  expect(await textsOf(streamOf(file.subarray(0, 50), file.subarray(50)))).toEqual(['one', 'two']);
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
