// The control in a simulated listener: a buffer that fills with what is offered and is read as fast as there is time, what
// is shed costing a part of what is taken. Capacity is one core; time is virtual.
import { describe, expect, test } from 'vitest';
import { createRandom, seedOfThisRun } from '../../../test/kit/random.ts';
import { LOOK_EVERY_MS, LoadControl, type LoadLook, type ShedCause } from '../src/load-control.ts';

interface Load {
  /** Offered, in multiples of what one core can take when nothing is shed. */
  readonly offered: (ms: number) => number;
  /** Cost of a packet that is shed, of one that is taken. */
  readonly lookCost?: number;
  readonly maxCpuShare?: number;
  /** Traffic that the buffer holds, in ms at capacity: 64 MB last for half a second of 400,000 packets a second. */
  readonly bufferMs?: number;
  /** Of some connections only, as behind a load balancer: then shares are coarse. */
  readonly connections?: number;
  readonly forMs: number;
  readonly isPaused?: (ms: number) => boolean;
}

interface Outcome {
  readonly share: number;
  readonly highest: number;
  /** Traffic that found no room, in ms at capacity, and when the last of it did. */
  readonly lost: number;
  readonly lastLossMs: number;
  /** Over the second half. */
  readonly cpuShare: number;
  readonly changes: number;
  readonly causes: readonly ShedCause['sign'][];
  /** When nothing was shed any more; undefined: never, or nothing was. */
  readonly overMs: number | undefined;
}

function simulate({ offered, forMs, isPaused = () => false, ...load }: Load): Outcome {
  const { lookCost = 0.05, bufferMs = 500, maxCpuShare, connections = Number.POSITIVE_INFINITY } = load;
  const control = new LoadControl(maxCpuShare);
  const state = { waiting: 0, busyMs: 0, lost: 0, lastLossMs: 0, highest: 0, changes: 0, secondHalfMs: 0 };
  const causes: ShedCause['sign'][] = [];
  let overMs: number | undefined;
  let nextLookMs = 0;
  for (let ms = 0; ms < forMs; ms++) {
    const room = bufferMs - state.waiting;
    const arrived = offered(ms);
    if (arrived > room) state.lastLossMs = ms;
    state.lost += Math.max(0, arrived - room);
    state.waiting += Math.min(arrived, room);
    if (isPaused(ms)) continue;
    if (ms >= nextLookMs) {
      const before = control.share;
      const look: LoadLook = {
        nowMs: ms,
        bufferFill: state.waiting / bufferMs,
        busyMs: state.busyMs,
        cpuMs: state.busyMs,
      };
      const cause = control.look(look);
      if (cause !== undefined && causes.at(-1) !== cause.sign) causes.push(cause.sign);
      if (control.share !== before) state.changes++;
      if (before > 0 && control.share === 0) overMs = ms;
      state.highest = Math.max(state.highest, control.share);
      nextLookMs = ms + LOOK_EVERY_MS;
    }
    const shed = Number.isFinite(connections) ? Math.floor(control.share * connections) / connections : control.share;
    const costEach = 1 - shed * (1 - lookCost);
    const taken = Math.min(state.waiting, 1 / costEach);
    state.waiting -= taken;
    state.busyMs += taken * costEach;
    if (ms >= forMs / 2) state.secondHalfMs += taken * costEach;
  }
  const { highest, lost, lastLossMs, changes } = state;
  const cpuShare = state.secondHalfMs / (forMs / 2);
  return {
    share: control.share,
    highest,
    lost,
    lastLossMs,
    cpuShare,
    changes,
    causes,
    overMs: control.share === 0 ? overMs : undefined,
  };
}

const percent = (share: number) => `${Math.floor(share * 100)}%`;

function bounded(load: Load): string {
  const { share, cpuShare, changes } = simulate(load);
  return `${percent(share)} shed, CPU ${Math.round(cpuShare * 100)}%, ${changes} changes`;
}

/** The load for a minute, then a third of the capacity for a minute. */
function row(offered: number, lookCost = 0.05): string {
  const loaded = simulate({ offered: () => offered, lookCost, forMs: 60_000 });
  const whole = simulate({ offered: (ms) => (ms < 60_000 ? offered : 0.33), lookCost, forMs: 240_000 });
  const lost = loaded.lost === 0 ? 'nothing lost' : `lost within ${Math.ceil(loaded.lastLossMs / 100) / 10} s`;
  const over =
    whole.overMs === undefined ? 'nothing to take back' : `all back in ${Math.ceil((whole.overMs - 60_000) / 1000)} s`;
  return `${percent(loaded.share)} shed, ${percent(loaded.highest)} at most, ${loaded.changes} changes, ${lost}, CPU ${Math.round(loaded.cpuShare * 100)}%, ${over}`;
}

describe('a minute of load in multiples of the capacity, then a third of it, a shed packet costing a twentieth', () => {
  test.each<[offered: number, outcome: string]>([
    [0.5, '0% shed, 0% at most, 0 changes, nothing lost, CPU 50%, nothing to take back'],
    [0.9, '0% shed, 0% at most, 0 changes, nothing lost, CPU 90%, nothing to take back'],
    [1, '0% shed, 0% at most, 0 changes, nothing lost, CPU 100%, nothing to take back'],
    [1.05, '20% shed, 25% at most, 2 changes, nothing lost, CPU 84%, all back in 2 s'],
    [1.2, '27% shed, 27% at most, 1 changes, nothing lost, CPU 89%, all back in 2 s'],
    [1.5, '45% shed, 52% at most, 4 changes, nothing lost, CPU 85%, all back in 3 s'],
    [2, '61% shed, 61% at most, 2 changes, nothing lost, CPU 83%, all back in 5 s'],
    [4, '83% shed, 91% at most, 6 changes, lost within 0.2 s, CPU 84%, all back in 8 s'],
    [10, '96% shed, 98% at most, 8 changes, lost within 0.2 s, CPU 83%, all back in 15 s'],
  ])('%d times: %s', (offered, outcome) => {
    expect(row(offered)).toBe(outcome);
  });
});

describe('the same, a shed packet costing a fifth: from five times on no share is enough', () => {
  test.each<[offered: number, outcome: string]>([
    [1.05, '25% shed, 25% at most, 1 changes, nothing lost, CPU 83%, all back in 2 s'],
    [1.5, '52% shed, 52% at most, 2 changes, nothing lost, CPU 87%, all back in 4 s'],
    [2, '73% shed, 78% at most, 6 changes, nothing lost, CPU 83%, all back in 6 s'],
    [4, '98% shed, 98% at most, 3 changes, lost within 0.3 s, CPU 86%, all back in 18 s'],
    [10, '99% shed, 99% at most, 4 changes, lost within 60 s, CPU 100%, all back in 26 s'],
  ])('%d times: %s', (offered, outcome) => {
    expect(row(offered, 0.2)).toBe(outcome);
  });
});

describe('a bound on the CPU time: two minutes of load, and what is taken in the second of them', () => {
  test.each<[bound: number, offered: number, outcome: string]>([
    [1, 0.9, '0% shed, CPU 90%, 0 changes'],
    [0.9, 0.6, '0% shed, CPU 60%, 0 changes'],
    [0.5, 0.3, '0% shed, CPU 30%, 0 changes'],
    [0.5, 0.6, '19% shed, CPU 49%, 1 changes'],
    [0.5, 0.9, '48% shed, CPU 49%, 2 changes'],
    [0.25, 0.9, '76% shed, CPU 25%, 2 changes'],
    [0.1, 0.9, '93% shed, CPU 10%, 5 changes'],
    [0.05, 0.6, '96% shed, CPU 5%, 6 changes'],
  ])('%d of a core with a load of %d: %s', (maxCpuShare, offered, outcome) => {
    expect(bounded({ offered: () => offered, maxCpuShare, forMs: 120_000 })).toBe(outcome);
  });

  test('the floor is what looking at packets costs', () => {
    expect(bounded({ offered: () => 0.9, lookCost: 0.2, maxCpuShare: 0.1, forMs: 120_000 })).toBe(
      '99% shed, CPU 18%, 5 changes',
    );
  });

  test('nothing is shed for it while the code is still being compiled', () => {
    const offered = (ms: number) => (ms < 2500 ? 0.9 : 0.4);
    expect(simulate({ offered, maxCpuShare: 0.5, forMs: 60_000 }).changes).toBe(0);
  });

  test('a load that changes by a third all the time stays within it', () => {
    const random = createRandom(seedOfThisRun());
    console.log(`seed ${random.seed}`);
    let level = 0.9;
    const offered = (ms: number) => {
      if (ms % 100 === 0) level = 0.6 + random.below(600) / 1000;
      return level;
    };
    const { cpuShare, lost } = simulate({ offered, maxCpuShare: 0.5, forMs: 300_000 });
    expect(cpuShare).toBeGreaterThan(0.4);
    expect(cpuShare).toBeLessThan(0.51);
    expect(lost).toBe(0);
  });
});

describe('connections do not come and go', () => {
  test.each([
    ['of eight connections the second costs too much', 0.25, 8],
    ['the last of eight does', 0.9, 8],
    ['one of three does', 0.5, 3],
  ])('where %s, it is tried once a minute', (_, maxCpuShare, connections) => {
    const { changes, cpuShare } = simulate({ offered: () => 0.9, maxCpuShare, connections, forMs: 600_000 });
    expect(changes).toBeLessThan(60);
    expect(cpuShare).toBeLessThan(maxCpuShare);
  });
});

describe('a pause of the machine sheds nothing', () => {
  test.each<[sentence: string, everyMs: number, forMs: number]>([
    ['300 ms, each second', 1000, 300],
    ['400 ms once, which fills most of the buffer', 60_000, 400],
    ['3 s once, which fills it', 60_000, 3000],
  ])('%s', (_, everyMs, pauseMs) => {
    const isPaused = (ms: number) => ms % everyMs < pauseMs && ms > 1000;
    const { changes, causes } = simulate({ offered: () => 0.5, isPaused, forMs: 90_000 });
    expect({ changes, causes }).toEqual({ changes: 0, causes: [] });
  });
});

describe('an event loop that is late again and again', () => {
  /** Where the engine cannot tell how full its buffer is. */
  function lateLooks(...latenesses: number[]) {
    const control = new LoadControl(undefined);
    let nowMs = 0;
    const look = (lateMs: number) => {
      nowMs += LOOK_EVERY_MS + lateMs;
      return control.look({ nowMs, bufferFill: undefined, busyMs: nowMs * 0.5, cpuMs: nowMs * 0.5 });
    };
    look(0);
    const causes = latenesses.map(look);
    return { causes: causes.filter((cause) => cause !== undefined), share: control.share, look, control };
  }

  test.each<[sentence: string, latenesses: number[], share: number]>([
    ['once, however late', [60_000], 0],
    ['twice', [900, 900], 0],
    ['a little, always', Array.from({ length: 50 }, () => 150), 0],
    ['now and then', [500, 500, 0, 500, 500, 0, 500], 0],
    ['three times', [250, 250, 250], 0.5],
    ['four times', [250, 250, 250, 250], 0.75],
    ['for ever', Array.from({ length: 50 }, () => 900), 255 / 256],
  ])('%s', (_, latenesses, share) => {
    expect(lateLooks(...latenesses).share).toBe(share);
  });

  test('the cause is said, and all is taken back when it is in time again', () => {
    const { causes, look, control } = lateLooks(250, 250, 250);
    expect(causes).toEqual([{ sign: 'late', lateMs: 250 }]);
    for (let looks = 0; looks < 200; looks++) look(0);
    expect(control.share).toBe(0);
  });
});

test.each([0, -0.1, 1.01, Number.NaN])('a bound of %d is refused', (maxCpuShare) => {
  expect(() => new LoadControl(maxCpuShare)).toThrow(`maxCpuShare: ${maxCpuShare} is not above 0 and at most 1`);
});
