// Which socket each captured connection has, when it closes and what is counted: without sockets and without time.

import { describe, expect, test } from 'vitest';
import { createRandom, seedOfThisRun } from '../../../test/kit/random.ts';
import { ConnectionEnds } from '../src/connection-ends.ts';
import { MOST_IDLE_LOOKS, type SessionSocket, SessionSockets } from '../src/session-sockets.ts';

/** A socket that does as the test says. `end` comes to its end when the test says so. */
class ScriptedSocket implements SessionSocket {
  connection: string | number | undefined = undefined;
  isEndedByTarget = false;
  state: 'busy' | 'free' | 'ending' | 'closed' = 'busy';
  readonly #destroyed: ScriptedSocket[];

  constructor(destroyed: ScriptedSocket[]) {
    this.#destroyed = destroyed;
  }

  get isFree(): boolean {
    return this.state === 'free' || this.state === 'ending';
  }

  get isBusy(): boolean {
    return this.state === 'busy';
  }

  end(): void {
    expect(this.state).toBe('free');
    this.state = 'ending';
  }

  destroy(): void {
    if (this.state !== 'closed') this.#destroyed.push(this);
    this.state = 'closed';
  }
}

function made(maxSockets = 1000) {
  const opened: ScriptedSocket[] = [];
  const destroyed: ScriptedSocket[] = [];
  const sockets = new SessionSockets(maxSockets, () => {
    const socket = new ScriptedSocket(destroyed);
    opened.push(socket);
    return socket;
  });
  const take = (connection: number): ScriptedSocket => {
    const socket = sockets.take(connection);
    expect(['busy', 'free']).toContain(socket.state);
    socket.state = 'busy';
    return socket;
  };
  const answer = (socket: ScriptedSocket): void => {
    socket.state = 'free';
    sockets.release(socket);
  };
  const close = (socket: ScriptedSocket, isByTarget: boolean): void => {
    socket.state = 'closed';
    socket.isEndedByTarget = isByTarget;
    sockets.gone(socket);
  };
  return { sockets, opened, destroyed, take, answer, close };
}

const look = (sockets: { look: () => void }, times: number): void => {
  for (let nth = 0; nth < times; nth++) sockets.look();
};

describe('time', () => {
  test('what had no request for eleven minutes is closed and counted; a request begins them anew', () => {
    const { sockets, take, answer, close } = made();
    const [one, other] = [take(1), take(2)];
    answer(one);
    answer(other);
    look(sockets, MOST_IDLE_LOOKS - 1);
    answer(take(2));
    look(sockets, 1);
    expect([one.state, other.state]).toEqual(['ending', 'free']);
    expect(sockets.counts()).toMatchObject({ open: 1, expired: 1 });
    close(one, false);
    look(sockets, MOST_IDLE_LOOKS - 1);
    close(other, false);
    expect(sockets.isEmpty).toBe(true);
    expect(sockets.counts()).toMatchObject({ open: 0, expired: 2 });
  });

  test('what is busy has no age', () => {
    const { sockets, take } = made();
    const socket = take(1);
    look(sockets, 2 * MOST_IDLE_LOOKS);
    expect([socket.state, sockets.counts().expired]).toEqual(['busy', 0]);
  });

  test('a socket that does not come to its end is destroyed after two seconds', () => {
    const { sockets, take, answer, destroyed } = made();
    const socket = take(1);
    answer(socket);
    sockets.end(1);
    look(sockets, 7);
    expect(destroyed).toEqual([]);
    look(sockets, 1);
    expect(destroyed).toEqual([socket]);
    sockets.gone(socket);
    expect(sockets.isEmpty).toBe(true);
  });

  test('that a target closed a socket is forgotten after eleven minutes, and beyond as many as there may be sockets', () => {
    const { sockets, take, close } = made(2);
    for (const connection of [1, 2, 3]) close(take(connection), true);
    for (const connection of [1, 3]) close(take(connection), true);
    expect(sockets.counts()).toMatchObject({ opened: 5, closedByTarget: 1 });
    look(sockets, MOST_IDLE_LOOKS);
    expect(sockets.isEmpty).toBe(true);
    take(2);
    expect(sockets.counts()).toMatchObject({ closedByTarget: 1 });
  });
});

test('any sequence of requests, answers, ends and closings: bounded, never shared, nothing left', () => {
  const random = createRandom(seedOfThisRun());
  for (let run = 0; run < 60; run++) {
    const maxSockets = random.pick([1, 3, 1000]);
    const mostBusy = random.pick([1, 4, 20]);
    const { sockets, opened, take, answer, close } = made(maxSockets);
    const busy = new Map<ScriptedSocket, number>();
    const ownerOf = new Map<ScriptedSocket, number>();
    for (let step = 0; step < 500; step++) {
      const connection = random.below(10);
      const action = random.next();
      const [one] = random.shuffle([...busy.keys()]);
      if (action < 0.4 && busy.size < mostBusy) {
        const socket = take(connection);
        expect(ownerOf.get(socket) ?? connection, `seed ${random.seed}`).toBe(connection);
        ownerOf.set(socket, connection);
        expect(busy.has(socket)).toBe(false);
        busy.set(socket, connection);
      } else if (action < 0.7 && one !== undefined) {
        busy.delete(one);
        answer(one);
      } else if (action < 0.8 && one !== undefined) {
        busy.delete(one);
        close(one, random.chance(0.5));
        if (random.chance(0.5)) sockets.release(one);
      } else if (action < 0.9) sockets.end(connection);
      else {
        for (const socket of opened) {
          if (socket.state === 'ending' || (socket.state === 'free' && random.chance(0.1))) {
            close(socket, socket.state === 'free');
          }
        }
      }
      const open = opened.filter(({ state }) => state === 'busy' || state === 'free').length;
      expect(sockets.counts(), `seed ${random.seed}`).toMatchObject({ open, opened: opened.length });
      expect(open).toBeLessThanOrEqual(Math.max(maxSockets, mostBusy));
    }
    for (const socket of busy.keys()) answer(socket);
    for (let connection = 0; connection < 10; connection++) sockets.end(connection);
    expect(opened.filter(({ state }) => state === 'busy' || state === 'free')).toEqual([]);
    for (const socket of opened) if (socket.state === 'ending') close(socket, false);
    expect(sockets.isEmpty, `seed ${random.seed}`).toBe(true);
    expect(sockets.counts().open).toBe(0);
  }
});

describe('ends of connections', () => {
  test.each<[sentence: string, steps: string, told: string]>([
    ['with nothing waiting, at once', 'end', 'end!'],
    ['behind the last of what waits', 'add add end remove remove', 'add add end remove remove!'],
    [
      'a request that comes after the end, while others wait, goes with them',
      'add end add remove remove',
      'add end add remove remove!',
    ],
    ['the same end again is told once', 'add end end remove', 'add end end remove!'],
    ['after all is over the next end is another one', 'add remove end', 'add remove end!'],
  ])('%s', (_sentence, steps, expected) => {
    let told = 0;
    const ends = new ConnectionEnds((connection) => {
      expect(connection).toBe(1);
      told += 1;
    });
    const seen = steps.split(' ').map((step) => {
      const before = told;
      ends[step as 'add' | 'remove' | 'end'](1);
      return told > before ? `${step}!` : step;
    });
    expect(seen.join(' ')).toBe(expected);
    expect(ends.size).toBe(0);
  });
});
