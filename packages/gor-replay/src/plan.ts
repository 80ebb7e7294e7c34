// The plan that the program prints at start: where it listens, where requests go, every limit and default in force.
import { formatDuration, formatHostPort } from '@gor/cli';
import { formatLimit, type TargetSpec } from '@gor/replay';
import type { ReplayConfig } from './options.ts';

/** Lines for people, without line ends. */
export function planLines(config: ReplayConfig): string[] {
  const host = config.originalHost ? 'the captured one' : "the target's";
  const mark = config.mark ? 'Gor-Replayed: 1 is added' : 'no mark is added';
  const order = config.keepOrder ? 'kept on each captured connection' : 'not kept';
  return [
    `  listens on  udp ${formatHostPort(config.host, config.port)}`,
    ...config.targets.map((target) => `  forwards to ${target.url}, ${limitText(target)}`),
    `  waiting     up to ${formatDuration(config.bufferMs)} over the limit, ${formatDuration(config.timeoutMs)} for an answer, ${config.connections} requests in flight for each target`,
    `  requests    Host is ${host}; ${mark}; order is ${order}`,
    ...(config.resultsFile === undefined ? [] : [`  results     ${config.resultsFile}, one line a request`]),
    ...(config.insecure ? ['  insecure    certificates of https targets are not verified'] : []),
  ];
}

function limitText({ limit }: TargetSpec): string {
  if (limit === undefined) return 'no limit';
  return limit.kind === 'share' ? `${formatLimit(limit)} of the connections` : `at most ${formatLimit(limit)} a second`;
}
