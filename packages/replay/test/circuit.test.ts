// The circuit as a table of ends, as a property over random ends and times, and within a target under a virtual clock.

import { describe, expect, test } from 'vitest';
import { createRandom, seedOfThisRun } from '../../../test/kit/random.ts';
import { VirtualClock } from '../../../test/kit/virtual-clock.ts';
import { Circuit, type CircuitState } from '../src/circuit.ts';
import { type CircuitChange, createReplayer, type FailedReason, type ReplayerOptions } from '../src/index.ts';
import { aRequest, expectBalance } from './a-request.ts';
import { ScriptedForwarder } from './scripted-forwarder.ts';
import { counts, stage as openStage, type Stage } from './stage.ts';

type End = readonly [reason: FailedReason | 'answered', startedMs: number, endedMs: number];

/** `count` of them, the first at `fromMs`, each tried when the one before ended. */
function ends(reason: End[0], count: number, fromMs: number, everyMs: number): End[] {
  return Array.from({ length: count }, (_, n) => [reason, fromMs + n * everyMs, fromMs + (n + 1) * everyMs]);
}

/** Each started `tookMs` before it ended. */
function hung(count: number, fromMs: number, everyMs: number, tookMs: number): End[] {
  return Array.from({ length: count }, (_, n) => ['timeout', fromMs + n * everyMs - tookMs, fromMs + n * everyMs]);
}

function tell(circuit: Circuit, all: readonly End[]): void {
  for (const [reason, startedMs, endedMs] of all) {
    circuit.ended(reason === 'answered' ? undefined : reason, startedMs, endedMs);
  }
}

describe('whether it opens', () => {
  test.each<[sentence: string, all: readonly End[], opened: number]>([
    ['nine refusals in a row do not open it', ends('connect-refused', 9, 0, 1000), 0],
    ['ten do', ends('connect-refused', 10, 0, 1000), 1],
    ['hundreds within less than a second do not: a restart', ends('connect-refused', 900, 0, 1), 0],
    [
      'nor where the target had been idle before',
      [...ends('answered', 1, 0, 1), ...ends('connect-refused', 900, 9e6, 1)],
      0,
    ],
    ['they do when the second is over', ends('connect-refused', 1001, 0, 1), 1],
    ['it opens once', ends('connect-refused', 5000, 0, 1), 1],
    ['ten time-outs at once of requests that hung for five seconds do', hung(10, 5000, 0, 5000), 1],
    [
      'not where another was answered less than a second before',
      [['answered', 4000, 4500], ...hung(99, 5000, 0, 5000)],
      0,
    ],
    [
      'a target whose every tenth request times out stays closed',
      Array.from({ length: 1000 }, (_, n): End => [n % 10 === 9 ? 'timeout' : 'answered', n * 100, n * 100 + 5000]),
      0,
    ],
    [
      'nine of ten, too',
      Array.from({ length: 1000 }, (_, n): End => [n % 10 === 9 ? 'answered' : 'timeout', n * 100, n * 100 + 5000]),
      0,
    ],
    ...(['connect-timeout', 'unresolvable', 'unreachable', 'tls', 'timeout'] as const).map(
      (reason): [string, readonly End[], number] => [`ten of ${reason} open it`, ends(reason, 10, 0, 1000), 1],
    ),
    ...(['reset', 'closed-early', 'bad-answer', 'no-local-resource', 'closed', 'other'] as const).map(
      (reason): [string, readonly End[], number] => [
        `any number of ${reason} do not: they come from somebody, or from us`,
        ends(reason, 100, 0, 1000),
        0,
      ],
    ),
    [
      'other failures between the ten are no answers',
      [...ends('timeout', 5, 0, 1000), ...ends('reset', 5, 5000, 1000), ...ends('timeout', 5, 10_000, 1000)],
      1,
    ],
    [
      'an answer between them starts the row anew',
      [...ends('timeout', 9, 0, 1000), ['answered', 0, 9500], ...ends('timeout', 9, 10_000, 1000)],
      0,
    ],
  ])('%s', (_, all, opened) => {
    const circuit = new Circuit(true, () => {});
    tell(circuit, all);
    expect(circuit.counts).toEqual({ isOpen: opened > 0, opened });
    const unused = new Circuit(false, () => expect.unreachable());
    tell(unused, all);
    expect(unused.counts).toEqual({ isOpen: false, opened: 0 });
    expect(unused.mayTry(0, 100)).toBe(true);
  });

  test('each change is told once, with the last reason and the time that it was open', () => {
    const told: CircuitState[] = [];
    const circuit = new Circuit(true, (state) => told.push(state));
    tell(circuit, [...ends('timeout', 9, 0, 1000), ['tls', 9000, 9500], ...ends('timeout', 9, 9500, 10)]);
    tell(circuit, [...ends('answered', 3, 12_000, 250)]);
    expect(told).toEqual([
      { isOpen: true, reason: 'tls' },
      { isOpen: false, openMs: 2750 },
    ]);
  });
});

test('over random ends and times: never open below the threshold, one probe a second while open, the first answer closes', () => {
  const seed = seedOfThisRun();
  const random = createRandom(seed);
  const note = `seed ${seed}`;
  let opened = 0;
  for (let run = 0; run < 300; run++) {
    const circuit = new Circuit(true, () => {});
    const patience = random.pick([10, 200, 1000, 5000]);
    const vainness = random.pick([0.5, 0.9, 0.97, 1]);
    const flying: { readonly startedMs: number; readonly endMs: number }[] = [];
    let row = 0;
    let answeredMs = Number.NEGATIVE_INFINITY;
    let openedMs = 0;
    let probedMs = Number.NEGATIVE_INFINITY;
    let waiting = 0;
    let nowMs = 0;
    for (let step = 0; step < 400; step++) {
      nowMs += random.next() * random.pick([1, 20, 400]);
      if (random.chance(0.5)) {
        const { isOpen } = circuit.counts;
        const mayTry = circuit.mayTry(nowMs, waiting);
        if (!isOpen) expect(mayTry, note).toBe(true);
        if (mayTry) waiting += 1;
        if (isOpen) expect(waiting, note).toBeLessThanOrEqual(1);
      }
      if (waiting > 0 && random.chance(0.8)) {
        waiting -= 1;
        if (circuit.counts.isOpen) {
          expect(nowMs - Math.max(probedMs, openedMs), note).toBeGreaterThanOrEqual(1000);
          probedMs = nowMs;
        }
        circuit.tried(nowMs);
        flying.push({ startedMs: nowMs, endMs: nowMs + random.next() * patience });
      }
      for (const flight of flying.splice(0)) {
        if (flight.endMs > nowMs) {
          flying.push(flight);
          continue;
        }
        const wasOpen = circuit.counts.isOpen;
        const isVain = random.chance(vainness);
        row = isVain ? row + 1 : 0;
        const hasOpened = circuit.ended(isVain ? 'timeout' : undefined, flight.startedMs, nowMs);
        expect(circuit.counts.isOpen, note).toBe(isVain && (wasOpen || hasOpened));
        if (hasOpened) {
          expect(row, note).toBeGreaterThanOrEqual(10);
          expect(nowMs - answeredMs, note).toBeGreaterThanOrEqual(1000);
          opened += 1;
          openedMs = nowMs;
          waiting = 0;
        }
        if (!isVain) answeredMs = nowMs;
      }
    }
  }
  expect(opened, note).toBeGreaterThan(20);
});

interface CircuitStage extends Stage {
  readonly changes: CircuitChange[];
}

function stage(options: Partial<ReplayerOptions> = {}, target?: string): CircuitStage {
  const changes: CircuitChange[] = [];
  return { ...openStage({ onCircuit: (change) => changes.push(change), ...options }, target), changes };
}

/** `perSecond` for so many ms, each on one of `connections` captured connections. */
async function load(made: Stage, ms: number, perSecond: number, connections = 1e9): Promise<void> {
  const before = counts(made).received;
  for (let n = 0; n < (ms / 1000) * perSecond; n++) {
    made.replayer.send(aRequest({ connection: (before + n) % connections, target: `/${before + n}` }));
    await made.clock.advance(1000 / perSecond);
  }
}

/** Times at which the target was tried, from one on. */
function triedFrom(made: Stage, fromMs: number): number[] {
  return made.forwarder.given.map(({ atMs }) => atMs).filter((atMs) => atMs >= fromMs);
}

describe('a target', () => {
  test('that hangs is probed once a second; what waited when that began, and comes meanwhile, is skipped', async () => {
    const made = stage({ timeoutMs: 2000, connections: 32 });
    await load(made, 10_000, 100);
    expect(made.changes).toEqual([{ target: 'http://a', isOpen: true, reason: 'timeout' }]);
    expect(counts(made).circuit).toEqual({ isOpen: true, opened: 1 });
    const openedMs = made.outcomes.find(({ failure }) => failure === 'circuit-open')!.endedMs;
    const probes = triedFrom(made, openedMs + 1);
    for (let at = 1; at < probes.length; at++) expect(probes[at]! - probes[at - 1]!).toBeGreaterThanOrEqual(1000);
    expect(probes.length).toBeGreaterThanOrEqual(Math.floor((10_000 - openedMs) / 1000) - 1);
    expect(counts(made).skipped['circuit-open']).toBeGreaterThan(600);
  });

  test('that comes back gets everything again with its first answer, and nothing stale', async () => {
    const made = stage({ timeoutMs: 2000, connections: 32 });
    await load(made, 6000, 100);
    made.forwarder.answerAfterMs = 10;
    const backMs = made.clock.nowMs();
    await load(made, 3000, 100);
    expect(made.changes).toMatchObject([{ isOpen: true }, { isOpen: false }]);
    const answered = made.outcomes.filter(({ result }) => result === 'answered');
    expect(answered[0]!.endedMs).toBeLessThanOrEqual(backMs + 1100);
    expect(answered.length).toBeGreaterThanOrEqual(189);
    for (const { dueMs, sentMs } of answered) expect(sentMs).toBe(dueMs);
    expect(counts(made)).toMatchObject({ circuit: { isOpen: false, opened: 1 } });
  });

  test('whose every tenth request times out is never spared', async () => {
    const made = stage({ timeoutMs: 500 });
    for (let n = 0; n < 2000; n++) {
      made.forwarder.answerAfterMs = n % 10 === 0 ? undefined : 300;
      await load(made, 10, 100);
    }
    await made.clock.advance(1000);
    expect(counts(made)).toMatchObject({ answered: 1800, failed: { timeout: 200 }, skipped: {} });
  });

  test('that begins to answer and never ends is there', async () => {
    const made = stage({ timeoutMs: 1000, connections: 1000 });
    for (let n = 0; n < 300; n++) {
      await load(made, 10, 100);
      made.forwarder.given.at(-1)!.listener.onStatus(200);
    }
    await made.clock.advance(2000);
    expect(counts(made)).toMatchObject({ failed: { timeout: 300 }, skipped: {}, circuit: { opened: 0 } });
  });

  test('without the circuit is tried as often as ever', async () => {
    const made = stage({ timeoutMs: 2000, connections: 32, circuit: false });
    await load(made, 10_000, 100);
    expect(counts(made)).toMatchObject({ skipped: {}, circuit: { isOpen: false, opened: 0 } });
    expect(made.changes).toEqual([]);
  });

  test('with a limit of one in two seconds: a probe takes its token, and waits for it within the buffer', async () => {
    const made = stage({ timeoutMs: 1000 }, 'http://a|0.5');
    await load(made, 60_000, 20);
    const tried = triedFrom(made, 0);
    for (let at = 1; at < tried.length; at++) expect(tried[at]! - tried[at - 1]!).toBeGreaterThanOrEqual(2000);
    expect(counts(made).circuit.isOpen).toBe(true);
    expect(tried.length).toBeGreaterThanOrEqual(25);
    made.forwarder.answerAfterMs = 1;
    await load(made, 4000, 20);
    expect(counts(made).circuit.isOpen).toBe(false);
  });

  test('with one captured connection: a probe waits for its predecessor as ever, and none is tried beside it', async () => {
    const made = stage({ timeoutMs: 5000, orderWaitMs: 500 });
    await load(made, 30_000, 50, 1);
    expect(counts(made).circuit.opened).toBe(1);
    const openedMs = made.outcomes.find(({ failure }) => failure === 'circuit-open')!.endedMs;
    const probes = triedFrom(made, openedMs + 1);
    expect(probes.length).toBeGreaterThan(10);
    for (let at = 1; at < probes.length; at++) expect(probes[at]! - probes[at - 1]!).toBeGreaterThanOrEqual(1000);
    const numbers = made.forwarder.order.map((target) => Number(target.slice(1)));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  });

  test('where a callback sends while what waits is skipped, that one is counted, too', async () => {
    let sent = 0;
    const made = stage({
      timeoutMs: 1000,
      connections: 16,
      onOutcome: (outcome) => {
        made.outcomes.push(outcome);
        if (outcome.failure === 'circuit-open' && sent++ < 5)
          made.replayer.send(aRequest({ connection: `again ${sent}` }));
      },
    });
    await load(made, 2500, 100);
    expect(sent).toBeGreaterThan(5);
    expect(counts(made).circuit.opened).toBe(1);
  });
});

test('three targets, one of which hangs: the others get everything at its time', async () => {
  const clock = new VirtualClock();
  const forwarders = new Map<string, ScriptedForwarder>();
  const lateMs: number[] = [];
  const replayer = createReplayer({
    targets: ['http://hangs', 'http://works', 'http://works-too'],
    clock,
    forwarder: ({ url }) => {
      const forwarder = new ScriptedForwarder(clock);
      if (url !== 'http://hangs') forwarder.answerAfterMs = 20;
      forwarders.set(url, forwarder);
      return forwarder;
    },
    onOutcome: ({ target, dueMs, sentMs = Number.NaN }) => target !== 'http://hangs' && lateMs.push(sentMs - dueMs),
  });
  for (let n = 0; n < 5000; n++) {
    replayer.send(aRequest({ connection: n, target: `/${n}` }));
    await clock.advance(2);
  }
  await clock.advance(6000);
  const works = { received: 5000, answered: 5000, circuit: { isOpen: false, opened: 0 } };
  const { targets } = replayer.ledger();
  expect(targets).toMatchObject([{ answered: 0, circuit: { isOpen: true, opened: 1 } }, works, works]);
  for (const target of targets) expectBalance(target);
  expect(new Set(lateMs)).toEqual(new Set([0]));
  expect(forwarders.get('http://hangs')!.mostInFlight).toBeLessThanOrEqual(512);
  await replayer.close();
});

test('a probe waits for nobody: one a second also where one connection carries everything, and each hangs', async () => {
  const made = stage({ timeoutMs: 3000 });
  await load(made, 40_000, 20, 1);
  const openedMs = made.outcomes.find(({ failure }) => failure === 'circuit-open')?.endedMs ?? Number.POSITIVE_INFINITY;
  expect(openedMs).toBeLessThan(25_000);
  const probes = made.forwarder.given.map(({ atMs }) => atMs).filter((atMs) => atMs > openedMs);
  expect(probes.length).toBeGreaterThan(10);
  for (const [nth, atMs] of probes.slice(1).entries()) {
    expect(atMs - probes[nth]!).toBeGreaterThanOrEqual(1000);
    expect(atMs - probes[nth]!).toBeLessThan(1100);
  }
  await made.clock.advance(4000);
});
