// What a target needs of the replayer: its resolved options, and what was made of them for this target.

import type { CircuitState } from './circuit.ts';
import type { Clock } from './clock.ts';
import type { Forwarder } from './forwarder.ts';
import type { LeaseSource } from './lease-stock.ts';
import type { Outcome } from './outcomes.ts';
import type { TargetSpec } from './target-spec.ts';

/** What a target needs of the replayer's resolved options. */
export interface TargetOptions {
  readonly spec: TargetSpec;
  readonly bufferMs: number;
  readonly maxWaitingRequests: number;
  readonly maxWaitingBytes: number;
  readonly timeoutMs: number;
  readonly connections: number;
  readonly keepOrder: boolean;
  readonly orderWaitMs: number;
  readonly circuit: boolean;
  readonly sessions: boolean;
  readonly clock: Clock;
  readonly forwarder: Forwarder;
  /** Given where the spec has a rate. */
  readonly leaseSource: LeaseSource | undefined;
  /** Told of each end; must not throw. */
  readonly onOutcome: (outcome: Outcome) => void;
  /** Told when the circuit opens or closes; must not throw. */
  readonly onCircuit: (state: CircuitState) => void;
  /** Called whenever the last waiting request is over. */
  readonly onIdle: () => void;
}
