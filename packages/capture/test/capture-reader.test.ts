import { describe, expect, test } from 'vitest';
import { concatenated } from '../../../test/kit/captures.ts';
import { asLatin1, everySplit, latin1 } from '../../../test/kit/every-split.ts';
import { pcapFile } from '../../../test/kit/packets.ts';
import { CaptureError, CaptureReader } from '../src/index.ts';

/** The frames as text, and the error's code behind them. */
function read(chunks: readonly Uint8Array[]): string[] {
  const reader = new CaptureReader();
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

test('`slice` copies what a frame holds, also where chunks are Buffers', () => {
  const chunk = Buffer.from(whole);
  const copies: Uint8Array[] = [];
  for (const { bytes, start, end } of new CaptureReader().read(chunk)) copies.push(bytes.slice(start, end));
  chunk.fill(0);
  expect(copies.map(asLatin1)).toEqual(['first', '', 'cut']);
});

/** Interface, protocol and packet type stand behind the lengths. */
const modified = concatenated(
  pcapFile([], { magic: 0xa1b2cd34 }),
  ...frames.slice(0, 2).flatMap((frame) => {
    const record = pcapFile([frame]).subarray(24);
    return [record.subarray(0, 16), [2, 0, 0, 0, 8, 0, 4, 0], record.subarray(16)];
  }),
);

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
    ['the modified format, whose records have eight more bytes', modified, ['1 1002500 first of 5', '1 2000000  of 0']],
    ['another version of the format', Uint8Array.from(whole).fill(3, 6, 7), ['unsupported-capture']],
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
  const reader = new CaptureReader();
  expect(reader.read(whole).next().done).toBe(false);
  expect(() => reader.read(whole).next()).toThrow(TypeError);
});

test('a length that no frame has is refused at once, not waited for', () => {
  const file = pcapFile([{ bytes: latin1('x') }]).fill(0xff, 24 + 8, 24 + 12);
  expect(() => [...new CaptureReader().read(file)]).toThrow(/next frame claims 4294967295 bytes/);
});

test.each<[sentence: string, firstBytes: readonly number[], words: RegExp]>([
  ['gzip within gzip', [0x1f, 0x8b, 8, 0], /gzip; uncompress it: gunzip -c FILE/],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd], /zstd -dc FILE/],
  ['lz4', [0x04, 0x22, 0x4d, 0x18], /lz4 -dc FILE/],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], /xz -dc FILE/],
  ['bzip2', [...latin1('BZh91')], /bzip2 -dc FILE/],
  ['zip', [...latin1('PK\x03\x04')], /unzip -p FILE/],
  ['snoop', [...latin1('snoop\0\0\0')], /editcap -F pcap IN OUT/],
  ['Network Monitor', [...latin1('GMBU')], /editcap -F pcap IN OUT/],
  ['the pcap of Ixia', [0xac, 0x01, 0x00, 0x1c], /editcap -F pcap IN OUT/],
  ['HAR', [...latin1('{"log":{')], /HAR file, which holds no packets/],
])('%s is refused at every split, in one line that names the way out', (_, firstBytes, words) => {
  for (const chunks of everySplit(Uint8Array.from(firstBytes))) {
    const reader = new CaptureReader({ name: 'x' });
    const reading = (): void => {
      for (const chunk of chunks) for (const _ of reader.read(chunk));
    };
    expect(reading).toThrow(expect.objectContaining({ code: 'unsupported-capture' }));
    expect(reading).toThrow(words);
    expect(reading).toThrow(/^The capture x cannot be read: .*\.$/);
  }
});

test('the error says after how many frames', () => {
  const messageOf = (file: Uint8Array): string => {
    const reader = new CaptureReader({ name: 'day.pcap' });
    try {
      for (const _ of reader.read(file));
      reader.end();
    } catch (error) {
      return error instanceof Error ? error.message : '';
    }
    return '';
  };
  const cut = 'The capture day.pcap cannot be read: it ends within a frame, after';
  expect(messageOf(whole.subarray(0, whole.length - 1))).toBe(`${cut} 2 whole frames.`);
  expect(messageOf(whole.subarray(0, 24 + 16 + 5 + 3))).toBe(`${cut} 1 whole frame.`);
  expect(messageOf(whole.subarray(0, 24 + 7))).toBe(`${cut} 0 whole frames.`);
});
