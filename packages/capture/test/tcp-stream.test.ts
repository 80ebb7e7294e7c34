import { describe, expect, test } from 'vitest';
import { ack, data, fin, Observed, syn, type TestPacket } from './observed.ts';

const cut = (packet: TestPacket, captured: number): TestPacket => ({ ...packet, captured });

/** What the counters hold besides what every case has. */
function counts(observed: Observed): object {
  const { duplicateBytes, droppedBytes, gapBytes, gaps } = observed.assembler.counters();
  const found = Object.entries({ duplicate: duplicateBytes, ...droppedBytes, gapBytes, ...gaps });
  return Object.fromEntries(found.filter(([, count]) => count > 0));
}

describe('of bytes that come twice the first captured ones count', () => {
  const rows: [sentence: string, packets: TestPacket[], lines: string[], counts: object][] = [
    ['the same again', [data(10, 'abc'), data(10, 'abc')], ['"abc"'], { duplicate: 3 }],
    ['others, against delivered bytes', [data(10, 'abc'), data(10, 'XYZ')], ['"abc"'], { duplicate: 3 }],
    ['others, over the end of delivered bytes', [data(10, 'abc'), data(11, 'XYZ')], ['"abc"', '"Z"'], { duplicate: 2 }],
    [
      'others, against held bytes',
      [data(12, 'cd'), data(11, 'XYZe'), data(10, 'a')],
      ['"a"', '"X"', '"cd"', '"e"'],
      { duplicate: 2 },
    ],
    [
      'others, in order and against held bytes at the same time',
      [data(10, 'ab'), data(14, 'ef'), data(11, 'XcdXYg'), data(17, 'h')],
      ['"ab"', '"cd"', '"ef"', '"g"', '"h"'],
      { duplicate: 3 },
    ],
    [
      'others, against several held pieces and the holes between',
      [data(11, 'b'), data(13, 'd'), data(10, 'aXcXe')],
      ['"a"', '"b"', '"c"', '"d"', '"e"'],
      { duplicate: 2 },
    ],
    [
      'others, before the start and behind it',
      [data(7, 'XXXabc'), data(13, 'd')],
      ['"abc"', '"d"'],
      { 'before-start': 3 },
    ],
    [
      'others, across the wrap',
      [syn(0xfffffffc), data(0xffffffff, 'cd'), data(0xfffffffd, 'abXYe')],
      ['"ab"', '"cd"', '"e"'],
      { duplicate: 2 },
    ],
  ];
  test.each(rows)('%s', (_, packets, lines, expected) => {
    const observed = new Observed().push(...(packets[0]?.flags === 'S' ? [] : [syn(9)]), ...packets).advance(50);
    expect(observed.take()).toEqual(['> handshake', ...lines.map((line) => `> ${line}`)]);
    expect(counts(observed)).toEqual(expected);
  });

  test('what comes for any of the last gaps is late, what comes for delivered bytes a duplicate', () => {
    const observed = new Observed().push(syn(9));
    for (let count = 0; count < 16; count++) observed.push(data(11 + 2 * count, 'x'));
    observed.advance(5_000);
    observed.push(data(10, 'XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX', 5_001));
    expect(counts(observed)).toEqual({ duplicate: 16, late: 16, gapBytes: 16, timeout: 16 });
  });
});

describe('probes, and what is no data', () => {
  const rows: [sentence: string, packets: TestPacket[], lines: string[], duplicates: number][] = [
    [
      'keep-alive probes of 0 bytes',
      [data(10, 'ab'), { sequence: 11 }, { sequence: 11 }, data(12, 'c')],
      ['"ab"', '"c"'],
      0,
    ],
    [
      'keep-alive probes of 1 byte',
      [data(10, 'ab'), data(11, '\0'), data(11, '\0'), data(12, 'c')],
      ['"ab"', '"c"'],
      2,
    ],
    [
      'keep-alive probes on bytes that were not captured',
      [data(10, 'ab'), ack(15), data(14, '\0'), data(15, 'c'), data(12, 'xyz')],
      ['"ab"', '"xyz"', '"c"'],
      1,
    ],
    [
      'a keep-alive probe on the next byte, which was acknowledged and not captured',
      [data(10, 'ab'), ack(13), data(12, '\0'), data(13, 'd')],
      ['"ab"', 'gap 1', '"d"'],
      1,
    ],
    [
      'zero-window probes that the server refuses, then the data',
      [data(10, 'ab'), ack(12), data(12, 'c'), ack(12), data(12, 'c'), ack(12), data(12, 'cde'), ack(15)],
      ['"ab"', '"c"', '"de"'],
      2,
    ],
    [
      'zero-window probes that the server takes',
      [data(10, 'ab'), ack(12), data(12, 'c'), ack(13), data(13, 'd'), ack(14), data(14, 'e')],
      ['"ab"', '"c"', '"d"', '"e"'],
      0,
    ],
    [
      'urgent data stays in the stream',
      [data(10, 'ab'), { ...data(12, '!'), flags: 'AU' }, data(13, 'c')],
      ['"ab"', '"!"', '"c"'],
      0,
    ],
    [
      'urgent data across the wrap, out of order',
      [syn(0xfffffffd), { ...data(0, '!'), flags: 'AU' }, data(0xfffffffe, 'ab'), data(1, 'c')],
      ['"ab"', '"!"', '"c"'],
      0,
    ],
    [
      'window updates and the same ACK again',
      [data(10, 'ab'), ack(12), ack(12), ack(12), data(12, 'c')],
      ['"ab"', '"c"'],
      0,
    ],
    ['an ACK far beyond all data', [data(10, 'a'), ack(900_000_000), data(12, 'c', 1)], ['"a"'], 0],
  ];
  test.each(rows)('%s', (_, packets, lines, duplicates) => {
    const observed = new Observed().push(...(packets[0]?.flags === 'S' ? [] : [syn(9)]), ...packets).advance(150);
    expect(observed.take()).toEqual(['> handshake', ...lines.map((line) => `> ${line}`)]);
    expect(observed.assembler.counters().duplicateBytes).toBe(duplicates);
  });
});

describe('bytes that the capture cut off', () => {
  const rows: [sentence: string, packets: TestPacket[], lines: string[], gaps: number][] = [
    ['come in a whole retransmission', [cut(data(10, 'abcdef'), 2), data(10, 'abcdef', 99)], ['"ab"', '"cdef"'], 0],
    [
      'come from another interface with another cut',
      [cut(data(10, 'abcdef'), 2), cut(data(10, 'abcdef'), 4), data(16, 'g')],
      ['"ab"', '"cd"', 'gap 2', '"g"'],
      1,
    ],
    [
      'come before the cut copy',
      [data(10, 'abcdef'), cut(data(10, 'abcdef'), 2), data(16, 'g')],
      ['"abcdef"', '"g"'],
      0,
    ],
    [
      'come piece by piece, and data behind them first',
      [cut(data(10, 'abcdef'), 1), data(16, 'g'), data(13, 'de'), data(11, 'bc'), data(15, 'f')],
      ['"a"', '"bc"', '"de"', '"f"', '"g"'],
      0,
    ],
    [
      'come too late',
      [cut(data(10, 'abcdef'), 2), data(16, 'g', 100), data(10, 'abcdef', 110)],
      ['"ab"', 'gap 4', '"g"'],
      1,
    ],
    [
      'never come, of frame after frame',
      [cut(data(10, 'abc'), 1), cut(data(13, 'def', 1), 1), cut(data(16, 'ghi', 2), 1), data(19, 'j', 3)],
      ['"a"', 'gap 2', '"d"', 'gap 2', '"g"', 'gap 2', '"j"'],
      3,
    ],
    [
      'beyond a FIN: false, as data behind it is',
      [cut(data(11, 'bcdefgh'), 0), data(12, 'c'), fin(14), data(10, 'a')],
      ['"a"', 'gap 1', '"c"', 'gap 5'],
      2,
    ],
    ['at the end', [cut(data(10, 'abc'), 1)], ['"a"', 'gap 2'], 1],
    ['before a FIN', [cut(data(10, 'abc'), 1), fin(13)], ['"a"', 'gap 2', 'end fin'], 1],
    ['of the segment with the FIN', [cut({ ...fin(10), payload: 'abc' }, 1)], ['"a"', 'gap 2', 'end fin'], 1],
  ];
  test.each(rows)('%s', (_, packets, lines, gaps) => {
    const observed = new Observed().push(syn(9), ...packets).advance(103);
    const later = observed.advance(110);
    expect(later.take()).toEqual(['> handshake', ...lines.map((line) => `> ${line}`)]);
    expect(observed.assembler.counters().gaps.cut).toBe(gaps);
    observed.close();
  });

  test('are waited for 100 ms', () => {
    const observed = new Observed().push(syn(9), cut(data(10, 'abc'), 1), data(13, 'd')).advance(99);
    expect(observed.take()).toEqual(['> handshake', '> "a"']);
    expect(observed.advance(100).take()).toEqual(['> gap 2', '> "d"']);
  });
});

describe('holes that the other side acknowledged', () => {
  const holed = [syn(9), data(10, 'a'), data(12, 'c'), data(14, 'e'), data(16, 'g')];

  test('wait 100 ms all together, not one after the other', () => {
    const observed = new Observed().push(...holed, ack(17, 50)).advance(149);
    expect(observed.take()).toEqual(['> handshake', '> "a"']);
    expect(observed.advance(150).take()).toEqual(['> gap 1', '> "c"', '> gap 1', '> "e"', '> gap 1', '> "g"']);
  });

  test('wait each from its own acknowledgment', () => {
    const observed = new Observed().push(...holed, ack(13, 10), ack(15, 20), ack(17, 30));
    observed.take();
    expect(observed.advance(110).take()).toEqual(['> gap 1', '> "c"']);
    expect(observed.advance(120).take()).toEqual(['> gap 1', '> "e"']);
    expect(observed.advance(130).take()).toEqual(['> gap 1', '> "g"']);
  });

  test('wait from the data behind them where the ACK was captured before it', () => {
    const observed = new Observed().push(syn(9), data(10, 'a'), ack(17, 5), data(12, 'c', 20), data(14, 'e', 40));
    observed.take();
    expect(observed.advance(119).take()).toEqual([]);
    expect(observed.advance(120).take()).toEqual(['> gap 1', '> "c"']);
    expect(observed.advance(140).take()).toEqual(['> gap 1', '> "e"']);
  });

  test('are filled by what comes in time, in whatever order', () => {
    const observed = new Observed().push(...holed, ack(17, 0), data(15, 'f', 99), data(13, 'd', 99), data(11, 'b', 99));
    expect(observed.advance(1_000).take().join('')).not.toContain('gap');
  });

  test('also across the wrap', () => {
    const observed = new Observed().push(syn(0xfffffffe), data(0xffffffff, 'a'), data(1, 'c'), data(3, 'e'), ack(4));
    observed.take();
    expect(observed.advance(100).take()).toEqual(['> gap 1', '> "c"', '> gap 1', '> "e"']);
  });

  test('in part: the rest waits anew', () => {
    const observed = new Observed().push(syn(9), data(15, 'f'), data(17, 'h'), ack(12)).advance(100);
    expect(observed.take()).toEqual(['> handshake', '> gap 2']);
    observed.push(ack(18, 150));
    expect(observed.advance(249).take()).toEqual([]);
    expect(observed.advance(250).take()).toEqual(['> gap 3', '> "f"', '> gap 1', '> "h"']);
  });

  test('in part, and the rest is filled in part: it waits from its own acknowledgment', () => {
    const observed = new Observed().push(syn(9), data(15, 'f'), ack(12)).advance(100);
    expect(observed.push(ack(15, 150), data(12, 'c', 200)).take()).toEqual(['> handshake', '> gap 2', '> "c"']);
    expect(observed.advance(249).take()).toEqual([]);
    expect(observed.advance(250).take()).toEqual(['> gap 2', '> "f"']);
  });

  test('wait no longer where data between them comes after the ACK', () => {
    const observed = new Observed().push(
      syn(9),
      data(10, 'a'),
      data(12, 'c'),
      data(16, 'g'),
      ack(17),
      data(14, 'e', 10),
    );
    observed.take();
    expect(observed.advance(100).take()).toEqual(['> gap 1', '> "c"']);
    expect(observed.advance(110).take()).toEqual(['> gap 1', '> "e"', '> gap 1', '> "g"']);
  });

  test('an ACK that cannot be of this stream closes none', () => {
    const observed = new Observed().push(syn(9), data(10, 'a'), ack(0x10000000), data(12, 'c')).advance(4_999);
    expect(observed.take()).toEqual(['> handshake', '> "a"']);
  });
});

describe('2 GiB after the last acknowledgment', () => {
  const observed = (): [Observed, next: number] => {
    const stage = new Observed().push(syn(9), data(10, 'a'), ack(11));
    let next = 11;
    for (let count = 1; count <= 50; count++) {
      next += 50_000_000;
      stage.push(data(next++ >>> 0, 'x', count * 5_000));
    }
    stage.advance(255_000).take();
    return [stage, next];
  };

  test('the next one counts', () => {
    const [stage, next] = observed();
    stage.push(ack(next + 3, 255_001), data(next + 2, 'z', 255_001)).advance(255_101);
    expect(stage.take()).toEqual(['> gap 2', '> "z"']);
  });

  test('the old one does not', () => {
    const [stage, next] = observed();
    expect(
      stage
        .push(data(next + 2, 'z', 255_001))
        .advance(260_000)
        .take(),
    ).toEqual([]);
    expect(stage.advance(260_001).take()).toEqual(['> gap 2', '> "z"']);
  });
});
