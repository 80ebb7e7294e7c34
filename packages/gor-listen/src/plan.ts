// The plan that the program prints at start: what is watched, where it goes, every limit and default in force.
import { formatBytes, formatHostPort } from '@gor/cli';
import type { ListenConfig } from './options.ts';

/** Lines for people, without line ends. */
export function planLines(config: ListenConfig): string[] {
  return [
    `  watches     ${sourceText(config)}`,
    `  takes       ${portsText(config)}, ${directionText(config)}`,
    `  sends to    ${config.replay === undefined ? 'nobody' : formatHostPort(config.replay.host, config.replay.port)}`,
    `  longest     body ${formatBytes(config.maxBodyBytes)}; longer requests are counted and left out`,
  ];
}

function sourceText({ source, filter, ports }: ListenConfig): string {
  if (source.kind === 'file') {
    const speed =
      source.speed === Number.POSITIVE_INFINITY
        ? 'as fast as it can be read'
        : `at ${source.speed} times its recorded speed`;
    return `capture file ${source.path === '-' ? 'from stdin' : source.path}, ${speed}`;
  }
  const what = filter ?? (ports === 'any' ? 'all TCP packets' : 'TCP packets of these ports');
  return `interface ${source.interfaces.join(', ')}: ${what}; engine ${source.engine}, kernel buffer ${formatBytes(source.bufferBytes)}`;
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
