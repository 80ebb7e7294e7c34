// The plan that the program prints at start: what is watched, where it goes, every limit and default in force.
import { tcpDefaults } from '@gor/capture';
import { formatBytes, formatCount, formatDuration, formatHostPort, formatPercent } from '@gor/cli';
import { budgetDefaults, parserDefaults } from '@gor/http';
import { senderDefaults, wireKey } from '@gor/wire';
import type { ListenConfig } from './options.ts';

/** Lines for people, without line ends; `rightsText` says what becomes of root, where the program has it. */
export function planLines(config: ListenConfig, rightsText?: string): string[] {
  return [
    `  watches     ${sourceText(config)}`,
    `  takes       ${portsText(config)}, ${directionText(config)}; none that Gor itself replayed`,
    `  sends to    ${replayText(config)}`,
    `  requests    head up to ${formatBytes(parserDefaults.maxHeadBytes)}, body up to ${formatBytes(config.maxBodyBytes)}; longer ones are counted and left out`,
    `  holds       unfinished requests ${formatBytes(budgetDefaults.limitBytes)}, data behind lost packets ${formatBytes(tcpDefaults.maxHeldBytes)}, connections ${formatCount(tcpDefaults.maxConnections)}, each until ${formatDuration(tcpDefaults.idleTimeoutMs)} of silence`,
    ...(config.source.kind === 'live' ? [`  sheds       ${shedText(config)}`] : []),
    ...(rightsText === undefined ? [] : [`  rights      ${rightsText}`]),
  ];
}

function sourceText({ source, filter, ports }: ListenConfig): string {
  if (source.kind === 'file') {
    const isUnpaced = source.speed === Number.POSITIVE_INFINITY;
    const speed = isUnpaced ? 'as fast as it can be read' : `at ${source.speed} times its recorded speed`;
    return `capture file ${source.path === '-' ? 'from stdin' : source.path}, ${speed}`;
  }
  const what = filter ?? (ports === 'any' ? 'all TCP packets' : 'TCP packets of these ports');
  const promiscuous = source.isPromiscuous ? ', promiscuous' : '';
  return `interface ${source.interfaces.join(', ')}${promiscuous}: ${what}; engine ${source.engine}, kernel buffer ${formatBytes(source.bufferBytes)}`;
}

function portsText({ ports }: ListenConfig): string {
  return ports === 'any' ? 'HTTP requests to any port' : `HTTP requests to port ${ports.join(', ')}`;
}

function directionText({ direction }: ListenConfig): string {
  const texts = {
    in: 'those that come in',
    out: 'those that go out',
    both: 'those that come in and those that go out',
  };
  return texts[direction];
}

function shedText({ shedsLoad, maxCpuShare }: ListenConfig): string {
  if (shedsLoad === false) return 'nothing';
  const bound = maxCpuShare === undefined ? '' : `, or takes more than ${formatPercent(maxCpuShare)} of one core`;
  return `whole connections, counted, while it cannot keep up${bound}`;
}

function replayText({ replay, key, maxDatagramBytes, resendBytes }: ListenConfig): string {
  if (replay === undefined) return 'nobody';
  const servers = replay.map(({ host, port }) => formatHostPort(host, port)).join(', ');
  const spread = replay.length === 1 ? '' : ', each connection to one of them; to each';
  const sealed =
    key === undefined ? 'readable for whoever listens on the way' : `sealed with the key ${keyIdText(key)}`;
  const longest = formatCount(maxDatagramBytes ?? senderDefaults.maxDatagramBytes);
  const keptBytes = resendBytes ?? senderDefaults.resendBytes;
  const kept = keptBytes === 0 ? 'nothing sent again' : `up to ${formatBytes(keptBytes)} kept to be sent again`;
  return `${servers}${spread}, ${sealed}; datagrams of ${longest} B, up to ${formatBytes(senderDefaults.queueBytes)} waiting, ${kept}`;
}

/** The id by which datagrams name the key, which tells nothing of the key itself. */
function keyIdText(key: Uint8Array): string {
  return wireKey(key).id.toString(16).padStart(4, '0');
}
