import { describe, expect, test } from 'vitest';
import { captureBlocks, concatenated } from '../../../test/kit/captures.ts';
import { everySplit, latin1 } from '../../../test/kit/every-split.ts';
import { CaptureReader } from '../src/index.ts';
import { captured } from './captured-frames.ts';

const ONE = latin1('one');
const TWO = latin1('four');
const FLAGS = 2;
const RESOLUTION = 9;
const OFFSET = 14;

const little = captureBlocks(true);
const big = captureBlocks(false);
const { section, interface: description, enhanced, old, simple, block } = little;
const head = concatenated(section(), description());
const good = '1 7 unknown one';

describe.each([
  ['little-endian', little],
  ['big-endian', big],
])('%s, at every split', (_, blocks) => {
  const { uint32, int64 } = blocks;
  const start = concatenated(blocks.section(), blocks.interface());
  const flags = (word: number): [number, number[]] => [FLAGS, uint32(word)];
  test.each<[sentence: string, rest: readonly Uint8Array[], expected: readonly string[]]>([
    ['no block behind the section header', [], []],
    [
      'enhanced packet blocks',
      [blocks.enhanced({ data: ONE, ticks: 7 }), blocks.enhanced({ data: TWO })],
      [good, '1 0 unknown four'],
    ],
    ['a frame that was cut', [blocks.enhanced({ data: ONE, ticks: 7, originalLength: 1500 })], [`${good} of 1500`]],
    [
      'a time of more than 32 bits',
      [blocks.enhanced({ data: ONE, ticks: 1_700_000_000_123_456 })],
      ['1 1700000000123456 unknown one'],
    ],
    ['the obsolete packet block, its count of drops', [blocks.old({ data: ONE, ticks: 7, drops: 9 })], [good]],
    [
      'packet flags tell the direction, behind other options too, in both packet blocks',
      [
        blocks.enhanced({ data: ONE, options: [[1, latin1('comment')], flags(0x1d)] }),
        blocks.enhanced({ data: ONE, options: [flags(2)] }),
        blocks.enhanced({ data: ONE, options: [flags(3)] }),
        blocks.enhanced({ data: TWO, options: [flags(0xffff_fffc)] }),
        blocks.old({ data: ONE, options: [flags(1)] }),
        blocks.enhanced({ data: TWO }),
      ],
      ['1 0 in one', '1 0 out one', '1 0 unknown one', '1 0 unknown four', '1 0 in one', '1 0 unknown four'],
    ],
    [
      'damaged packet options cost the direction, not the frame',
      [blocks.block(6, concatenated(...[0, 0, 7, 4, 4].map(uint32), TWO, [0, FLAGS, 0xff, 0xff]))],
      ['1 7 unknown four'],
    ],
    [
      'simple packets have the time of the packet before',
      [blocks.simple({ data: ONE }), blocks.enhanced({ data: ONE, ticks: 7 }), blocks.simple({ data: TWO })],
      ['1 0 unknown one', good, '1 7 unknown four'],
    ],
    [
      'interfaces have link types and resolutions of their own',
      [
        blocks.interface({
          linkType: 276,
          options: [
            [2, latin1('eth0')],
            [RESOLUTION, [9]],
          ],
        }),
        blocks.interface({
          linkType: 101,
          options: [
            [RESOLUTION, [0x80 + 10]],
            [OFFSET, int64(-2n)],
          ],
        }),
        blocks.enhanced({ data: ONE, ticks: 7_999, interfaceNumber: 1 }),
        blocks.old({ data: ONE, ticks: 3 * 1024 + 512, interfaceNumber: 2 }),
        blocks.enhanced({ data: ONE, ticks: 7 }),
      ],
      ['276 7 unknown one', '101 1500000 unknown one', good],
    ],
    [
      'other blocks are passed over: statistics, names, secrets, of local use, without a body',
      [5, 4, 10, 0x8000_0001, 0xbad]
        .map((type, at) => blocks.block(type, new Uint8Array(4 * at).fill(0xff)))
        .concat(blocks.enhanced({ data: ONE, ticks: 7 })),
      [good],
    ],
  ])('%s', (_sentence, rest, expected) => {
    for (const chunks of everySplit(concatenated(start, ...rest))) expect(captured(chunks)).toEqual(expected);
  });
});

describe('at every split', () => {
  const packet = enhanced({ data: ONE, ticks: 7 });
  const frameClaims = 'broken-capture: its next frame claims';
  const blockClaims = 'broken-capture: its next block claims';
  test.each<[sentence: string, file: Uint8Array, expected: readonly string[]]>([
    [
      'sections of both byte orders, each with interfaces and last time of its own',
      concatenated(
        ...[head, packet, big.section({ options: [[4, latin1('a program')]] }), big.interface({ linkType: 101 })],
        ...[
          big.simple({ data: TWO }),
          big.enhanced({ data: ONE, ticks: 8 }),
          section({ minor: 2 }),
          description(),
          packet,
        ],
      ),
      [good, '101 0 unknown four', '101 8 unknown one', good],
    ],
    [
      'the snap length of the first interface cuts simple packets',
      concatenated(
        section(),
        description({ snapLength: 4 }),
        description(),
        simple({ data: TWO, originalLength: 9 }),
        simple({ data: ONE }),
      ),
      ['1 0 unknown four of 9', '1 0 unknown one'],
    ],
    [
      'a simple packet longer than its block',
      concatenated(head, packet, simple({ data: TWO, originalLength: 9 })),
      [good, `${frameClaims} 9 bytes, which is more than its block holds, after 1 whole frame`],
    ],
    [
      'a frame longer than its block',
      concatenated(head, packet, enhanced({ data: ONE, capturedLength: 5 })),
      [good, `${frameClaims} 5 bytes, which is more than its block holds, after 1 whole frame`],
    ],
    [
      'a frame of over 1 MiB',
      concatenated(head, packet, enhanced({ data: ONE, capturedLength: 1024 * 1024 + 1 })),
      [good, `${frameClaims} 1048577 bytes, which is more than any capture has, after 1 whole frame`],
    ],
    [
      'a packet block of over 2 MiB is not waited for',
      concatenated(head, packet, enhanced({ data: ONE, length: 2 * 1024 * 1024 + 4 })),
      [good, `${blockClaims} 2097156 bytes, which is more than any such block has, after 1 whole frame`],
    ],
    [
      'a block length that is no multiple of four',
      concatenated(head, packet, block(5, [1, 2, 3])),
      [good, `${blockClaims} 15 bytes, which is no multiple of four, after 1 whole frame`],
    ],
    [
      'a block shorter than its fields',
      concatenated(head, packet, enhanced({ data: ONE, length: 28 })),
      [good, `${blockClaims} 28 bytes, which is less than any such block has, after 1 whole frame`],
    ],
    [
      'the two lengths of a packet block disagree',
      concatenated(head, packet, enhanced({ data: ONE, trailer: 40 })),
      [good, 'broken-capture: the two lengths of a block, 36 and 40, disagree, after 1 whole frame'],
    ],
    [
      'the two lengths of a block that is passed over disagree',
      concatenated(head, packet, block(5, [1, 2, 3, 4], { trailer: 40 }), packet),
      [good, 'broken-capture: the two lengths of a block, 16 and 40, disagree, after 1 whole frame'],
    ],
    [
      'an interface that was not described',
      concatenated(head, packet, enhanced({ data: ONE, interfaceNumber: 1 })),
      [good, 'broken-capture: its next frame belongs to interface 1, which was not described, after 1 whole frame'],
    ],
    [
      'an interface of the section before',
      concatenated(head, packet, section(), simple({ data: ONE })),
      [good, 'broken-capture: its next frame belongs to interface 0, which was not described, after 1 whole frame'],
    ],
    [
      'a time resolution of two bytes',
      concatenated(section(), description({ options: [[RESOLUTION, [6, 6]]] })),
      ['broken-capture: the options of interface 0 are damaged, after 0 whole frames'],
    ],
    [
      'two time resolutions',
      concatenated(
        section(),
        description({
          options: [
            [RESOLUTION, [6]],
            [RESOLUTION, [9]],
          ],
        }),
      ),
      ['broken-capture: the options of interface 0 are damaged, after 0 whole frames'],
    ],
    [
      'an option that is longer than its block',
      concatenated(section(), block(1, [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 5, 0, 1, 1, 1, 1])),
      ['broken-capture: the options of interface 0 are damaged, after 0 whole frames'],
    ],
    [
      'a section header without byte order',
      concatenated(head, packet, block(0x0a0d0d0a, new Uint8Array(16))),
      [good, 'broken-capture: a section header tells no byte order, after 1 whole frame'],
    ],
    [
      'another version',
      section({ major: 2 }),
      ['unsupported-capture: it is in version 2.0 of the pcapng format; convert it: editcap -F pcapng IN OUT'],
    ],
    [
      'only the type of a section header',
      section().subarray(0, 4),
      ['broken-capture: it ends within its header, after 0 whole frames'],
    ],
  ])('%s', (_, file, expected) => {
    for (const chunks of everySplit(file)) expect(captured(chunks)).toEqual(expected);
  });
});

test('cut anywhere, all whole frames are given, then one error, or none between blocks', () => {
  const blocks = [
    section(),
    description(),
    enhanced({ data: ONE, ticks: 7 }),
    block(5, new Uint8Array(20)),
    old({ data: ONE, ticks: 7 }),
    simple({ data: ONE }),
  ];
  const file = concatenated(...blocks);
  const ends = blocks.map((_, at) => concatenated(...blocks.slice(0, at + 1)).length);
  for (let length = 4; length < file.length; length++) {
    const frames = [ends[2]!, ends[4]!, ends[5]!].filter((end) => end <= length).length;
    const text = captured([file.subarray(0, length)]);
    expect(text.slice(0, frames)).toEqual(Array(frames).fill(good));
    if (ends.includes(length)) expect(text).toHaveLength(frames);
    else
      expect(text[frames]).toMatch(
        length < ends[0]! - 4 ? /within its header/ : /^broken-capture: it ends within a block/,
      );
  }
});

test('a block of 4 GiB that is passed over takes no memory', () => {
  const reader = new CaptureReader();
  const length = 2 ** 32 - 4;
  const file = concatenated(head, block(0xbad, [], { length }).subarray(0, 8));
  for (const _ of reader.read(file));
  const chunk = new Uint8Array(1024 * 1024);
  let left = length - 12;
  for (; left > chunk.length; left -= chunk.length) for (const _ of reader.read(chunk));
  for (const _ of reader.read(chunk.subarray(0, left)));
  const rest = concatenated(little.uint32(length), enhanced({ data: ONE }));
  expect([...reader.read(rest)]).toHaveLength(1);
  reader.end();
});

test('a section of more interfaces than can be named is damage', () => {
  const many = concatenated(section(), ...Array<Uint8Array>(65_537).fill(description()));
  expect(captured([many])).toEqual([
    'broken-capture: a section describes more than 65536 interfaces, after 0 whole frames',
  ]);
});
