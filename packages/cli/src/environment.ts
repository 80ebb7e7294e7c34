// Flags out of environment variables: GOR_LISTEN_MAX_BODY=1mb is --max-body 1mb. The command line goes first.
import { nearest } from './nearest-flag.ts';
import { UsageError } from './usage-error.ts';

/** The values of the flags that the environment sets, by flag name. An unknown variable with the prefix throws UsageError. */
export function flagsFromEnvironment(
  prefix: string,
  flagNames: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Map<string, string> {
  const nameOf = new Map(flagNames.map((name) => [variableOf(prefix, name), name]));
  const values = new Map<string, string>();
  for (const [variable, value] of Object.entries(environment)) {
    if (value === undefined || !variable.startsWith(`${prefix}_`) || isServiceLink(variable, value)) continue;
    const name = nameOf.get(variable);
    if (name === undefined) throw new UsageError(unknownVariable(variable, [...nameOf.keys()]));
    values.set(name, value);
  }
  return values;
}

/** The variable's value as a switch: 1, true, yes or on; 0, false, no, off or nothing. Else UsageError. */
export function parseSwitch(variable: string, text: string): boolean {
  if (/^(1|true|yes|on)$/i.test(text)) return true;
  if (/^(0|false|no|off|)$/i.test(text)) return false;
  throw new UsageError(`${variable}: "${text}" is neither 1 nor 0`);
}

/** The variable that sets a flag: `GOR_LISTEN` and `max-body` give `GOR_LISTEN_MAX_BODY`. */
export function variableOf(prefix: string, flagName: string): string {
  return `${prefix}_${flagName.toUpperCase().replaceAll('-', '_')}`;
}

/** Kubernetes tells every pod of a Service named gor-replay by GOR_REPLAY_SERVICE_HOST, GOR_REPLAY_PORT=tcp://… and others. */
function isServiceLink(variable: string, value: string): boolean {
  return (
    /^(tcp|udp|sctp):\/\//.test(value) || /_(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)$/.test(variable)
  );
}

function unknownVariable(variable: string, known: readonly string[]): string {
  const guess = nearest(variable, known);
  return `environment variable ${variable} is no flag of this program${guess === undefined ? '' : `; did you mean ${guess}?`}`;
}
