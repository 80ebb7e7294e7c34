// The public names of @gor/replay.

export type { CircuitChange, CircuitState, VainReason } from './circuit.ts';
export { type Clock, systemClock } from './clock.ts';
export type { Destination, Forwarder, ForwardHandle, ForwardListener } from './forwarder.ts';
export type { LeaseSizes, LeaseSource, SharedLimitLedger } from './lease-stock.ts';
export { replayerDefaults } from './options.ts';
export type { Outcome } from './outcomes.ts';
export { comparableHeaders, type OutgoingChange, outgoingChanges } from './outgoing-changes.ts';
export { markName, markValue } from './outgoing-settings.ts';
export type { FailedReason, LimitedReason, SkippedReason } from './reasons.ts';
export type { RhythmLedger } from './recorded-schedule.ts';
export { openSharedLimit, type RedisClient, type RedisClientSettings, type SharedLimitOptions } from './redis-link.ts';
export { ReplayError, type ReplayErrorCode } from './replay-error.ts';
export { type RequestParts, replayRequest } from './replay-request.ts';
export { createReplayer, type Replayer, type ReplayLedger } from './replayer.ts';
export type { ReplayerOptions } from './replayer-options.ts';
export type { ReplayRequest } from './request.ts';
export type { SessionSocketCounts } from './session-socket-counts.ts';
export type { SharedLimit, SharedLimitEvent } from './shared-limit.ts';
export type { ReasonCounts, TargetLedger } from './tally.ts';
export {
  formatLimit,
  parseTargetSpec,
  parseTargets,
  type RateLimit,
  type ShareLimit,
  type TargetSpec,
  type TargetSpecProblem,
  type TargetSpecReason,
} from './target-spec.ts';
