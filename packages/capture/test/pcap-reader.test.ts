import { describe, expect, test } from 'vitest';
import { asLatin1, everySplit, latin1 } from '../../../test/kit/every-split.ts';
import { pcapFile } from '../../../test/kit/packets.ts';
import { CaptureError, PcapReader } from '../src/index.ts';

/** The frames as text, and the error's code behind them. */
function read(chunks: readonly Uint8Array[]): string[] {
  const reader = new PcapReader();
  const frames: string[] = [];
  try {
    for (const chunk of chunks) {
      for (const frame of reader.read(chunk)) {
        const text = asLatin1(frame.bytes.subarray(frame.start, frame.end));
        frames.push(`${frame.linkType} ${frame.timestampUs} ${text} of ${frame.originalLength}`);
      }
    }
    reader.end();
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    frames.push(error.code);
  }
  return frames;
}

const frames = [
  { bytes: latin1('first'), seconds: 1, fraction: 2_500 },
  { bytes: latin1(''), seconds: 2 },
  { bytes: latin1('cut'), seconds: 4_294_967_295, fraction: 999_999, originalLength: 1_500 },
];
const microseconds = ['1 1002500 first of 5', '1 2000000  of 0', '1 4294967295999999 cut of 1500'];
const whole = pcapFile(frames);

describe('at every split', () => {
  const rows: [sentence: string, file: Uint8Array, expected: string[]][] = [
    ['a little-endian file', whole, microseconds],
    ['a big-endian file', pcapFile(frames, { littleEndian: false }), microseconds],
    [
      'nanoseconds are rounded down',
      pcapFile([{ bytes: latin1('x'), fraction: 1_999 }], { magic: 0xa1b23c4d }),
      ['1 1 x of 1'],
    ],
    ['the length of a frame check sequence is no part of the link type', pcapFile([], { linkType: 0x14000001 }), []],
    ['another link type', pcapFile([{ bytes: latin1('x') }], { linkType: 276 }), ['276 0 x of 1']],
    ['a file cut in a frame', whole.subarray(0, whole.length - 1), [...microseconds.slice(0, 2), 'broken-capture']],
    [
      'a file cut in the header of a frame',
      whole.subarray(0, 24 + 16 + 5 + 9),
      ['1 1002500 first of 5', 'broken-capture'],
    ],
    ['a file cut in its own header', whole.subarray(0, 23), ['broken-capture']],
    ['text', latin1('GET / HTTP/1.1\r\n'), ['broken-capture']],
    ['pcapng', Uint8Array.of(0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0), ['unsupported-capture']],
    ['a compressed file', Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0), ['unsupported-capture']],
    [
      'a frame that claims four GiB, after a good one',
      pcapFile([{ bytes: latin1('ok') }, { bytes: latin1('x') }]).fill(0xff, 24 + 18 + 8, 24 + 18 + 12),
      ['1 0 ok of 2', 'broken-capture'],
    ],
  ];
  test.each(rows)('%s', (_, file, expected) => {
    for (const chunks of everySplit(file)) expect(read(chunks)).toEqual(expected);
  });
});

test('no bytes at all are no capture', () => {
  expect(read([])).toEqual(['broken-capture']);
  expect(read([new Uint8Array(0)])).toEqual(['broken-capture']);
});

test('a chunk left half read is misuse', () => {
  const reader = new PcapReader();
  expect(reader.read(whole).next().done).toBe(false);
  expect(() => reader.read(whole).next()).toThrow(TypeError);
});

test('a length that no frame has is refused at once, not waited for', () => {
  const file = pcapFile([{ bytes: latin1('x') }]).fill(0xff, 24 + 8, 24 + 12);
  expect(() => [...new PcapReader().read(file)]).toThrow(/frame 1 claims/);
});
