import { describe, expect, test } from 'vitest';
import type { EndReason, TcpLimits } from '../src/index.ts';
import { ack, answer, clientPort, data, fin, Observed, serverPort, syn, synAck, type TestPacket } from './observed.ts';

describe('the stream is put in order', () => {
  const rows: [sentence: string, packets: TestPacket[], expected: string[]][] = [
    ['data in order', [syn(9), data(10, 'abc'), data(13, 'de')], ['> handshake', '> "abc"', '> "de"']],
    ['data out of order', [syn(9), data(13, 'de'), data(10, 'abc')], ['> handshake', '> "abc"', '> "de"']],
    ['a retransmission', [syn(9), data(10, 'abc'), data(10, 'abc')], ['> handshake', '> "abc"']],
    ['a longer retransmission', [syn(9), data(10, 'abc'), data(10, 'abcde')], ['> handshake', '> "abc"', '> "de"']],
    [
      'an overlap in order: the first copy stays',
      [syn(9), data(10, 'abc'), data(12, 'XY')],
      ['> handshake', '> "abc"', '> "Y"'],
    ],
    [
      'an overlap with held data: the first copy stays',
      [syn(9), data(12, 'cd'), data(10, 'abXYef')],
      ['> handshake', '> "ab"', '> "cd"', '> "ef"'],
    ],
    [
      'a keep-alive probe',
      [syn(9), data(10, 'abc'), data(12, '\0'), data(13, 'd')],
      ['> handshake', '> "abc"', '> "d"'],
    ],
    ['data in the SYN', [{ ...syn(9), payload: 'abc' }, data(13, 'de')], ['> handshake', '> "abc"', '> "de"']],
    [
      'data in a SYN that is sent again',
      [
        { ...syn(9), payload: 'abc' },
        { ...syn(9), payload: 'abc' },
      ],
      ['> handshake', '> "abc"'],
    ],
    [
      'sequence numbers that wrap within a segment',
      [syn(0xfffffffd), data(0xfffffffe, 'abcd'), data(2, 'ef')],
      ['> handshake', '> "abcd"', '> "ef"'],
    ],
    [
      'sequence numbers that wrap within a hole',
      [syn(0xfffffffd), data(2, 'ef'), data(0xfffffffe, 'abcd')],
      ['> handshake', '> "abcd"', '> "ef"'],
    ],
    ['a SYN sent again', [syn(9), syn(9), data(10, 'abc'), syn(9), data(13, 'd')], ['> handshake', '> "abc"', '> "d"']],
    ['no handshake', [data(500, 'abc'), data(503, 'de')], ['> midstream', '> "abc"', '> "de"']],
    [
      'no handshake, and what was not acknowledged comes late',
      [answer(1, 'x', 500), { ...data(503, 'de'), acknowledgment: 2 }, data(500, 'abc')],
      ['< midstream', '< "x"', '> midstream', '> "abc"', '> "de"'],
    ],
    [
      'no handshake, and the first bytes come second',
      [data(503, 'de'), data(500, 'abc')],
      ['> midstream', '> "abc"', '> "de"'],
    ],
    [
      'no handshake, and the first bytes come after 20 ms',
      [data(503, 'de'), data(505, 'f', 20), data(500, 'abc', 21)],
      ['> midstream', '> "de"', '> "f"'],
    ],
    [
      'no handshake, and a keep-alive probe comes first',
      [answer(1, 'x', 501), { ...data(500, '\0'), acknowledgment: 2 }, data(501, 'abc')],
      ['< midstream', '< "x"', '> midstream', '> "abc"'],
    ],
    [
      'only the answer to the SYN was captured',
      [synAck(99, 10), data(12, 'cd'), data(10, 'ab')],
      ['> handshake', '> "ab"', '> "cd"'],
    ],
    [
      'both sides',
      [syn(9), synAck(99, 10), data(10, 'a'), answer(100, 'b')],
      ['> handshake', '> "a"', '< handshake', '< "b"'],
    ],
    [
      'a frame that the capture cut: the rest is a gap',
      [syn(9), { ...data(10, 'abcdef'), captured: 2 }, data(16, 'g')],
      ['> handshake', '> "ab"', '> gap 4', '> "g"'],
    ],
    [
      'a cut frame that waits for a hole',
      [syn(9), { ...data(12, 'cdef'), captured: 1 }, data(16, 'g'), data(10, 'ab')],
      ['> handshake', '> "ab"', '> "c"', '> gap 3', '> "g"'],
    ],
    [
      'a frame cut before its payload',
      [syn(9), data(10, 'ab'), { ...data(12, 'cdef'), captured: 0 }, data(16, 'g')],
      ['> handshake', '> "ab"', '> gap 4', '> "g"'],
    ],
    [
      'what a cut frame lacks, and an earlier copy has',
      [syn(9), data(13, 'de'), { ...data(10, 'abcdef'), captured: 2 }, data(16, 'g')],
      ['> handshake', '> "ab"', '> gap 1', '> "de"', '> gap 1', '> "g"'],
    ],
    ['FIN in order', [syn(9), data(10, 'abc'), fin(13)], ['> handshake', '> "abc"', '> end fin']],
    ['FIN with data', [syn(9), { ...fin(10), payload: 'abc' }], ['> handshake', '> "abc"', '> end fin']],
    [
      'FIN before its data',
      [syn(9), data(10, 'a'), fin(13), data(11, 'bc')],
      ['> handshake', '> "a"', '> "bc"', '> end fin'],
    ],
    ['data behind the FIN', [syn(9), data(10, 'a'), fin(11), data(12, 'XX')], ['> handshake', '> "a"', '> end fin']],
    [
      'a FIN before what was delivered',
      [syn(9), data(10, 'abc'), fin(11), data(13, 'd')],
      ['> handshake', '> "abc"', '> "d"'],
    ],
    ['segments without data', [syn(9), ack(5), { sequence: 10, flags: 'A' }], []],
  ];
  test.each(rows)('%s', (_, packets, expected) => {
    const observed = new Observed().push(...packets).advance(100);
    expect(observed.take()).toEqual(expected);
    observed.close();
  });

  test.each(rows)('each packet captured twice: %s', (_, packets, expected) => {
    const twice = packets.flatMap((packet) => [packet, packet]);
    expect(
      new Observed()
        .push(...twice)
        .advance(100)
        .take(),
    ).toEqual(expected);
  });
});

describe('a hole is given up', () => {
  const holed = [syn(9), data(10, 'ab'), data(15, 'fg')];
  const upToHole = ['> handshake', '> "ab"'];
  const given = ['> gap 3', '> "fg"'];

  test('after the time limit of packet time', () => {
    const observed = new Observed().push(...holed, data(17, 'h', 4_990));
    expect(observed.take()).toEqual(upToHole);
    observed.push(data(18, 'i', 5_000));
    expect(observed.take()).toEqual([...given, '> "h"', '> "i"']);
    expect(observed.assembler.counters()).toMatchObject({ gapBytes: 3, gaps: { timeout: 1 } });
  });

  test('after the time limit of the clock, where no packets come', () => {
    const observed = new Observed().push(...holed).advance(4_999);
    expect(observed.take()).toEqual(upToHole);
    expect(observed.advance(5_000).take()).toEqual(given);
  });

  test('100 ms after the other side acknowledged it', () => {
    const observed = new Observed().push(...holed, ack(15, 50)).advance(149);
    expect(observed.take()).toEqual(upToHole);
    expect(observed.advance(150).take()).toEqual(given);
    expect(observed.assembler.counters().gaps.acked).toBe(1);
  });

  test('and later acknowledgments do not prolong that', () => {
    const observed = new Observed().push(...holed, ack(15, 50), ack(17, 100)).advance(150);
    expect(observed.take()).toEqual([...upToHole, ...given]);
  });

  test('100 ms after it opened, where it had been acknowledged before', () => {
    const observed = new Observed().push(syn(9), data(10, 'ab'), ack(15), data(15, 'fg', 40)).advance(139);
    expect(observed.take()).toEqual(upToHole);
    expect(observed.advance(140).take()).toEqual(given);
  });

  test('only as far as it was acknowledged', () => {
    const observed = new Observed().push(...holed, ack(14)).advance(200);
    expect(observed.take()).toEqual([...upToHole, '> gap 2']);
    observed.push(data(14, 'e', 201));
    expect(observed.take()).toEqual(['> "e"', '> "fg"']);
  });

  test('not because something else was acknowledged', () => {
    expect(
      new Observed()
        .push(...holed, ack(12))
        .advance(1_000)
        .take(),
    ).toEqual(upToHole);
  });

  test('not before the data behind it has waited, even where an older hole was filled', () => {
    const observed = new Observed().push(...holed, data(20, 'k', 4_000), data(12, 'cde', 4_500)).advance(5_500);
    expect(observed.take()).toEqual([...upToHole, '> "cde"', '> "fg"']);
    expect(observed.advance(9_000).take()).toEqual(['> gap 3', '> "k"']);
  });

  test('and what comes for it later is counted as late', () => {
    const observed = new Observed().push(...holed).advance(5_000);
    observed.push(data(11, 'bcdef', 5_001));
    expect(observed.assembler.counters()).toMatchObject({ droppedBytes: { late: 3 }, duplicateBytes: 2 });
  });

  test('before a FIN', () => {
    expect(new Observed().push(syn(9), data(10, 'a'), fin(13)).advance(5_000).take()).toEqual([
      '> handshake',
      '> "a"',
      '> gap 2',
      '> end fin',
    ]);
  });

  test('when the connection ends', () => {
    expect(
      new Observed()
        .push(...holed)
        .close()
        .take(),
    ).toEqual([...upToHole, ...given, '> end closed', '< end closed']);
  });

  test('while the clock that was set back does not hold it for ever', () => {
    const late = 10_000_000;
    const observed = new Observed().push(syn(9, late), data(10, 'ab', late), data(15, 'fg', late));
    expect(observed.advance(0).advance(5_000).take()).toEqual([...upToHole, ...given]);
  });

  test('while a second capture in the same file is of an earlier time', () => {
    const late = 10_000_000;
    const observed = new Observed().push(syn(9, late), data(10, 'ab', late), data(15, 'fg', late));
    observed.push({ fromPort: 5, atMs: 0 }, { fromPort: 5, atMs: 5_000 });
    expect(observed.take()).toEqual([...upToHole, ...given]);
  });
});

describe('limits', () => {
  const limited = (limits: Partial<TcpLimits>): Observed => new Observed({ limits });
  const other = (fromPort: number, packet: TestPacket): TestPacket => ({ ...packet, fromPort });

  test('bytes held in one stream, the room for each piece included', () => {
    const observed = limited({ maxHeldBytesPerStream: 600 }).push(syn(9), data(11, 'b'), data(13, 'd'));
    expect(observed.take()).toEqual([]);
    expect(observed.push(data(15, 'f')).take()).toEqual(['> handshake', '> gap 1', '> "b"']);
    expect(observed.assembler.counters()).toMatchObject({ gaps: { limit: 1 }, heldSegments: 2 });
  });

  test('pieces held in one stream', () => {
    const observed = limited({ maxHeldSegmentsPerStream: 2 }).push(syn(9), data(11, 'b'), data(13, 'd'), data(15, 'f'));
    expect(observed.take()).toEqual(['> handshake', '> gap 1', '> "b"']);
  });

  test('pieces and bytes held in all: the oldest hole makes room', () => {
    for (const limits of [{ maxHeldSegments: 2 }, { maxHeldBytes: 2 * 256 + 2 }]) {
      const observed = limited(limits);
      for (const port of [1, 2, 3]) observed.push(other(port, syn(9)), other(port, data(11, `${port}`)));
      expect(observed.take()).toEqual(['> handshake', '> gap 1', '> "1"']);
      expect(observed.assembler.counters().heldSegments).toBe(2);
    }
  });

  test('nothing is held where the limit is zero', () => {
    const observed = limited({ maxHeldBytes: 0 }).push(syn(9), data(11, 'b'));
    expect(observed.take()).toEqual(['> handshake', '> gap 1', '> "b"']);
  });

  test('connections: the one silent for longest is evicted', () => {
    const observed = limited({ maxConnections: 2 });
    observed.push(other(1, data(1, 'a')), other(2, data(1, 'b')), other(1, data(2, 'c')), other(3, data(1, 'd')));
    expect(observed.take().filter((line) => line.includes('end'))).toEqual(['2> end evicted', '2< end evicted']);
    expect(observed.assembler.counters()).toMatchObject({ connectionsOpen: 2, connectionsEnded: { evicted: 1 } });
  });

  test('a flood of SYNs displaces no connection that carries data', () => {
    const observed = limited({ maxHalfOpen: 10 }).push(syn(9), data(10, 'a'));
    for (let port = 1; port <= 1_000; port++) observed.push(other(port, syn(7)));
    observed.push(data(11, 'b'));
    expect(observed.take()).toEqual(['> handshake', '> "a"', '> "b"']);
    expect(observed.assembler.counters()).toMatchObject({ halfOpen: 10, halfOpenEvicted: 990, connections: 1 });
  });

  test('idle connections end, and go on as new ones', () => {
    const observed = limited({ idleTimeoutMs: 1_000 }).push(data(1, 'a')).advance(999);
    expect(observed.take()).toEqual(['> midstream', '> "a"']);
    expect(observed.advance(1_000).take()).toEqual(['> end idle', '< end idle']);
    expect(
      observed
        .push(data(1, 'a', 1_001), data(2, 'b', 1_002))
        .advance(1_022)
        .take(),
    ).toEqual(['2> midstream', '2> "b"']);
  });

  test('idle connections end though the clock was set back', () => {
    const observed = new Observed()
      .push(data(1, 'a', 10_000_000))
      .advance(0)
      .advance(600_000);
    expect(observed.take()).toEqual(['> midstream', '> "a"', '> end idle', '< end idle']);
  });

  test('idle connections end together though the clock was set back, each after its own silence', () => {
    const late = 10_000_000;
    const observed = new Observed().push(
      ...[1, 2, 3].map((port) => other(port, data(1, 'a', late + port))),
      other(4, data(1, 'b', 5_000)),
    );
    observed.advance(604_999).take();
    expect(observed.assembler.counters()).toMatchObject({ connectionsOpen: 2, connectionsEnded: { idle: 2 } });
    observed.advance(605_000);
    expect(observed.assembler.counters()).toMatchObject({ connectionsOpen: 0, connectionsEnded: { idle: 4 } });
  });

  test('connections without data end when silent, not by the time of their SYN', () => {
    const observed = new Observed().push(other(1, syn(9)), other(2, syn(9)), { ...other(1, syn(9)), atMs: 500_000 });
    expect(observed.advance(600_000).assembler.counters().halfOpen).toBe(1);
    expect(observed.advance(1_100_000).assembler.counters().halfOpen).toBe(0);
  });

  test('a connection of which one side closed ends sooner, and is evicted first', () => {
    const halfClosed = [syn(9), data(10, 'a'), fin(11)];
    const observed = limited({ maxConnections: 1 })
      .push(...halfClosed)
      .advance(59_999);
    expect(observed.take()).toEqual(['> handshake', '> "a"', '> end fin']);
    expect(observed.advance(60_000).take()).toEqual(['< end idle']);

    const crowded = limited({ maxConnections: 2 }).push(other(1, data(1, 'x')), ...halfClosed, other(2, data(1, 'y')));
    expect(crowded.take().filter((line) => line.includes('end'))).toEqual(['2> end fin', '2< end evicted']);
  });

  test('ended connections are remembered up to a number', () => {
    const observed = limited({ maxEnded: 1 });
    for (const port of [1, 2]) {
      observed.push(other(port, data(1, 'a')), other(port, { flags: 'R', sequence: 2 })).advance(1_000);
    }
    expect(observed.advance(2_000).assembler.counters()).toMatchObject({
      endedRemembered: 1,
      connectionsEnded: { reset: 2 },
    });
  });

  test('what is no limit is refused', () => {
    expect(() => limited({ maxHeldBytes: -1 })).toThrow(/maxHeldBytes: -1/);
    expect(() => limited({ idleTimeoutMs: Number.NaN })).toThrow(RangeError);
  });
});

describe('connections end', () => {
  const finished = [
    syn(9),
    synAck(99, 10),
    data(10, 'a'),
    answer(100, 'b'),
    fin(11),
    { ...answer(101, ''), flags: 'FA' },
  ];

  test('when both sides closed; late retransmissions start nothing', () => {
    const observed = new Observed().push(...finished);
    expect(observed.take()).toEqual(['> handshake', '> "a"', '< handshake', '< "b"', '> end fin', '< end fin']);
    observed.push(data(10, 'a', 10), answer(100, 'b'), { ...fin(10, 11), payload: 'a' });
    expect(observed.take()).toEqual([]);
    expect(observed.assembler.counters()).toMatchObject({
      connectionsEnded: { fin: 1 },
      connectionsOpen: 0,
      endedRemembered: 1,
      droppedBytes: { 'after-end': 3 },
    });
    expect(observed.advance(60_011).assembler.counters().endedRemembered).toBe(0);
  });

  test('after a second of silence behind a RST, which may have overtaken data', () => {
    const observed = new Observed().push(syn(9), data(10, 'a'), { flags: 'R', sequence: 13 }, data(11, 'bc', 900));
    expect(observed.take()).toEqual(['> handshake', '> "a"', '> "bc"']);
    expect(observed.advance(1_899).take()).toEqual([]);
    expect(observed.advance(1_900).take()).toEqual(['> end reset', '< end reset']);
  });

  test('the text in a RST is no part of the stream', () => {
    const observed = new Observed().push(syn(9), data(10, 'a'), { flags: 'R', sequence: 11, payload: 'go away' });
    expect(observed.advance(1_000).take()).toEqual(['> handshake', '> "a"', '> end reset', '< end reset']);
    expect(observed.assembler.counters().droppedBytes['reset-text']).toBe(7);
  });

  test.each<[string, TestPacket[], string[]]>([
    ['a SYN with another sequence number', [syn(5_000), data(5_001, 'b')], ['2> handshake', '2> "b"']],
    ['data far from what is expected', [data(0x70000000, 'b')], ['2> midstream', '2> "b"']],
  ])('when the ports are used again: %s', (_, packets, expected) => {
    const observed = new Observed().push(syn(9), data(10, 'a'));
    observed.take();
    expect(
      observed
        .push(...packets)
        .advance(20)
        .take(),
    ).toEqual(['> end reused', '< end reused', ...expected]);
    expect(observed.connections.map(({ id }) => id)).toEqual([1, 2]);
  });

  test('data in the place of the FIN belongs to nothing, data behind it to another connection', () => {
    const observed = new Observed().push(...finished);
    observed.take();
    expect(observed.push(data(11, 'z')).take()).toEqual([]);
    expect(observed.push(data(12, 'z')).advance(20).take()).toEqual(['2> midstream', '2> "z"']);
  });

  test('the ports of an ended connection are used again', () => {
    const observed = new Observed().push(...finished);
    observed.take();
    expect(observed.push(syn(900), data(901, 'c')).take()).toEqual(['2> handshake', '2> "c"']);
  });

  test('when the assembler is closed, once', () => {
    const observed = new Observed().push(data(1, 'a')).close().close().push(data(2, 'b')).advance(1e6);
    expect(observed.take()).toEqual(['> midstream', '> "a"', '> end closed', '< end closed']);
  });

  test('a handler may close the assembler', () => {
    const observed: Observed = new Observed({}, (client) => ({
      client: {
        ...client,
        data: (bytes, timestampUs) => {
          client.data(bytes, timestampUs);
          observed.assembler.close();
        },
      },
    }));
    observed.push(syn(9), data(11, 'b'), data(10, 'aXc'));
    expect(observed.take()).toEqual(['> handshake', '> "a"', '> "b"', '> end closed']);
    observed.checkBalance();
  });

  test('each reason has a counter', () => {
    const reasons: Record<EndReason, number> = new Observed().assembler.counters().connectionsEnded;
    expect(Object.keys(reasons)).toEqual(['fin', 'reset', 'idle', 'evicted', 'reused', 'closed', 'shed']);
  });
});

describe('connections are announced', () => {
  const client = { address: '10.0.0.1', port: clientPort };
  const server = { address: '10.0.0.2', port: serverPort };
  const roleOf = (bytes: Uint8Array) =>
    ({ q: 'client' as const, a: 'server' as const })[String.fromCharCode(bytes[0] ?? 0)];

  const rows: [sentence: string, packets: TestPacket[], rolesFrom: string, swapped?: boolean][] = [
    ['by the SYN', [syn(9), data(10, 'x')], 'syn'],
    ['by the SYN, and not by its answer', [syn(9), synAck(99, 10), data(10, 'x')], 'syn'],
    ['by the SYN of the lower port', [{ ...syn(9), side: '<' }, answer(10, 'x')], 'syn', true],
    ['by the answer to the SYN', [synAck(9, 5), data(5, 'x')], 'syn-ack'],
    ['by the SYN, though its answer was captured before', [synAck(9, 5), syn(4), data(5, 'x')], 'syn'],
    ['by the content of a request', [data(5, 'q')], 'content'],
    ['by the content of an answer', [answer(5, 'a')], 'content'],
    ['by the content, against the ports', [answer(5, 'q')], 'content', true],
    ['by the lower port', [data(5, 'x')], 'port'],
    ['by the lower port, where the server is seen first', [answer(5, 'x')], 'port'],
  ];
  test.each(rows)('%s', (_, packets, rolesFrom, swapped = false) => {
    const observed = new Observed({ roleOf }).push(...packets);
    expect(observed.connections).toEqual([
      {
        id: 1,
        client: swapped ? server : client,
        server: swapped ? client : server,
        rolesFrom,
        direction: swapped ? 'out' : 'in',
        startedUs: 0,
      },
    ]);
  });

  test('by the ports of servers, where they are known', () => {
    const observed = new Observed({ serverPorts: [clientPort] }).push(data(5, 'x'));
    expect(observed.connections).toMatchObject([{ client: server, server: client, rolesFrom: 'port' }]);
  });

  test('only when there is data', () => {
    const observed = new Observed().push(syn(9), synAck(99, 10), { sequence: 10 }, fin(10)).close();
    expect(observed.connections).toEqual([]);
    expect(observed.take()).toEqual([]);
  });

  test('a stream without a handler is not reassembled', () => {
    const observed = new Observed({}, (handler) => ({ client: handler }));
    observed.push(syn(9), data(10, 'a'), answer(50, 'bb'), answer(60, 'cc'), fin(11), {
      ...answer(70, ''),
      flags: 'FA',
    });
    expect(observed.take()).toEqual(['> handshake', '> "a"', '> end fin']);
    expect(observed.assembler.counters()).toMatchObject({
      droppedBytes: { unwanted: 4 },
      connectionsEnded: { fin: 1 },
    });
  });

  test('nobody need want a connection', () => {
    const observed = new Observed({}, () => undefined).push(data(1, 'a'), data(2, 'b')).close();
    expect(observed.assembler.counters().droppedBytes.unwanted).toBe(2);
  });
});
