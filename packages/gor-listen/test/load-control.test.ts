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
      const look: LoadLook = { nowMs: ms, bufferFill: state.waiting / bufferMs, busyMs: state.busyMs, cpuMs: state.busyMs };
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
  return { share: control.share, highest, lost, lastLossMs, cpuShare, changes, causes, overMs: control.share === 0 ? overMs : undefined };
}

const percent = (share: number) => `${Math.round(share * 100)}%`;

/** The load for a minute, then a third of the capacity for a minute. */
function row(offered: number, lookCost = 0.05): string {
  const loaded = simulate({ offered: () => offered, lookCost, forMs: 60_000 });
  const whole = simulate({ offered: (ms) => (ms < 60_000 ? offered : 0.33), lookCost, forMs: 240_000 });
  const lost = loaded.lost === 0 ? 'nothing lost' : `lost within ${Math.ceil(loaded.lastLossMs / 100) / 10} s`;
  const over = whole.overMs === undefined ? 'nothing to take back' : `all back in ${Math.ceil((whole.overMs - 60_000) / 1000)} s`;
  return `${percent(loaded.share)} shed, ${percent(loaded.highest)} at most, ${loaded.changes} changes, ${lost}, CPU ${percent(loaded.cpuShare)}, ${over}`;
}

describe('offered load, in multiples of the capacity', () => {
  test.each<[offered: number, outcome: string]>([
    [0.5, ''],
    [0.9, ''],
    [1, ''],
    [1.05, ''],
    [1.2, ''],
    [1.5, ''],
    [2, ''],
    [4, ''],
    [10, ''],
  ])('%d times', (offered, outcome) => {
    console.log(offered, row(offered), '|', row(offered, 0.2));
  });
});
describe('cpu', () => {
  test.each([0.05,0.1, 0.25, 0.5, 0.9])('%d', (max) => {
    for (const offered of [0.3, 0.6, 0.9]) for (const lookCost of [0.05,0.2]) console.log(max, offered, lookCost, JSON.stringify(simulate({offered: () => offered, lookCost, maxCpuShare: max, forMs: 120_000})));
    console.log(JSON.stringify(simulate({offered: () => 0.9, connections: 8, maxCpuShare: max, forMs: 600_000})));
  });
});
