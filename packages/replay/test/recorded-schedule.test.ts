// When requests are due, from capture times and arrivals: clocks that differ, drift and are set, networks that hold up.

import { describe, expect, test } from 'vitest';
import { createRandom, type Random, seedOfThisRun } from '../../../test/kit/random.ts';
import { RecordedSchedule } from '../src/recorded-schedule.ts';

/** Some time of day in 2026, in microseconds; what the replayer's clock shows then has nothing to do with it. */
const EPOCH_US = 1_790_000_000_000_000;
const DELAY_MS = 200;

interface Request {
  /** Milliseconds after EPOCH_US, on the capture clock. */
  readonly capturedMs: number;
  readonly arrivalMs: number;
  readonly source?: string;
}

interface Due extends Request {
  readonly dueMs: number;
  /** Behind its capture time, after the first. */
  readonly behindMs: number;
}

function run(requests: readonly Request[], delayMs = DELAY_MS) {
  const schedule = new RecordedSchedule(delayMs);
  const dues = requests.map((request): Due => {
    const { capturedMs, arrivalMs, source = 'a' } = request;
    const dueMs = schedule.dueMs({ source, timestampUs: EPOCH_US + Math.round(capturedMs * 1000) }, arrivalMs);
    return { ...request, dueMs, behindMs: dueMs - capturedMs };
  });
  return { schedule, dues, late: dues.filter(({ dueMs, arrivalMs }) => dueMs < arrivalMs).length };
}

/** One each millisecond, captured and come at the times that are told. */
function steady(count: number, arrivalOf: (ms: number) => number, capturedOf = (ms: number) => ms): Request[] {
  const requests: Request[] = [];
  for (let ms = 0; ms < count; ms++) requests.push({ capturedMs: capturedOf(ms), arrivalMs: arrivalOf(ms) });
  return requests;
}

const spread = (dues: readonly Due[]): number => {
  const behind = dues.map(({ behindMs }) => behindMs);
  return Math.max(...behind) - Math.min(...behind);
};

describe('spacing', () => {
  test('what comes as it was captured is due the delay later', () => {
    const { dues, late } = run(steady(100, (ms) => 5000 + ms));
    for (const { dueMs, arrivalMs } of dues) expect(dueMs).toBeCloseTo(arrivalMs + DELAY_MS, 6);
    expect(late).toBe(0);
  });

  test('batches of 10 ms come out at the spacing that they were captured with, but for the first', () => {
    const { dues, late } = run(steady(5000, (ms) => 10 * Math.ceil(ms / 10 + 0.001)));
    expect(spread(dues.slice(9))).toBeLessThan(0.01);
    expect(late).toBe(0);
  });

  test('the first request came 40 ms late: from the second on the spacing is exact', () => {
    const { dues } = run(steady(3000, (ms) => (ms === 0 ? 40 : Math.max(40, ms))));
    expect(dues[0]!.behindMs).toBe(240);
    expect(spread(dues.slice(45))).toBeLessThan(0.01);
    expect(dues.at(-1)!.behindMs).toBeCloseTo(200, 2);
  });

  test('a request that came much later than others is due with them', () => {
    const { dues, late } = run(steady(1000, (ms) => (ms === 500 ? 900 : ms)).sort(byArrival));
    expect(spread(dues)).toBeLessThan(0.01);
    expect(late).toBe(1);
  });

  test('without a capture time a request is due when it comes, and teaches nothing', () => {
    const schedule = new RecordedSchedule(DELAY_MS);
    for (const timestampUs of [undefined, 0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(schedule.dueMs({ source: 'a', timestampUs }, 77)).toBe(77);
    }
    expect(schedule.ledger()).toEqual({ sources: 0, clockJumps: 0, forgottenSources: 0 });
  });

  test.each([
    ['clocks that run alike: within 0.3 ms', 0, 0.3],
    ['clocks that drift apart by up to 50 ppm: within 2 ms', 1, 2],
  ])(
    'random jitter of up to 100 ms and loads, %s of the rhythm from the third second on, none late',
    (_, drifting, most) => {
      for (let turn = 0; turn < 10; turn++) {
        const random = createRandom(seedOfThisRun() + turn);
        const drift = drifting * (random.next() - 0.5) * 1e-4;
        const { dues, schedule, late } = run(jittered(random, 60_000, 1 + random.below(20), drift));
        const { spreadMs, worstStepMs } = errorsOf(dues, drift);
        expect(spreadMs, `seed ${random.seed}`).toBeLessThan(most);
        expect(worstStepMs, `seed ${random.seed}`).toBeLessThan(0.001);
        expect(late, `seed ${random.seed}`).toBe(0);
        expect(schedule.ledger().clockJumps, `seed ${random.seed}`).toBe(0);
      }
    },
  );
});

describe('clocks', () => {
  test.each([50, -50])(
    'a clock that drifts by %i ppm is followed for an hour, never late, never faster than 1 ms/s',
    (ppm) => {
      const requests: Request[] = [];
      for (let ms = 0; ms < 3_600_000; ms += 100)
        requests.push({ capturedMs: ms * (1 + ppm * 1e-6), arrivalMs: ms + (ms % 700) / 100 });
      const { dues, late } = run(requests);
      let [least, greatest, mostMoved] = [DELAY_MS, DELAY_MS, 0];
      for (let at = 20; at < dues.length; at++) {
        const { dueMs, arrivalMs, behindMs } = dues[at]!;
        [least, greatest] = [Math.min(least, dueMs - arrivalMs), Math.max(greatest, dueMs - arrivalMs)];
        mostMoved = Math.max(mostMoved, Math.abs(behindMs - dues[at - 1]!.behindMs));
      }
      expect(least).toBeGreaterThan(DELAY_MS - 10);
      expect(greatest).toBeLessThan(DELAY_MS + 2);
      expect(mostMoved).toBeLessThan(0.12); // in 100 ms, and 7 ms of jitter
      expect(late).toBe(0);
    },
  );

  test.each([
    ['set forward by an hour: from there on the delay is kept', 3_600_000, 0],
    ['set forward by 6 s', 6000, 0],
    ['set back by an hour: what comes in the first two seconds goes at once, then the delay is kept', -3_600_000, 2001],
    ['set back by 300 ms: the same', -300, 2001],
  ])('%s', (_, stepMs, lateExpected) => {
    const { dues, schedule, late } = run(
      steady(
        10_000,
        (ms) => ms,
        (ms) => (ms < 5000 ? ms : ms + stepMs) + 1e7,
      ),
    );
    expect(late).toBe(lateExpected === 0 ? 0 : lateExpected - 1);
    for (const { dueMs, arrivalMs } of dues.slice(7100)) expect(dueMs - arrivalMs).toBeCloseTo(DELAY_MS, 1);
    for (const { dueMs, arrivalMs } of dues) expect(dueMs - arrivalMs).toBeLessThan(DELAY_MS + 0.1);
    expect(schedule.ledger().clockJumps).toBe(1);
  });

  test('set forward by a second: spacing stays, the second is worked off at 1 ms a second', () => {
    const { dues, schedule, late } = run(
      steady(
        20_000,
        (ms) => ms,
        (ms) => (ms < 5000 ? ms : ms + 1000),
      ),
    );
    expect(late).toBe(0);
    expect(schedule.ledger().clockJumps).toBe(0);
    expect(dues.at(-1)!.dueMs - dues.at(-1)!.arrivalMs).toBeCloseTo(DELAY_MS + 1000 - 15, 0);
    expect(spread(dues)).toBeLessThan(15.1);
  });

  test('one request with a time of another century holds nothing up for long', () => {
    const { dues, schedule } = run(
      steady(
        10_000,
        (ms) => ms,
        (ms) => (ms === 3000 ? 1e12 : ms),
      ),
    );
    for (const { dueMs, arrivalMs } of dues) expect(dueMs - arrivalMs).toBeLessThan(DELAY_MS + 0.1);
    for (const { dueMs, arrivalMs } of dues.slice(6000)) expect(dueMs - arrivalMs).toBeCloseTo(DELAY_MS, 1);
    expect(schedule.ledger().clockJumps).toBe(2);
  });

  test('after a pause of hours, in which the clocks drifted, the spacing is exact again', () => {
    const hours = 3 * 3_600_000;
    for (const driftMs of [-540, 540]) {
      const first = steady(2000, (ms) => ms);
      const second = steady(
        2000,
        (ms) => hours + ms + (ms % 10),
        (ms) => hours + ms + driftMs,
      );
      const { dues, schedule, late } = run([...first, ...second.sort(byArrival)]);
      expect(spread(dues.slice(2020))).toBeLessThan(0.01);
      expect(late).toBe(0);
      expect(schedule.ledger().clockJumps).toBe(0);
    }
  });

  test('one request in 30 s: the smallest way is remembered over several of them', () => {
    const requests: Request[] = [];
    for (let at = 0; at < 60; at++)
      requests.push({ capturedMs: at * 30_000, arrivalMs: at * 30_000 + (at % 3 === 0 ? 0 : 8) });
    expect(spread(run(requests).dues)).toBeLessThan(0.01);
  });

  test('a way that became longer than the delay for good is followed', () => {
    const { dues, schedule } = run(steady(10_000, (ms) => (ms < 3000 ? ms : ms + 400)));
    for (const { dueMs, arrivalMs } of dues.slice(5500)) expect(dueMs - arrivalMs).toBeCloseTo(DELAY_MS, 1);
    expect(schedule.ledger().clockJumps).toBe(1);
  });

  test('a replay server that stood still for a second sends what waited at once, and keeps the rhythm behind it', () => {
    const { dues, schedule, late } = run(steady(5000, (ms) => (ms >= 1000 && ms < 2000 ? 2000 : ms)));
    expect(late).toBe(800);
    expect(schedule.ledger().clockJumps).toBe(0);
    expect(spread(dues)).toBeLessThan(0.01);
  });

  test('a backlog on the way that is worked off within seconds ends in the rhythm, too', () => {
    // From the first second on everything comes 20 s late; then 21 times as fast as it was captured, until it has caught up.
    const { dues } = run(
      steady(60_000, (ms) => {
        if (ms < 1000) return ms;
        return ms < 10_000 ? ms + 20_000 : Math.max(ms, 30_000 + (ms - 10_000) / 21);
      }),
    );
    for (const { dueMs, arrivalMs } of dues.slice(55_000)) expect(dueMs - arrivalMs).toBeCloseTo(DELAY_MS, 1);
  });
});

describe('several clocks', () => {
  test('each source has a clock of its own', () => {
    const requests: Request[] = [];
    for (let ms = 0; ms < 1000; ms++) {
      requests.push({ capturedMs: ms, arrivalMs: ms, source: 'a' });
      requests.push({ capturedMs: ms + 1e9, arrivalMs: ms, source: 'b' });
    }
    const { dues, schedule } = run(requests);
    for (const { dueMs, arrivalMs } of dues) expect(dueMs).toBeCloseTo(arrivalMs + DELAY_MS, 6);
    expect(schedule.ledger()).toEqual({ sources: 2, clockJumps: 0, forgottenSources: 0 });
  });

  test('256 are known, the least recently used goes', () => {
    const requests: Request[] = [];
    for (let at = 0; at < 256; at++) requests.push({ capturedMs: at, arrivalMs: at, source: `s${at}` });
    requests.push({ capturedMs: 256, arrivalMs: 256, source: 's0' });
    requests.push({ capturedMs: 257, arrivalMs: 257, source: 'new' });
    // Known: its way is known, too. Forgotten: the first of a new clock, due after the delay.
    requests.push({ capturedMs: 258, arrivalMs: 288, source: 's0' });
    requests.push({ capturedMs: 259, arrivalMs: 289, source: 's1' });
    const { dues, schedule } = run(requests);
    expect(dues.slice(-2).map(({ dueMs }) => dueMs)).toEqual([458, 489]);
    expect(schedule.ledger()).toEqual({ sources: 256, clockJumps: 0, forgottenSources: 2 });
  });
});

describe('a file that comes faster than it was recorded keeps its own time', () => {
  test('all at once: the recorded rhythm, but for its first quarter of a second', () => {
    const requests = steady(100_000, (ms) => ms / 100);
    const { dues, schedule, late } = run(requests);
    const rest = dues.slice(260);
    expect(late).toBe(0);
    expect(spread(rest)).toBeLessThan(1.5); // 1 ms a second, for the second that it takes
    expect(rest[0]!.dueMs).toBeLessThan(500);
    expect(schedule.ledger().clockJumps).toBe(0);
  });

  test('with pauses of a minute in it', () => {
    const requests = steady(
      20_000,
      (ms) => ms / 100,
      (ms) => ms + Math.floor(ms / 7000) * 60_000,
    );
    const { dues, schedule } = run(requests);
    expect(spread(dues.slice(260))).toBeLessThan(1.5);
    expect(schedule.ledger().clockJumps).toBe(0);
  });

  test('at twice its speed for a minute', () => {
    const { dues, schedule, late } = run(steady(120_000, (ms) => ms / 2));
    expect(late).toBe(0);
    expect(schedule.ledger().clockJumps).toBe(0);
    expect(dues.at(-1)!.dueMs).toBeGreaterThan(119_000);
  });

  test('a pause of more than 5 s before 5 s of it have come is taken for a clock that was set, and left out', () => {
    const { dues, schedule } = run([
      { capturedMs: 0, arrivalMs: 0 },
      { capturedMs: 60_000, arrivalMs: 1 },
    ]);
    expect(dues.map(({ dueMs }) => dueMs)).toEqual([200, 201]);
    expect(schedule.ledger().clockJumps).toBe(1);
  });
});

test('what comes slower than it was recorded goes when it comes', () => {
  const { dues } = run(steady(20_000, (ms) => ms * 2));
  for (const { dueMs, arrivalMs } of dues) expect(dueMs - arrivalMs).toBeLessThanOrEqual(DELAY_MS + 1e-6);
});

test('whatever the times are, what is due is a number, and never more ahead than a recording explains', () => {
  for (let turn = 0; turn < 50; turn++) {
    const random = createRandom(seedOfThisRun() + turn);
    const schedule = new RecordedSchedule(random.below(1000));
    let nowMs = random.next() * 1e6;
    for (let at = 0; at < 500; at++) {
      nowMs += random.chance(0.01) ? random.next() * 1e7 : random.next() * 10;
      const timestampUs = random.chance(0.2) ? random.next() * 2 ** 53 : EPOCH_US + nowMs * 1000;
      const dueMs = schedule.dueMs({ source: String(random.below(3)), timestampUs }, nowMs);
      expect(Number.isFinite(dueMs), `seed ${random.seed}`).toBe(true);
    }
  }
});

test.each([-1, 60_001, Number.NaN, Number.POSITIVE_INFINITY])('a delay of %d ms is refused', (delayMs) => {
  expect(() => new RecordedSchedule(delayMs)).toThrow(`delayMs is ${delayMs}; it must be a number from 0 to 60000`);
});

/** How far due times are off the rhythm, from the third second on; what the clocks run apart is no error of it. */
function errorsOf(dues: readonly Due[], drift: number): { spreadMs: number; worstStepMs: number } {
  let [least, greatest, worstStepMs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  let before: Due | undefined;
  for (const due of dues) {
    if (due.arrivalMs < 2000) continue;
    const errorMs = due.dueMs - due.capturedMs / (1 - drift) - DELAY_MS;
    [least, greatest] = [Math.min(least, errorMs), Math.max(greatest, errorMs)];
    if (before !== undefined) {
      const stepMs = Math.abs(due.behindMs - before.behindMs) - 0.001 * (due.arrivalMs - before.arrivalMs);
      worstStepMs = Math.max(worstStepMs, stepMs);
    }
    before = due;
  }
  return { spreadMs: greatest - least, worstStepMs };
}

function byArrival(one: Request, other: Request): number {
  return one.arrivalMs - other.arrivalMs;
}

/** Requests in the order of their arrivals: each held up by 0 to 100 ms, the clock of the capture drifting. */
function jittered(random: Random, lengthMs: number, meanMs: number, drift: number): Request[] {
  const requests: Request[] = [];
  for (let ms = 0; ms < lengthMs; ms += -Math.log(1 - random.next()) * meanMs) {
    const heldMs = random.chance(0.3) ? 0.1 * random.next() : 100 * random.next();
    requests.push({ capturedMs: ms * (1 - drift), arrivalMs: ms + heldMs });
  }
  return requests.sort(byArrival);
}
