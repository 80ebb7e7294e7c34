import { describe, expect, test } from 'vitest';
import { ack, answer, data, fin, Observed, syn, synAck, type TestPacket } from './observed.ts';

const rst = (sequence: number, atMs = 0): TestPacket => ({ flags: 'R', sequence, atMs });
const serverRst = (sequence: number, acknowledgment: number): TestPacket => ({
  side: '<',
  flags: 'RA',
  sequence,
  acknowledgment,
});
const open = [syn(9), synAck(99, 10), data(10, 'abc'), answer(100, 'xyz', 13)];
const opened = ['> handshake', '> "abc"', '< handshake', '< "xyz"'];

describe('a RST', () => {
  const ends = ['> end reset', '< end reset'];
  const rows: [sentence: string, packets: TestPacket[], lines: string[]][] = [
    ['at exactly the next number', [rst(13)], ends],
    ['ahead, where the capture may have missed what came before it', [rst(13 + 100_000)], ends],
    ['at the number that was acknowledged last', [data(13, 'de'), rst(13)], ['> "de"', ...ends]],
    ['of the server, in order', [serverRst(103, 13)], ends],
    ['behind a FIN of its side', [fin(13), rst(14)], ['> end fin', '< end reset']],
    ['behind data that waits', [data(14, 'e'), rst(15)], ['> gap 1', '> "e"', ...ends]],
    ['far ahead ends nothing', [rst(13 + 10_000_000)], []],
    ['far behind ends nothing', [rst(13 - 1_000_000)], []],
    ['before what was acknowledged ends nothing', [rst(12)], []],
    ['of number 0 ends nothing but a handshake', [{ side: '<', flags: 'R', sequence: 0x80000000 }], []],
  ];
  test.each(rows)('%s', (_, packets, lines) => {
    const observed = new Observed().push(...open);
    expect(observed.take()).toEqual(opened);
    observed.push(...packets).advance(1_000);
    expect(observed.take()).toEqual(lines);
    observed.close();
  });

  test('while data goes on ends nothing: it was nobody of the two', () => {
    const observed = new Observed().push(...open, rst(13));
    for (let count = 0; count < 5; count++) observed.push(data(13 + count, 'd', 900 * (count + 1)));
    expect(observed.take()).toEqual([...opened, ...Array(5).fill('> "d"')]);
    expect(observed.advance(4_500 + 999).take()).toEqual([]);
    expect(observed.advance(4_500 + 1_000).take()).toEqual(['> end reset', '< end reset']);
  });

  test('ends its connection though another that saw one goes on', () => {
    const other = (packet: TestPacket): TestPacket => ({ ...packet, fromPort: 7 });
    const observed = new Observed().push(...open, rst(13), other(syn(9)), other(data(10, 'a')), other(rst(11, 100)));
    observed.push(data(13, 'd', 500), data(14, 'e', 1_000)).take();
    expect(observed.advance(1_100).take()).toEqual(['2> end reset', '2< end reset']);
  });

  test('is not put off by further RSTs', () => {
    const observed = new Observed().push(...open, rst(13), rst(13, 400), rst(13, 800));
    observed.take();
    expect(observed.advance(1_000).take()).toEqual([]);
    expect(observed.advance(1_800).take()).toEqual(['> end reset', '< end reset']);
  });

  test('that refuses a SYN has number 0 and acknowledges it', () => {
    const observed = new Observed().push(syn(9), serverRst(0, 10)).advance(1_000);
    expect(observed.assembler.counters().halfOpen).toBe(0);
  });

  test('that refuses a SYN with data', () => {
    const observed = new Observed().push({ ...syn(9), payload: 'abc' }, serverRst(0, 10)).advance(1_000);
    expect(observed.take()).toEqual(['> handshake', '> "abc"', '> end reset', '< end reset']);
  });

  test('that acknowledges no SYN refuses none', () => {
    const observed = new Observed().push(syn(9), serverRst(0, 900_000)).advance(1_000);
    expect(observed.assembler.counters().halfOpen).toBe(1);
  });

  test.each<[string, (observed: Observed) => void]>([
    ['a SYN that uses the ports again', (observed) => observed.push(syn(70_000))],
    ['the end of the capture', (observed) => observed.close()],
  ])('before %s is what ended the connection', (_, happens) => {
    const observed = new Observed().push(...open, rst(13));
    observed.take();
    happens(observed);
    expect(observed.take()).toEqual(['> end reset', '< end reset']);
  });
});

describe('a FIN', () => {
  const rows: [sentence: string, packets: TestPacket[], lines: string[]][] = [
    ['before the first byte', [fin(5), data(13, 'd')], ['> "d"']],
    ['within what was delivered', [fin(11), data(13, 'd')], ['> "d"']],
    ['sent again', [fin(13), fin(13), { ...fin(10), payload: 'abc' }], ['> end fin']],
    ['with data of which a part came before', [{ ...fin(11), payload: 'bcde' }], ['> "de"', '> end fin']],
    ['ahead of its data', [fin(15), data(13, 'de')], ['> "de"', '> end fin']],
    [
      'ahead of its data, across several holes',
      [fin(16), data(15, 'f'), data(13, 'de')],
      ['> "de"', '> "f"', '> end fin'],
    ],
    ['ahead, while data goes on behind it: false', [fin(15), data(13, 'defgh'), data(18, 'i')], ['> "defgh"', '> "i"']],
    ['ahead, while held data lies behind it: false', [data(16, 'gh'), fin(15), data(13, 'def')], ['> "def"', '> "gh"']],
    [
      'ahead, and later held data lies behind it: false',
      [fin(15), data(16, 'gh'), data(13, 'def')],
      ['> "def"', '> "gh"'],
    ],
    ['in order, and data behind it: not of the stream', [fin(13), data(14, 'X'), data(13, 'Y')], ['> end fin']],
    ['far beyond any window', [fin(13 + 100_000_000), data(13, 'd')], ['> "d"']],
  ];
  test.each(rows)('%s', (_, packets, lines) => {
    const observed = new Observed().push(...open);
    observed.take();
    expect(observed.push(...packets).take()).toEqual(lines);
    observed.close();
  });

  test('far ahead does not swallow a stream that goes on, however long', () => {
    const observed = new Observed().push(...open, fin(900_000));
    observed.take();
    for (let count = 0; count < 20; count++) observed.push(data(13 + count, 'd', 1_000 * count));
    expect(observed.take()).toEqual(Array(20).fill('> "d"'));
  });

  test('far ahead, of which the other side has not heard, does not swallow a stream that rests', () => {
    const observed = new Observed().push(...open, fin(900_000)).advance(60_000);
    observed.take();
    expect(observed.push(data(13, 'd', 60_001)).take()).toEqual(['> "d"']);
  });

  test('that the other side acknowledged closes the hole before it', () => {
    const observed = new Observed().push(...open, fin(20), ack(21));
    observed.take();
    expect(observed.advance(100).take()).toEqual(['> gap 7', '> end fin']);
  });

  test('behind data that was lost, before anything of the connection was told: a gap, then the end', () => {
    const observed = new Observed().push(syn(9), synAck(99, 10), fin(20), ack(21)).advance(200);
    expect(observed.take()).toEqual([]);
    expect(observed.push({ ...answer(100, 'xyz', 21), atMs: 300 }).take()).toEqual([
      ...['> handshake', '> gap 10', '> end fin'],
      ...['< handshake', '< "xyz"'],
    ]);
    observed.close();
  });

  test('of which the other side has not heard counts when the connection ends', () => {
    const observed = new Observed().push(...open, fin(20)).advance(60_000);
    observed.take();
    expect(observed.advance(600_000).take()).toEqual(['> gap 7', '> end fin', '< end idle']);
  });

  test('across the wrap', () => {
    const observed = new Observed().push(syn(0xfffffffc), data(0xfffffffd, 'ab'), fin(1), data(0xffffffff, 'cd'));
    expect(observed.take()).toEqual(['> handshake', '> "ab"', '> "cd"', '> end fin']);
  });

  test('of one side leaves the other for as long as it sends', () => {
    const observed = new Observed().push(...open, fin(13));
    for (let count = 0; count < 10; count++) {
      observed.push({ ...answer(103 + count, 'z', 14), atMs: 50_000 * (count + 1) });
    }
    expect(observed.take()).toEqual([...opened, '> end fin', ...Array(10).fill('< "z"')]);
  });
});

describe('the same ports again', () => {
  const closed = [...open, fin(13), { ...answer(103, '', 14), flags: 'FA' }];
  const again = ['2> handshake', '2> "new"'];
  const rows: [sentence: string, packets: TestPacket[], lines: string[]][] = [
    ['a higher SYN', [syn(70_000), data(70_001, 'new')], again],
    ['a lower SYN', [syn(0xffff0000), data(0xffff0001, 'new')], again],
    ['a SYN within the old stream', [syn(11), data(12, 'new')], again],
    ['a SYN of the other side', [{ ...syn(500), side: '<' }, answer(501, 'new')], ['2> handshake', '2> "new"']],
    ['only the answer to the SYN', [synAck(800, 70_001), data(70_001, 'new')], again],
    ['no handshake, a number behind the end', [data(70_001, 'new')], ['2> midstream', '2> "new"']],
    ['no handshake, a number far away', [data(0x90000000, 'new')], ['2> midstream', '2> "new"']],
    ['late data of the old stream is of nobody', [data(10, 'abc'), data(11, 'bc')], []],
    ['an old SYN, late', [syn(9), synAck(99, 10)], []],
  ];
  test.each(rows)('%s', (_, packets, lines) => {
    const observed = new Observed().push(...closed);
    expect(observed.take()).toEqual([...opened, '> end fin', '< end fin']);
    expect(
      observed
        .push(...packets)
        .advance(20)
        .take(),
    ).toEqual(lines);
    observed.close();
  });
});
