// The plan that the program prints at start: where it listens, where requests go, every limit and default in force.
import { formatBytes, formatCount, formatDuration, formatHostPort } from '@gor/cli';
import { formatLimit, replayerDefaults, type TargetSpec } from '@gor/replay';
import { keyIdText } from './key-changes.ts';
import type { ReplayConfig } from './options.ts';
import { redisText } from './shared-limit.ts';

/** Lines for people, without line ends. */
export function planLines(config: ReplayConfig): string[] {
  const host = config.originalHost ? 'the captured one' : "the target's";
  const mark = config.mark ? 'Gor-Replayed: 1 is added' : 'no mark is added';
  const { maxWaitingRequests, maxWaitingBytes } = replayerDefaults;
  const { orderWaitMs = replayerDefaults.orderWaitMs, delayMs } = config;
  const sender = config.forwarder === 'exact' ? 'sent as captured' : 'sent by undici, which rewrites them';
  const order = config.keepOrder
    ? `kept on each captured connection, for up to ${formatDuration(orderWaitMs)}`
    : 'not kept';
  return [
    `  listens on  udp ${formatHostPort(config.host, config.port)}, ${sendersText(config)}`,
    ...config.targets.map((target) => `  forwards to ${target.url}, ${limitText(target)}`),
    `  each target up to ${formatCount(config.connections)} requests in flight, ${formatDuration(config.timeoutMs)} for an answer; over the limit up to ${formatDuration(config.bufferMs)}, ${formatCount(maxWaitingRequests)} requests and ${formatBytes(maxWaitingBytes)} waiting${config.circuit ? '; one request a second while it does not answer' : ''}`,
    `  requests    ${sender}; Host is ${host}; ${mark}; order is ${order}`,
    ...(delayMs === undefined ? [] : [`  rhythm      as recorded, ${formatDuration(delayMs)} behind`]),
    ...sharedLines(config),
    ...(config.sessions === true ? [sessionsLine()] : []),
    ...(config.resultsFile === undefined ? [] : [`  results     ${config.resultsFile}`]),
    ...(config.bufferMs > config.timeoutMs
      ? [`  mind        --timeout counts from when a request is due: of what waits longer than it nothing is sent`]
      : []),
    ...(config.insecure ? ['  insecure    certificates of https targets are not verified'] : []),
  ];
}

function sessionsLine(): string {
  const most = formatCount(replayerDefaults.maxSessionSockets);
  return `  sessions    each captured connection has one of its own to each target, up to ${most} open; Connection goes as captured`;
}

function sendersText({ from, keys }: ReplayConfig): string {
  const who = from === undefined ? 'for whoever reaches it' : `for ${from.join(', ')} only`;
  if (keys === undefined) return `${who}, readable on the way`;
  const ids = keys.map(keyIdText).join(' or ');
  return from === undefined ? `for who has the key ${ids}` : `${who}, and who has the key ${ids}`;
}

function sharedLines({ sharedLimit, targets }: ReplayConfig): string[] {
  if (sharedLimit === undefined) return [];
  const isLimited = targets.some(({ limit }) => limit?.kind === 'per-second');
  const where = `with all servers at ${redisText(sharedLimit)} that have the same target and limit`;
  return [`  limits      shared ${isLimited ? where : 'with nobody: no target has a limit a second'}`];
}

function limitText({ limit }: TargetSpec): string {
  if (limit === undefined) return 'no limit';
  return limit.kind === 'share' ? `${formatLimit(limit)} of the connections` : `at most ${formatLimit(limit)} a second`;
}
