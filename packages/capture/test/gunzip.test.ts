import { spawnSync } from 'node:child_process';
import { constants, deflateRawSync, gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { captureBlocks, concatenated } from '../../../test/kit/captures.ts';
import { asLatin1, everySplit, latin1 } from '../../../test/kit/every-split.ts';
import { pcapFile } from '../../../test/kit/packets.ts';
import { createRandom, seedOfThisRun } from '../../../test/kit/random.ts';
import { readFrames } from '../src/index.ts';
import { Gunzip } from '../src/sources/gunzip.ts';
import { captured, errorText, frameText } from './captured-frames.ts';

async function* streamOf(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

test('a stream may use one Buffer for all its chunks', async () => {
  async function* oneBuffer(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
    const buffer = Buffer.alloc(1);
    for (const byte of bytes) {
      buffer[0] = byte;
      yield buffer;
    }
  }
  const frames: string[] = [];
  const file = pcapFile([{ bytes: latin1('abc') }]);
  for await (const frame of readFrames(oneBuffer(file)))
    frames.push(asLatin1(frame.bytes.subarray(frame.start, frame.end)));
  expect(frames).toEqual(['abc']);
});

async function gunzipped(chunks: Iterable<Uint8Array>): Promise<{ text: string; problem: string | undefined }> {
  const gunzip = new Gunzip();
  let text = '';
  for await (const chunk of gunzip.read(streamOf(chunks))) text += asLatin1(chunk);
  return { text, problem: gunzip.problem };
}

async function framesOf(chunks: Iterable<Uint8Array>): Promise<string[]> {
  const frames: string[] = [];
  try {
    for await (const frame of readFrames(streamOf(chunks))) frames.push(frameText(frame));
  } catch (error) {
    frames.push(errorText(error));
  }
  return frames;
}

const text = 'GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n';
const member = gzipSync(latin1(text));
const zeros = new Uint8Array(20);
const early = 'its compressed data ends early';

/** A header with all of the optional fields. */
const fullHeader = [
  0x1f,
  0x8b,
  8,
  2 | 4 | 8 | 16,
  0,
  0,
  0,
  0,
  0,
  3,
  3,
  0,
  1,
  2,
  3,
  ...latin1('name\0comment\0'),
  0xcc,
  0xcc,
];
const full = concatenated(fullHeader, deflateRawSync(latin1(text)), member.subarray(-8));

describe('at every split', () => {
  test.each<[sentence: string, input: Uint8Array, output: string, problem?: string]>([
    ['one member', member, text],
    ['a header with every optional field', full, text],
    ['several members, an empty one among them', concatenated(member, gzipSync(''), full), text + text],
    ['zeros behind the last member', concatenated(member, zeros), text],
    ['zeros between members', concatenated(member, zeros, member), text + text],
    [
      'something else behind the last member',
      concatenated(member, latin1('x')),
      text,
      'behind its compressed data stands something else',
    ],
    [
      'something else behind zeros',
      concatenated(member, zeros, latin1('x')),
      text,
      'behind its compressed data stands something else',
    ],
    [
      'another checksum',
      Uint8Array.from(member).fill(0, -8, -4),
      text,
      'its compressed data is damaged (the checksum differs)',
    ],
    [
      'another length',
      Uint8Array.from(member).fill(0, -4),
      text,
      'its compressed data is damaged (the checksum differs)',
    ],
    [
      'a compression that gzip does not know',
      Uint8Array.from(member).fill(7, 2, 3),
      '',
      'the header of its compressed data is damaged',
    ],
    ['only the beginning', latin1('\x1f\x8b'), '', early],
    ['what is not compressed', latin1(text), text],
    ['nothing', new Uint8Array(0), ''],
    ['one byte', latin1('\x1f'), '\x1f'],
  ])('%s', async (_, input, output, problem) => {
    for (const chunks of everySplit(input)) expect(await gunzipped(chunks)).toEqual({ text: output, problem });
  });
});

const names = Array.from({ length: 24 }, (_, at) => latin1(`frame ${at} ${'abc'.repeat(at)}`));
const { section, interface: description, enhanced } = captureBlocks(true);
const files: [string, Uint8Array][] = [
  ['pcap', pcapFile(names.map((bytes, seconds) => ({ bytes, seconds })))],
  ['pcapng', concatenated(section(), description(), ...names.map((data, ticks) => enhanced({ data, ticks })))],
];

describe.each(files)('a compressed %s file', (_, file) => {
  const half = Math.floor(file.length / 2);
  const whole = captured([file]);
  const compressed = [
    gzipSync(file),
    concatenated(gzipSync(file.subarray(0, half)), gzipSync(file.subarray(half), { level: 0 })),
  ];

  test('is read like the file itself, in one member or two', async () => {
    for (const input of compressed) expect(await framesOf([input])).toEqual(whole);
  });

  test('cut at every byte, all frames of what gzip can decode are given, then where it ends', async () => {
    for (const input of compressed) {
      for (let length = 2; length < input.length; length++) {
        const cut = input.subarray(0, length);
        const plain = gunzipSync(cut, { finishFlush: constants.Z_SYNC_FLUSH });
        const expected = captured([plain]).filter((line) => !line.startsWith('broken'));
        const atMemberEnd = length > 18 && input.subarray(length, length + 3).join() === '31,139,8';
        const frames = expected.length === 1 ? '1 whole frame' : `${expected.length} whole frames`;
        const error = atMemberEnd ? captured([plain]).at(-1) : `broken-capture: ${early}, after ${frames}`;
        expect(await framesOf([cut]), `cut at ${length}`).toEqual([...expected, error]);
      }
    }
  });

  test('what the program gzip decodes of a cut file is given too', async () => {
    const input = gzipSync(file);
    for (let length = 20; length < input.length; length += 37) {
      const cut = input.subarray(0, length);
      const { stdout } = spawnSync('gzip', ['-dc'], { input: cut });
      expect((await gunzipped([cut])).text.startsWith(asLatin1(stdout))).toBe(true);
    }
  });

  test('damaged anywhere, what can be decoded before is given', async () => {
    const random = createRandom(seedOfThisRun());
    const input = gzipSync(file);
    for (let at = 18; at < input.length - 8; at += 1 + random.below(4)) {
      const damaged = Uint8Array.from(input);
      damaged[at] = damaged[at]! ^ (1 + random.below(255));
      const { text: given, problem } = await gunzipped([damaged]);
      const byteByByte = await gunzipped(Array.from(damaged, (_, index) => damaged.subarray(index, index + 1)));
      expect({ given, problem }, `seed ${random.seed}, byte ${at}`).toEqual({
        given: byteByByte.text,
        problem: byteByByte.problem,
      });
      // Only the bits that fill up the last byte of the data mean nothing.
      if (problem === undefined) expect(given, `seed ${random.seed}, byte ${at}`).toBe(asLatin1(file));
    }
  });
});

test('of a long member that is damaged, at most the last 64 KiB before the damage are missing', async () => {
  const random = createRandom(seedOfThisRun());
  const content = Uint8Array.from({ length: 6 * 1024 * 1024 }, () => random.below(256));
  const input = gzipSync(content, { level: 0 });
  const at = 5 * 1024 * 1024;
  // A stored block begins with its length and the complement of it; search the next one and break that.
  const broken = Uint8Array.from(input);
  for (let next = at; ; next++) {
    const length = broken[next]! | (broken[next + 1]! << 8);
    const complement = broken[next + 2]! | (broken[next + 3]! << 8);
    if (broken[next - 1]! > 1 || (length ^ complement) !== 0xffff || length < 1000) continue;
    broken.fill(0, next, next + 4).fill(1, next, next + 1);
    break;
  }
  const { text: given, problem } = await gunzipped([broken]);
  expect(problem).toMatch(/^its compressed data is damaged/);
  expect(given.length).toBeGreaterThan(at - 64 * 1024 - 20 * 1024);
  expect(asLatin1(content).startsWith(given)).toBe(true);
});

test('a bomb is decoded in small pieces', async () => {
  const gunzip = new Gunzip();
  const bomb = gzipSync(new Uint8Array(32 * 1024 * 1024));
  let length = 0;
  for await (const chunk of gunzip.read(streamOf([bomb]))) {
    expect(chunk.length).toBeLessThanOrEqual(64 * 1024);
    length += chunk.length;
  }
  expect(length).toBe(32 * 1024 * 1024);
});
