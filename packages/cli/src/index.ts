// What the gor programs share. Knows no HTTP and no capture.
export { type CommonOptions, commonFlags, readCommonOptions } from './common-flags.ts';
export { flagsFromEnvironment, parseSwitch, variableOf } from './environment.ts';
export { exitCodes } from './exit-codes.ts';
export { type Flag, type FlagValues, type Program, readFlags } from './flags.ts';
export { readKeys } from './key-file.ts';
export { nearest } from './nearest-flag.ts';
export { isLoopback, isOneMachine, parseNetworks } from './networks.ts';
export { ledgerLines } from './print-ledger.ts';
export { parseUser, type User } from './privileges.ts';
export { PrivilegesError, type PrivilegesErrorCode } from './privileges-error.ts';
export { type Privileges, privilegesOf } from './privileges-of-process.ts';
export { ProgramOutput, type Verbosity } from './program-output.ts';
export {
  formatBytes,
  formatCount,
  formatDuration,
  formatHostPort,
  formatPercent,
  type HostPort,
  parseBytes,
  parseCount,
  parseDurationMs,
  parseHostPort,
  parseList,
  parsePort,
} from './quantity.ts';
export { type ProgramDefinition, type RunContext, runProgram } from './run-program.ts';
export { drainOnSignals, type Signals, untilAborted } from './signals.ts';
export { type LineOutput, StatsLine } from './stats-line.ts';
export { terminalText } from './terminal-text.ts';
export { UsageError } from './usage-error.ts';
