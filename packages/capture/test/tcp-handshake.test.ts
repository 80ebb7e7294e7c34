import { describe, expect, test } from 'vitest';
import { ack, answer, data, fin, Observed, syn, synAck, type TestPacket } from './observed.ts';

const asServer = (packet: TestPacket): TestPacket => ({ ...packet, side: '<' });

/** What is told after 100 ms more, and the roles. */
function told(packets: readonly TestPacket[]): { lines: string[]; roles: string[] } {
  const observed = new Observed().push(...packets).advance(100 + Math.max(...packets.map(({ atMs = 0 }) => atMs)));
  const lines = observed.take();
  observed.close();
  return { lines, roles: observed.connections.map(({ rolesFrom }) => rolesFrom) };
}

describe('a handshake', () => {
  const rows: [sentence: string, packets: TestPacket[], lines: string[], roles: string][] = [
    [
      'TCP Fast Open, the data accepted: it goes on behind it',
      [{ ...syn(9), payload: 'abc' }, synAck(99, 13), data(13, 'de'), answer(100, 'x', 15)],
      ['> handshake', '> "abc"', '> "de"', '< handshake', '< "x"'],
      'syn',
    ],
    [
      'TCP Fast Open, the data refused: it is sent again, and counts once',
      [{ ...syn(9), payload: 'abc' }, synAck(99, 10), data(10, 'abcde'), answer(100, 'x', 15)],
      ['> handshake', '> "abc"', '> "de"', '< handshake', '< "x"'],
      'syn',
    ],
    [
      'TCP Fast Open, the answer to the SYN was captured before it',
      [synAck(99, 13), { ...syn(9), payload: 'abc' }, data(13, 'de')],
      ['> handshake', '> "abc"', '> "de"'],
      'syn',
    ],
    [
      'TCP Fast Open, the SYN sent again without data',
      [{ ...syn(9), payload: 'abc' }, syn(9), synAck(99, 10), data(10, 'abc')],
      ['> handshake', '> "abc"'],
      'syn',
    ],
    [
      'the server answers in the SYN+ACK',
      [syn(9), { ...synAck(99, 10), payload: 'xyz' }, data(10, 'a')],
      ['< handshake', '< "xyz"', '> handshake', '> "a"'],
      'syn',
    ],
    [
      'a simultaneous open tells no roles, so the ports do',
      [syn(9), asServer(syn(99)), { ...syn(9), flags: 'SA', acknowledgment: 100 }, synAck(99, 10), data(10, 'a')],
      ['> handshake', '> "a"'],
      'port',
    ],
    [
      'a simultaneous open seen from the server first',
      [asServer(syn(99)), syn(9), synAck(99, 10), data(10, 'a')],
      ['> handshake', '> "a"'],
      'port',
    ],
    [
      'a SYN sent again with another number, before any data',
      [syn(9), syn(5_000), synAck(99, 5_001), data(5_001, 'a'), answer(100, 'x', 5_002)],
      ['> handshake', '> "a"', '< handshake', '< "x"'],
      'syn',
    ],
    [
      'a SYN sent again, each time answered by another number: SYN cookies',
      [syn(9), synAck(99, 10), syn(9), synAck(7_000, 10), data(10, 'a'), answer(7_001, 'x', 11)],
      ['> handshake', '> "a"', '< handshake', '< "x"'],
      'syn',
    ],
    [
      'SYN cookies, and the answer that the client has not taken comes again, late',
      [
        ...[{ ...syn(9), payload: 'ab' }, synAck(99, 10), synAck(7_000, 10), ack(10)],
        ...[{ ...data(10, 'ab'), acknowledgment: 7_001 }, synAck(99, 10), answer(7_001, 'x', 12)],
        ...[data(12, 'c'), synAck(99, 10), answer(7_002, 'y', 13)],
      ],
      ['> handshake', '> "ab"', '< handshake', '< "x"', '> "c"', '< "y"'],
      'syn',
    ],
    [
      'a RST and a FIN of nobody before the answer to the SYN',
      [
        ...[syn(9), { side: '<', flags: 'RA', sequence: 0, acknowledgment: 10 } as const],
        ...[{ ...asServer(fin(0)), acknowledgment: 10 }, synAck(99, 10), data(10, 'a'), answer(100, 'x', 11)],
      ],
      ['> handshake', '> "a"', '< handshake', '< "x"'],
      'syn',
    ],
    [
      'the same with data in the SYN: the request is there once',
      [{ ...syn(9), payload: 'ab' }, synAck(99, 10), { ...syn(9), payload: 'ab' }, synAck(7_000, 10), data(10, 'abc')],
      ['> handshake', '> "ab"', '> "c"'],
      'syn',
    ],
    [
      'the answer to another SYN belongs to another connection, and the right one comes back',
      [syn(9), synAck(99, 900_000), synAck(500, 10), data(10, 'a'), answer(501, 'x', 11)],
      ['> handshake', '> "a"', '< handshake', '< "x"'],
      'syn-ack',
    ],
    [
      'data captured before its SYN',
      [data(10, 'abc'), syn(9, 5), data(13, 'de', 6)],
      ['> handshake', '> "abc"', '> "de"'],
      'port',
    ],
    [
      'data captured before its SYN, the second segment first',
      [data(13, 'de'), syn(9, 1), data(10, 'abc', 2)],
      ['> handshake', '> "abc"', '> "de"'],
      'port',
    ],
    [
      'data captured before the answer to its SYN',
      [data(13, 'de'), synAck(99, 10), data(10, 'abc')],
      ['> handshake', '> "abc"', '> "de"'],
      'port',
    ],
    [
      'everything twice, as two interfaces show it',
      [syn(9), syn(9), synAck(99, 10), synAck(99, 10), ack(10), ack(10), data(10, 'a'), data(10, 'a')],
      ['> handshake', '> "a"'],
      'syn',
    ],
    [
      'a handshake across the wrap, with data in the SYN',
      [{ ...syn(0xfffffffe), payload: 'abc' }, synAck(0xffffffff, 2), data(2, 'd'), answer(0, 'x', 3)],
      ['> handshake', '> "abc"', '> "d"', '< handshake', '< "x"'],
      'syn',
    ],
    [
      'keep-alive probes before the first byte are no data',
      [syn(9), synAck(99, 10), data(9, '\0', 10), data(10, 'a', 20)],
      ['> handshake', '> "a"'],
      'syn',
    ],
  ];
  test.each(rows)('%s', (_, packets, lines, roles) => {
    expect(told(packets)).toEqual({ lines, roles: [roles] });
  });

  test('a keep-alive probe before the first byte announces nothing', () => {
    const observed = new Observed().push(syn(9), synAck(99, 10), data(9, '\0'));
    expect(observed.connections).toEqual([]);
    expect(observed.assembler.counters()).toMatchObject({ droppedBytes: { 'before-start': 1 }, halfOpen: 1 });
  });
});

describe('without a handshake', () => {
  const probe = (sequence: number, atMs = 0): TestPacket => ({ ...data(sequence, '\0', atMs), flags: 'A' });
  const rows: [sentence: string, packets: TestPacket[], lines: string[]][] = [
    [
      'keep-alive probes, and then data: the stream begins with the data',
      [probe(499), probe(499, 10), { ...data(500, 'abc', 20), flags: 'PA' }],
      ['> midstream', '> "abc"'],
    ],
    [
      'keep-alive probes that are answered, and then data',
      [probe(499), ack(500, 1), probe(499, 10), ack(500, 11), data(500, 'abc', 20), data(503, 'd', 21)],
      ['> midstream', '> "abc"', '> "d"'],
    ],
    [
      'a zero byte that is pushed is data',
      [{ ...data(500, '\0'), flags: 'PA' }, data(501, 'a')],
      ['> midstream', '> "\0"', '> "a"'],
    ],
    ['another byte is data', [{ ...data(500, 'x'), flags: 'A' }, data(501, 'a')], ['> midstream', '> "x"', '> "a"']],
    [
      'the lowest number within 20 ms is the start',
      [data(506, 'g'), data(503, 'def', 5), data(500, 'abc', 10), data(507, 'h', 19)],
      ['> midstream', '> "abc"', '> "def"', '> "g"', '> "h"'],
    ],
    [
      'also across the wrap',
      [data(1, 'de'), data(0xfffffffe, 'abc'), data(3, 'f')],
      ['> midstream', '> "abc"', '> "de"', '> "f"'],
    ],
    [
      'a hole among the first bytes is one',
      [data(506, 'g'), data(500, 'abc'), data(503, 'def', 50)],
      ['> midstream', '> "abc"', '> "def"', '> "g"'],
    ],
    [
      'what was acknowledged does not wait: its answer is here',
      [{ ...data(500, 'abc'), acknowledgment: 70 }, answer(70, 'x', 503), data(497, 'zzz')],
      ['> midstream', '> "abc"', '< midstream', '< "x"'],
    ],
    [
      'a FIN waits for the data that it overtook',
      [answer(70, 'x', 500), { flags: 'FA', sequence: 503, acknowledgment: 71 }, data(500, 'abc', 1)],
      ['< midstream', '< "x"', '> midstream', '> "abc"', '> end fin'],
    ],
    [
      'cut bytes at the start',
      [{ ...data(500, 'abc'), captured: 0 }, data(503, 'd')],
      ['> midstream', '> gap 3', '> "d"'],
    ],
    [
      'acknowledgments of another connection do not count',
      [answer(70, 'x', 0x70000000), data(500, 'abc', 30), answer(71, 'y', 503)],
      ['< midstream', '< "x"', '> midstream', '> "abc"', '< "y"'],
    ],
  ];
  test.each(rows)('%s', (_, packets, lines) => {
    expect(told(packets).lines).toEqual(lines);
  });

  test('data that reads like the beginning of a message does not wait', () => {
    const observed = new Observed({ roleOf: () => 'client' }).push(data(500, 'GET'));
    expect(observed.take()).toEqual(['> midstream', '> "GET"']);
  });

  test('what comes before them makes the first bytes wait no longer', () => {
    const observed = new Observed().push(data(506, 'g'), data(503, 'def', 15)).advance(20);
    expect(observed.take()).toEqual(['> midstream', '> "def"', '> "g"']);
  });

  test('nothing waits where the limit is zero', () => {
    const observed = new Observed({ limits: { startWaitMs: 0 } }).push(data(503, 'de'), data(500, 'abc'));
    expect(observed.take()).toEqual(['> midstream', '> "de"']);
    expect(observed.assembler.counters().droppedBytes['before-start']).toBe(3);
  });

  test('what comes too late, or too far before, is counted', () => {
    const observed = new Observed().push(data(100_000, 'abc'), data(100_000 - 70_000, 'xy')).advance(20);
    observed.push(data(99_998, 'z', 21));
    expect(observed.take()).toEqual(['> midstream', '> "abc"']);
    expect(observed.assembler.counters().droppedBytes['before-start']).toBe(3);
  });

  test('a guess by the ports stays, whatever the content says later', () => {
    const roleOf = (bytes: Uint8Array) => (bytes[0] === 0x71 ? ('client' as const) : undefined);
    const observed = new Observed({ roleOf }).push(answer(500, 'x'), answer(501, 'q')).advance(20);
    expect(observed.connections).toMatchObject([{ rolesFrom: 'port', server: { port: 80 } }]);
  });
});
