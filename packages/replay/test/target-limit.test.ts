// The limit of a whole target, as properties over random arrivals under a virtual clock: backlog, order, leases, connects that
// are slow or fail, deadlines, timers that are late, and the bound behind them all.

import { describe, expect, test } from 'vitest';
import { createRandom, type Random, seedOfThisRun } from '../../../test/kit/random.ts';
import { mostInOneSecond, mostWithin } from '../../../test/kit/send-times.ts';
import { VirtualClock } from '../../../test/kit/virtual-clock.ts';
import { createReplayer, type LeaseSource, type Outcome, type ReplayerOptions } from '../src/index.ts';
import { aRequest, expectBalance } from './a-request.ts';
import { type Fate, ScriptedForwarder } from './scripted-forwarder.ts';

const seed = seedOfThisRun();
const AT_ONCE: Fate = { connectMs: 0, answerAfterMs: 1 };

interface StageOptions extends Partial<ReplayerOptions> {
  readonly fate?: () => Fate;
  readonly lease?: (clock: VirtualClock) => LeaseSource;
  /** How late each timer is. */
  readonly lateMs?: () => number;
}

/** A target of that rate (0: unlimited), its arrivals, and what became of them. */
function stage(rate: number, { fate = () => AT_ONCE, lease, lateMs = () => 0, ...options }: StageOptions = {}) {
  const clock = new VirtualClock();
  const forwarder = new ScriptedForwarder(clock);
  forwarder.fate = fate;
  const outcomes: Outcome[] = [];
  const replayer = createReplayer({
    targets: [rate === 0 ? 'http://a' : `http://a|${rate}`],
    clock: { nowMs: clock.nowMs, schedule: (delayMs, callback) => clock.schedule(delayMs + lateMs(), callback) },
    forwarder: () => forwarder,
    leaseSource: () => lease?.(clock) ?? pacedLease(clock, rate),
    onOutcome: (outcome) => outcomes.push(outcome),
    ...options,
  });
  return {
    ...{ clock, forwarder, outcomes },
    /** Each on a connection of its own, unless one is given. */
    send: (count = 1, connection?: number): void => {
      for (let n = 0; n < count; n++) {
        const index = replayer.ledger().targets[0]!.received;
        replayer.send(aRequest({ index, connection: connection ?? index }));
      }
    },
    /** When each was on a socket, rising. */
    sentMs: () => outcomes.flatMap(({ sentMs }) => sentMs ?? []).sort((a, b) => a - b),
    /** Lets all end; nothing may be left, and each must be counted. */
    end: async (): Promise<void> => {
      await clock.advance(20_000);
      const ledger = replayer.ledger().targets[0]!;
      expectBalance(ledger);
      expect(ledger).toMatchObject({ waiting: 0, inFlight: 0, waitingBytes: 0, received: outcomes.length });
      await replayer.close();
    },
  };
}

/** Grants as Bottleneck does: one lease after the other, 2% faster than the rate. */
function pacedLease(clock: VirtualClock, rate: number): LeaseSource {
  const everyMs = (Math.max(1, Math.ceil(rate / 10)) / rate) * (1000 / 1.02);
  let freeMs = 0;
  const lease = (tokens: number): Promise<number> => {
    const atMs = Math.max(clock.nowMs() + 1, freeMs);
    freeMs = atMs + everyMs;
    return new Promise((resolve) => clock.schedule(atMs - clock.nowMs(), () => resolve(tokens)));
  };
  return { lease, close: () => Promise.resolve() };
}

/** An authority that is quick or slow, refuses, grants nothing, a part, or all. */
function moodyLease(clock: VirtualClock, random: Random): LeaseSource {
  const lease = (tokens: number): Promise<number> =>
    new Promise((resolve, reject) => {
      clock.schedule(random.chance(0.1) ? random.next() * 1500 : random.next() * 5, () => {
        if (random.chance(0.1)) reject(new Error('away'));
        else resolve(random.chance(0.2) ? random.below(tokens + 1) : tokens);
      });
    });
  return { lease, close: () => Promise.resolve() };
}

/** Sent soon, late, or not in time; answered, or not; or never on a socket. */
function moodyFate(random: Random): Fate {
  return {
    connectMs: random.chance(0.1) ? random.next() * 3000 : random.chance(0.3) ? random.next() * 20 : 0,
    answerAfterMs: random.chance(0.05) ? undefined : random.next() * 100,
    unsent: random.chance(0.1) ? random.pick(['connect-refused', 'connect-timeout'] as const) : undefined,
  };
}

describe('never more than N in any one second, whatever comes and however it goes', () => {
  test.each([0.5, 1, 2.5, 10, 333, 5000])(`%d a second (seed ${seed})`, async (rate) => {
    const random = createRandom(seed + rate);
    const lateMs = () => (random.chance(0.05) ? random.next() * 30 : random.next());
    const lease = (clock: VirtualClock) => moodyLease(clock, random);
    const made = stage(rate, { fate: () => moodyFate(random), lease, lateMs, timeoutMs: 2000, orderWaitMs: 100 });
    for (let left = Math.max(300, 3 * rate); left > 0; left--) {
      made.send(1, random.chance(0.5) ? random.below(8) : undefined);
      // Bursts, lulls and silences of seconds; more than twice the rate in all.
      const gapMs = random.chance(0.005) ? random.next() * 4000 : (random.next() * 1000) / rate;
      if (random.chance(0.7)) await made.clock.advance(gapMs);
    }
    await made.end();
    const sent = made.sentMs();
    expect(sent.length).toBeGreaterThan(10);
    expect(mostInOneSecond(sent)).toBeLessThanOrEqual(Math.ceil(rate));
    expect(mostWithin(sent, (Math.ceil(rate) / rate) * 1000)).toBeLessThanOrEqual(Math.ceil(rate));
    expect(new Set(made.outcomes.map(({ result }) => result))).toContain('failed');
  });

  test('50,000 a second, at full excess and after idle', async () => {
    const made = stage(50_000, { connections: 4096, maxWaitingRequests: 10_000 });
    await made.clock.advance(10);
    for (let burst = 0; burst < 2; burst++) {
      for (let ms = 0; ms < 250; ms++) {
        made.send(210);
        await made.clock.advance(1);
      }
      await made.clock.advance(burst * 500 + 300);
    }
    await made.end();
    expect(mostInOneSecond(made.sentMs())).toBe(50_000);
  });
});

describe('below the limit nothing waits', () => {
  test.each([0.5, 1, 2.5, 10, 11, 25, 333])(`%d a second (seed ${seed})`, async (rate) => {
    const random = createRandom(seed + rate);
    const most = Math.ceil(rate);
    const windowMs = (most / rate) * 1000;
    const made = stage(rate);
    await made.clock.advance(50);
    const arrivals: number[] = [];
    while (arrivals.length < Math.max(150, 12 * rate)) {
      const nowMs = made.clock.nowMs();
      // As many as there may be at once, or some; then soon, or as soon as the oldest is out of the window.
      const free = most - arrivals.filter((atMs) => nowMs - atMs <= windowMs + 0.1).length;
      const count = random.chance(0.3) ? free : random.below(free + 1);
      made.send(count);
      for (let n = 0; n < count; n++) arrivals.push(nowMs);
      const oldestMs = arrivals.at(-most);
      const outMs = oldestMs === undefined ? 0 : oldestMs + windowMs + 0.11 - nowMs;
      await made.clock.advance(random.chance(0.5) && outMs > 0 ? outMs : random.next() * 0.3 * windowMs);
    }
    await made.end();
    const waitedMs = made.outcomes.map(({ sentMs, dueMs }) => sentMs! - dueMs).filter((ms) => ms !== 0);
    expect(waitedMs).toEqual([]);
    expect(made.outcomes).toHaveLength(arrivals.length);
  });
});

describe('under lasting excess as many as the limit says, evenly spaced', () => {
  test.each([
    [0.5, 60, 1],
    [2.5, 60, 1],
    [10, 60, 1],
    [333, 60, 1],
    [1000, 60, 0.5],
    [50_000, 0.5, 0.5],
  ])('%d a second for %d s, timers up to %d ms late', async (rate, seconds, lateMs) => {
    const random = createRandom(1);
    const burst = Math.ceil(rate);
    const firstMs = (burst / rate) * 1000;
    const made = stage(rate, { connections: 4096, lateMs: () => random.next() * lateMs });
    await made.clock.advance(10);
    const perStep = Math.ceil((1.2 * rate) / 1000);
    const stepMs = Math.min(100, (perStep * 1000) / (1.2 * rate));
    while (made.clock.nowMs() < firstMs + seconds * 1000 + 100) {
      made.send(perStep);
      await made.clock.advance(stepMs);
    }
    const even = made.sentMs().slice(burst);
    await made.end();
    const tookSeconds = (even.at(-1)! - even[0]!) / 1000;
    expect(tookSeconds).toBeGreaterThan(seconds * 0.9);
    expect(Math.abs((even.length - 1) / tookSeconds / rate - 1)).toBeLessThan(0.005);
    // Each behind the one before by its share of a second, give or take what a timer was late.
    const spacingMs = (1000 / rate) * 1.002;
    const unevenMs = even.slice(1).map((atMs, place) => Math.abs(atMs - even[place]! - spacingMs));
    expect(unevenMs.filter((ms) => ms > lateMs + 0.1)).toEqual([]);
    expect(mostWithin(even, 100)).toBeLessThanOrEqual((100 + lateMs) / spacingMs + 1);
  });
});

describe('what waits for a place', () => {
  test.each([true, false])(
    `is bounded in time and number, the oldest goes (in order: %s, seed ${seed})`,
    async (keepOrder) => {
      const random = createRandom(seed);
      const [connections, bufferMs, orderWaitMs] = [
        1 + random.below(8),
        200 + random.below(500),
        100 + random.below(400),
      ];
      const limits = { keepOrder, connections, bufferMs, orderWaitMs, timeoutMs: 2000 };
      const made = stage(0, { ...limits, fate: () => ({ connectMs: 0, answerAfterMs: random.next() * 150 }) });
      for (let left = 3000; left > 0; left--) {
        made.send(1, keepOrder ? random.below(40) : undefined);
        await made.clock.advance(random.chance(0.003) ? 2000 : (random.next() * 100) / connections);
      }
      await made.end();
      expect(made.forwarder.mostInFlight).toBe(connections);
      const longestMs = bufferMs + (keepOrder ? orderWaitMs : 0) + 1e-6;
      for (const { sentMs, dueMs } of made.outcomes) expect((sentMs ?? dueMs) - dueMs).toBeLessThanOrEqual(longestMs);
      const dropped = made.outcomes.filter(({ failure }) => failure === 'buffer-age');
      expect(dropped.length).toBeGreaterThan(100);
      expect(made.outcomes.filter(({ result }) => result === 'answered')).toHaveLength(3000 - dropped.length);
      for (const { endedMs, dueMs } of dropped) {
        expect(endedMs - dueMs).toBeLessThanOrEqual(longestMs);
        if (!keepOrder) expect(endedMs - dueMs).toBeCloseTo(bufferMs, 6);
      }
      if (keepOrder) return;
      // Whatever leaves, to its target or for good, is the one that waited longest.
      const left = made.outcomes.map(({ index, sentMs, endedMs }) => ({ index: index!, leftMs: sentMs ?? endedMs }));
      left.sort((a, b) => a.leftMs - b.leftMs || a.index - b.index);
      expect(left.map(({ index }) => index)).toEqual([...left.keys()]);
    },
  );
});
