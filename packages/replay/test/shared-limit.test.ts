// Who shares a limit, and what happens while the common authority is away: in virtual time, with a link made here.
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../../test/kit/virtual-clock.ts';
import { type Beat, withRedisTime } from '../src/member-beat.ts';
import { ReplayError } from '../src/replay-error.ts';
import { SharedLease, sharedSizesAt } from '../src/shared-lease.ts';
import { type AuthorityLink, type SharedLimitEvent, SharedLimits } from '../src/shared-limit.ts';

/** An authority that grants at once, and says of members what the test says. */
class Authority {
  readonly clock = new VirtualClock(10_000);
  readonly events: SharedLimitEvent[] = [];
  members = { live: 3, counted: 3 };
  isNew = false;
  /** `silent`: connected, and nothing is answered. */
  mode: 'there' | 'refusing' | 'silent' = 'there';
  left = 0;
  closed = 0;
  tries = 0;
  onLost: ((error: ReplayError) => void) | undefined;
  readonly limits = new SharedLimits(
    (onLost) => this.#connect(onLost),
    this.clock,
    (event) => this.events.push(event),
  );

  async joined(): Promise<void> {
    const joined = this.limits.joined();
    await this.clock.advance(1);
    await joined;
  }

  #connect(onLost: (error: ReplayError) => void): Promise<AuthorityLink> {
    this.tries += 1;
    if (this.mode !== 'there') return Promise.reject(new ReplayError('unreachable', 'away'));
    this.onLost = onLost;
    return Promise.resolve({
      lease: (_, tokens) => this.#answer(tokens),
      beat: () => this.#answer<Beat>({ generation: 'g', members: ['a', 'b', 'c'], isNew: this.isNew, ...this.members }),
      leave: () => {
        this.left += 1;
        return this.#answer(1);
      },
      close: () => {
        this.closed += 1;
      },
    });
  }

  #answer<Value>(value: Value): Promise<Value> {
    return this.mode === 'there' ? Promise.resolve(value) : new Promise(() => {});
  }
}

/** Takes leases one after the other; gives the tokens of each moment. */
function takeAll(lease: { lease: (tokens: number) => Promise<number> }, clock: VirtualClock, tokens: number) {
  const taken: { atMs: number; tokens: number }[] = [];
  const next = (): void =>
    void lease.lease(tokens).then((granted) => {
      if (granted === 0) return;
      taken.push({ atMs: clock.nowMs(), tokens: granted });
      // The authority here grants for nothing: its pace is a lease each 10 ms.
      clock.schedule(10, next);
    });
  next();
  return taken;
}

describe('while the authority is away', () => {
  test('each server sends its share, from 1.5 s after the last answer on, and leases again when it is back', async () => {
    const authority = new Authority();
    await authority.limits.open();
    const lease = authority.limits.leaseSource('http://a', 300) as SharedLease;
    await authority.joined();
    const taken = takeAll(lease, authority.clock, 7);
    await authority.clock.advance(1000);
    const lastAnswerMs = authority.clock.nowMs();
    expect(taken.length).toBeGreaterThan(95);
    expect(lease.ledger()).toEqual({ state: 'shared', members: 3, fallbacks: 0 });

    authority.mode = 'refusing';
    authority.onLost?.(new ReplayError('unreachable', 'away'));
    const before = taken.length;
    await authority.clock.advance(1200);
    expect(taken.length - before).toBeLessThanOrEqual(1);
    await authority.clock.advance(10_000);
    const alone = taken.filter(({ atMs }) => atMs > lastAnswerMs + 1600);
    const perSecond =
      alone.reduce((sum, { tokens }) => sum + tokens, 0) / ((authority.clock.nowMs() - alone[0]!.atMs) / 1000);
    expect(perSecond).toBeGreaterThan(90);
    expect(perSecond).toBeLessThan(103);
    expect(lease.ledger()).toEqual({ state: 'alone', members: 3, fallbacks: 1 });
    expect(authority.events).toMatchObject([{ type: 'alone', members: 3 }]);
    expect(authority.tries).toBeGreaterThan(30);

    authority.mode = 'there';
    await authority.clock.advance(1000);
    expect(lease.ledger()).toEqual({ state: 'shared', members: 3, fallbacks: 1 });
    expect(authority.events).toMatchObject([{ type: 'alone' }, { type: 'shared', members: 3 }]);
    await authority.limits.close();
    expect(authority.clock.pendingTimers).toBe(1); // the test's own
    expect(authority.left).toBe(1);
  });

  test('one that answers no more is noticed within a second', async () => {
    const authority = new Authority();
    await authority.limits.open();
    authority.limits.leaseSource('http://a', 10);
    await authority.joined();
    authority.mode = 'silent';
    await authority.clock.advance(1000);
    expect(authority.events).toMatchObject([{ type: 'alone', error: { code: 'no-answer' } }]);
    expect(authority.closed).toBe(1);
    await authority.limits.close();
    expect(authority.clock.pendingTimers).toBe(0);
  });

  test('closing does not wait for one that does not answer', async () => {
    const authority = new Authority();
    await authority.limits.open();
    const lease = authority.limits.leaseSource('http://a', 1);
    await authority.joined();
    authority.mode = 'silent';
    const waiting = lease.lease(1);
    const closed = authority.limits.close();
    await authority.clock.advance(300);
    await closed;
    expect(await waiting).toBe(0);
    expect(await lease.lease(1)).toBe(0);
    expect(authority.closed).toBe(1);
  });

  test('a server that never reached it has no share to send', async () => {
    const clock = new VirtualClock();
    const lease = new SharedLease(10, clock);
    lease.goAlone(0);
    const taken = takeAll(lease, clock, 1);
    await clock.advance(60_000);
    expect(taken).toEqual([]);
    expect(lease.ledger()).toEqual({ state: 'alone', members: 0, fallbacks: 0 });
  });
});

test('who finds no data waits until those that had some are back', async () => {
  const authority = new Authority();
  authority.isNew = true;
  await authority.limits.open();
  const lease = authority.limits.leaseSource('http://a', 10);
  let joinedMs = 0;
  void authority.limits.joined().then(() => {
    joinedMs = authority.clock.nowMs();
  });
  const taken = takeAll(lease, authority.clock, 1);
  await authority.clock.advance(3000);
  expect(taken[0]!.atMs).toBeGreaterThanOrEqual(12_000);
  expect(joinedMs).toBeGreaterThanOrEqual(12_000);
  await authority.limits.close();
});

test('joining fails where the authority goes away before', async () => {
  const authority = new Authority();
  await authority.limits.open();
  authority.mode = 'silent';
  authority.limits.leaseSource('http://a', 10);
  const joined = authority.limits.joined();
  const expected = expect(joined).rejects.toMatchObject({ code: 'no-answer' });
  await authority.clock.advance(1000);
  await expected;
  await authority.limits.close();
});

test.each([
  [3, 3, 1],
  [2, 3, 2 / 3],
  [1, 4, 1 / 4],
])('of what is granted to %i live servers of %i, a share of %d is used', async (live, counted, share) => {
  const authority = new Authority();
  authority.members = { live, counted };
  await authority.limits.open();
  const lease = authority.limits.leaseSource('http://a', 10);
  await authority.joined();
  let asked = 0;
  let granted = 0;
  const direct = new SharedLease(10, authority.clock);
  direct.share(live, counted);
  direct.goShared((tokens) => {
    asked += tokens;
    return Promise.resolve(tokens);
  }, 0);
  for (let turn = 0; turn < 1200; turn++) granted += await direct.lease(1);
  expect(granted).toBe(1200);
  expect(granted / asked).toBeCloseTo(share, 2);
  expect(lease.ledger?.().members).toBe(counted);
  await authority.limits.close();
});

test.each([
  [0.5, 1, 1],
  [10, 1, 1],
  [30, 1, 2],
  [100, 2, 8],
  [1000, 25, 75],
])('at %d a second a lease has %i tokens, and %i are at hand and asked for', (rate, leaseTokens, capacity) => {
  expect(sharedSizesAt(rate)).toEqual({ leaseTokens, capacity });
});

test("the caller's clock is nowhere in Bottleneck's scripts", () => {
  expect(withRedisTime('local now = tonumber(ARGV[1])\nreturn now')).toContain("redis.call('TIME')");
  expect(() => withRedisTime('local now = 1')).toThrow('version of Bottleneck');
});

test('a replayer that is closed is a member no more, and one limit is not given twice', async () => {
  const authority = new Authority();
  await authority.limits.open();
  const first = authority.limits.leaseSource('http://a', 10);
  authority.limits.leaseSource('http://a', 20);
  await authority.joined();
  expect(() => authority.limits.leaseSource('http://a', 10)).toThrow(TypeError);
  await first.close();
  await first.close();
  expect(authority.left).toBe(1);
  authority.limits.leaseSource('http://a', 10);
  await authority.joined();
  await authority.limits.close();
  expect([authority.left, authority.closed]).toEqual([3, 1]);
});
