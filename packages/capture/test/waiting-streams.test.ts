// Memory by side: a server's data never displaces a client's.
import { describe, expect, test } from 'vitest';
import { answer, data, Observed, syn, synAck, type TestPacket } from './observed.ts';

const at = (port: number, packet: TestPacket): TestPacket =>
  packet.side === '<' ? { ...packet, toPort: port } : { ...packet, fromPort: port };
/** A connection whose client's or server's data waits for a byte before it. */
const clientHole = (port: number): TestPacket[] => [at(port, syn(9)), at(port, data(11, `c${port % 10}`))];
const serverHole = (port: number): TestPacket[] => [
  at(port, syn(9)),
  at(port, synAck(99, 10)),
  at(port, data(10, 'q')),
  at(port, answer(101, `s${port % 10}`, 11)),
];

describe.each([
  ['pieces', { maxHeldSegments: 4 }],
  ['bytes', { maxHeldBytes: 4 * 256 + 8 }],
])('too many %s behind holes', (_, limits) => {
  test('a flood of servers lets the clients wait', () => {
    const observed = new Observed({ limits }).push(...clientHole(1), ...clientHole(2));
    for (let port = 3; port < 300; port++) observed.push(...serverHole(port));
    const lines = observed.take();
    expect(lines.filter((line) => line.includes('gap'))).toHaveLength(295);
    expect(lines.filter((line) => /^\d*> gap/.test(line))).toEqual([]);
    observed.push(at(1, data(10, '1')), at(2, data(10, '2')));
    expect(observed.take()).toEqual(['> handshake', '> "1"', '> "c1"', '2> handshake', '2> "2"', '2> "c2"']);
    observed.close();
  });

  test('a client that comes puts out the oldest server', () => {
    const observed = new Observed({ limits }).push(...[1, 2, 3, 4].flatMap(serverHole));
    observed.take();
    observed.push(...clientHole(5), ...clientHole(6));
    expect(observed.take().filter((line) => line.includes('gap'))).toEqual(['< gap 1', '2< gap 1']);
  });

  test('where only clients wait, the oldest goes', () => {
    const observed = new Observed({ limits }).push(...[1, 2, 3, 4, 5].flatMap(clientHole));
    expect(observed.take()).toEqual(['> handshake', '> gap 1', '> "c1"']);
  });

  test('a server finds no room where clients take all', () => {
    const observed = new Observed({ limits }).push(...[1, 2, 3, 4].flatMap(clientHole), ...serverHole(5));
    expect(observed.take()).toEqual(['5> handshake', '5> "q"', '5< handshake', '5< gap 1', '5< "s5"']);
  });
});

describe('a crowd that waits costs a bounded part of the time', () => {
  const crowd = 10_000;
  /** All but the last millisecond of the time that a hole is waited for has gone by. */
  function waiting(): Observed {
    const observed = new Observed();
    for (let port = 1; port <= crowd; port++) observed.push(...clientHole(port));
    observed.advance(4_999).take();
    return observed;
  }
  const gapsOf = (observed: Observed): number => observed.take().filter((line) => line.includes('gap')).length;

  test('of many streams each has its turn', () => {
    const observed = waiting();
    const gaps: number[] = [];
    for (let nowMs = 5_009; gaps.at(-1) !== 0; nowMs += 10) gaps.push(gapsOf(observed.advance(nowMs)));
    expect(Math.max(...gaps)).toBeLessThan(crowd / 2);
    expect(gaps.length).toBeLessThan(6);
    expect(gaps.reduce((sum, count) => sum + count)).toBe(crowd);
  });

  test('where much time has passed all have', () => {
    expect(gapsOf(waiting().advance(5_100))).toBe(crowd);
  });
});
