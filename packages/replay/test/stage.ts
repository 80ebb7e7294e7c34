// A replayer with one target under a virtual clock, with a scripted forwarder; what it leaves when its test is over is checked.

import { afterEach, expect } from 'vitest';
import { VirtualClock } from '../../../test/kit/virtual-clock.ts';
import { createReplayer, type Outcome, type Replayer, type ReplayerOptions, type TargetLedger } from '../src/index.ts';
import { expectBalance } from './a-request.ts';
import { ScriptedForwarder } from './scripted-forwarder.ts';

export interface Stage {
  readonly clock: VirtualClock;
  readonly forwarder: ScriptedForwarder;
  readonly replayer: Replayer;
  readonly outcomes: Outcome[];
}

const open: Stage[] = [];

/** Closed after the test that made it. */
export function stage(options: Partial<ReplayerOptions> = {}, target = 'http://a'): Stage {
  const clock = new VirtualClock();
  const forwarder = new ScriptedForwarder(clock);
  const outcomes: Outcome[] = [];
  const replayer = createReplayer({
    targets: [target],
    clock,
    forwarder: () => forwarder,
    leaseSource: () => ({ lease: (tokens) => Promise.resolve(tokens), close: () => Promise.resolve() }),
    onOutcome: (outcome) => {
      outcomes.push(outcome);
      // At every moment, also in the middle of whatever ended this request.
      expectBalance(replayer.ledger().targets[0]!);
    },
    ...options,
  });
  const made = { clock, forwarder, replayer, outcomes };
  open.push(made);
  return made;
}

export function counts({ replayer }: Pick<Stage, 'replayer'>): TargetLedger {
  return replayer.ledger().targets[0]!;
}

afterEach(async () => {
  for (const made of open.splice(0)) {
    expectBalance(counts(made));
    await made.replayer.close();
    expectBalance(counts(made));
    expect(counts(made)).toMatchObject({ waiting: 0, inFlight: 0, waitingBytes: 0 });
    expect(made.outcomes).toHaveLength(counts(made).received);
    expect(made.clock.pendingTimers).toBe(0);
  }
});
