// Connections that are shed in the middle of everything, and taken again.
import { describe, expect, test } from 'vitest';
import { answer, data, fin, Observed, segmentOf, syn, synAck, type TestPacket } from './observed.ts';

const everyone = () => true;

describe('a connection that is shed', () => {
  test.each<[sentence: string, before: TestPacket[], told: string[], dropped: object]>([
    ['before any data is forgotten', [syn(0), synAck(0, 1)], [], {}],
    ['in step ends at once', [data(1, 'ab')], ['> end shed', '< end shed'], {}],
    [
      'behind a hole drops what waited for it, and tells no gap',
      [syn(0), synAck(9, 1), data(1, 'ab'), data(5, 'ef')],
      ['> handshake', '> "ab"', '> end shed', '< end shed'],
      { shed: 2 },
    ],
    [
      'half-closed ends on the other side',
      [syn(0), synAck(9, 1), data(1, 'ab'), answer(10, 'no', 3), fin(3)],
      ['> handshake', '> "ab"', '< handshake', '< "no"', '> end fin', '< end shed'],
      {},
    ],
  ])('%s', (_, before, told, dropped) => {
    const observed = new Observed({ limits: { startWaitMs: 0 } });
    observed.push(...before);
    observed.assembler.shed(everyone);
    observed.checkBalance();
    expect(observed.take().filter((line) => told.length !== 2 || line.includes('end'))).toEqual(told);
    const { heldBytes, heldAllocatedBytes, connectionsOpen, halfOpen, droppedBytes } = observed.assembler.counters();
    expect({ heldBytes, heldAllocatedBytes, connectionsOpen, halfOpen }).toEqual({
      ...{ heldBytes: 0, heldAllocatedBytes: 0, connectionsOpen: 0, halfOpen: 0 },
    });
    expect(droppedBytes).toMatchObject(dropped);
    observed.close();
  });

  test('counts once, by its reason', () => {
    const observed = new Observed().push(syn(0), data(1, 'ab'));
    observed.assembler.shed(everyone);
    observed.assembler.shed(everyone);
    expect(observed.assembler.counters()).toMatchObject({ connections: 1, connectionsEnded: { shed: 1 } });
  });

  test('that saw a RST ends by that', () => {
    const observed = new Observed().push(syn(0), data(1, 'ab'), { flags: 'R', sequence: 3 });
    observed.assembler.shed(everyone);
    expect(observed.assembler.counters()).toMatchObject({ connectionsOpen: 1 });
    observed.advance(5000);
    expect(observed.assembler.counters().connectionsEnded).toMatchObject({ reset: 1, shed: 0 });
  });

  test('is one that was picked; the others stay', () => {
    const observed = new Observed().push(syn(0), data(1, 'ab'), { ...data(1, 'cd'), fromPort: 41_000 });
    const { flow } = segmentOf({ ...data(1, ''), fromPort: 41_000 });
    observed.assembler.shed((picked) => picked === flow);
    expect(observed.assembler.counters()).toMatchObject({ connectionsOpen: 1, connectionsEnded: { shed: 1 } });
  });
});

describe('taken again', () => {
  const shed = (...before: TestPacket[]) => {
    const observed = new Observed().push(...before);
    observed.assembler.shed(everyone);
    observed.take();
    return observed;
  };

  test('it starts midstream, as another connection', () => {
    const observed = shed(syn(0), synAck(9, 1), data(1, 'ab'));
    observed.push(data(7, 'gh')).advance(100);
    expect(observed.take()).toEqual(['2> midstream', '2> "gh"']);
  });

  const known = [syn(0), synAck(9, 1), data(1, 'ab'), data(3, 'cd')];

  test.each<[sentence: string, packets: TestPacket[], told: string[]]>([
    ['alone', [data(1, 'ab'), data(3, 'cd')], []],
    ['behind new data', [data(9, 'ij'), data(3, 'cd')], ['2> midstream', '2> "ij"']],
    ['behind new data of the server', [answer(90, 'no'), data(3, 'cd')], ['2< midstream', '2< "no"']],
    ['acknowledged meanwhile', [answer(90, 'no', 3), data(3, 'cd')], ['2< midstream', '2< "no"']],
    ['with new data in one piece', [data(9, 'ij'), data(3, 'cdefghij')], ['2> midstream', '2> "ij"']],
  ])('what was told before is not told again: %s', (_, packets, told) => {
    const observed = shed(...known);
    observed.push(...packets).advance(100);
    expect(observed.take()).toEqual(told);
    observed.close();
  });

  test.each([
    ['behind what is new', [answer(900, 'yes'), data(3, 'cd')]],
    ['before what is new', [data(3, 'cd'), answer(900, 'yes')]],
  ])('nor after it was shed twice, %s', (_, packets) => {
    const observed = shed(...known);
    observed.push(answer(90, 'no')).advance(100);
    observed.assembler.shed(everyone);
    observed.push(...packets).advance(200);
    expect(observed.take().filter((line) => line.includes('"'))).toEqual(['2< "no"', '3< "yes"']);
  });

  test('after more than 2 GiB that were shed, too', () => {
    const observed = shed(...known);
    observed.push(answer(90, 'no'), data(0x9000_0000, 'far')).advance(100);
    expect(
      observed
        .take()
        .filter((line) => line.includes('"'))
        .sort(),
    ).toEqual(['2< "no"', '2> "far"']);
  });

  test('who is the client is still known, whatever the server says first', () => {
    const observed = shed(
      { ...syn(0), fromPort: 79 },
      { ...synAck(9, 1), toPort: 79 },
      { ...data(1, 'ab'), fromPort: 79 },
    );
    observed.push({ ...answer(500, 'GET'), toPort: 79 }).advance(100);
    expect(observed.connections.map(({ client, rolesFrom }) => [client.port, rolesFrom])).toEqual([
      [79, 'syn'],
      [79, 'syn-ack'],
    ]);
  });

  test('an end without data, or an acknowledgment, begins nothing', () => {
    const observed = shed(syn(0), synAck(9, 1), data(1, 'ab'));
    observed.push(fin(3), { side: '<', flags: 'FA', sequence: 10, acknowledgment: 4 }, { sequence: 4 }).advance(100);
    expect(observed.take()).toEqual([]);
    expect(observed.assembler.counters().connections).toBe(1);
  });

  test('a new handshake on the same ports is a new connection from its first byte', () => {
    const observed = shed(syn(0), synAck(9, 1), data(1, 'ab'));
    observed.push(syn(5000), synAck(700, 5001), data(5001, 'new'));
    expect(observed.take()).toEqual(['2> handshake', '2> "new"']);
  });
});
