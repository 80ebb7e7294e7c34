// The program gor-listen: flags to configuration, one call of listen(), and what it says to people.
import { createRequire } from 'node:module';
import {
  exitCodes,
  formatCount,
  formatPercent,
  type ProgramDefinition,
  privilegesOf,
  type RunContext,
  readKeys,
  runProgram,
} from '@gor/cli';
import { type ListenEvent, listen } from './listen.ts';
import type { ListenLedger } from './listen-ledger.ts';
import { requestJson, requestLine, responseJson, responseLine } from './message-text.ts';
import {
  configureListen,
  type ListenConfig,
  type ListenKeyFile,
  type ListenOutput,
  type ListenRights,
  listenFlags,
} from './options.ts';
import { planLines } from './plan.ts';
import type { ReplayServerEvent } from './request-sink.ts';
import { lossOfAllText, readableText, serverLine } from './server-lines.ts';
import type { ShedNotice } from './shed-notices.ts';

const { version }: { version: string } = createRequire(import.meta.url)('../package.json');

type ProgramConfig = ListenConfig & ListenOutput & ListenRights & ListenKeyFile;

/** The program under its name: `gor-listen`, or `gor listen`. */
export function listenProgram(name: string): ProgramDefinition<ProgramConfig> {
  return {
    name,
    version,
    summary: 'Reads HTTP requests off the network and sends them to a replay server.',
    environmentPrefix: 'GOR_LISTEN',
    flags: listenFlags,
    examples: [
      [`${name} -p 80 -r replay.server.local:28020`, 'capture port 80, send to a replay server'],
      [`${name} -p 80 --print`, 'show the requests on port 80, send nothing'],
      [`${name} -p 80 -r a.local,b.local --key-file gor.key`, 'sealed, connections spread over two replay servers'],
      [`${name} --pcap day.pcap -r localhost --speed 10`, 'play a capture ten times as fast'],
    ],
    configure: configureListen,
    run,
    exitCodeOf: {
      'no-engine': exitCodes.noEngine,
      'no-permission': exitCodes.noPermission,
      'bad-filter': exitCodes.usage,
    },
  };
}

/** Runs gor-listen with these arguments; gives its exit code. */
export function main(argv: readonly string[], name = 'gor-listen'): Promise<number> {
  return runProgram(listenProgram(name), argv);
}

async function run(given: ProgramConfig, context: RunContext): Promise<{ ledger: ListenLedger; failure?: Error }> {
  const { output, signal, showStats } = context;
  const config = withKey(given);
  const format = config.show === 'json' ? requestJson : requestLine;
  const formatResponse = config.show === 'json' ? responseJson : responseLine;
  const privileges = privilegesOf(process, config.user);
  for (const line of planLines(config, privileges.planText)) output.sayPlain(line);
  let failure: Error | undefined;
  const ledger = await listen(config, {
    signal,
    onOpen: () => {
      const change = privileges.giveUp();
      if (change !== undefined) output.say(change);
    },
    onEvent: (event) => {
      if (event.type === 'ready') showStats(() => statsLine(event.ledger()));
      if (event.type === 'failed') failure = event.error;
      else tell(event, config, output);
    },
    onRequest: (captured) => {
      if (config.show !== undefined) return output.data(format(captured));
      if (output.isVerbose) output.detail(requestLine(captured));
      return true;
    },
    ...(config.showResponses ? { onResponse: (captured) => output.data(formatResponse(captured)) } : {}),
    pause: () => output.dataTaken(),
  });
  return failure === undefined ? { ledger } : { ledger, failure };
}

/** The key is read at once, while the program may have rights that it gives up later. */
function withKey(config: ProgramConfig): ProgramConfig {
  if (config.keyFile === undefined || config.replay === undefined) return config;
  return { ...config, key: readKeys('--key-file', config.keyFile)[0] };
}

function tell(
  event: Exclude<ListenEvent, { type: 'failed' }>,
  config: ListenConfig,
  output: RunContext['output'],
): void {
  switch (event.type) {
    case 'ready':
      return tellReady(event, config, output);
    case 'replay-server':
      return tellServer(event.news, config, output);
    case 'interface-down':
      return output.warn(`the interface ${event.interfaceName} is down: its packets are taken again when it is up`);
    case 'interface-up':
      return output.warn(`the interface ${event.interfaceName} is up again`);
    case 'shedding':
      return output.warn(sheddingText(event, config));
    case 'other-protocol':
      return output.warn(otherProtocolText(event));
    case 'no-frames':
      return output.warn(
        `no packet in ${event.afterMs / 1000} s: is this the interface and port that requests come to?`,
      );
  }
}

function tellReady(
  { source, replayServers }: Extract<ListenEvent, { type: 'ready' }>,
  config: ListenConfig,
  output: RunContext['output'],
): void {
  const readable = readableText(config, replayServers);
  if (readable !== undefined) output.warn(readable);
  if (config.direction !== 'both' && !source.tellsDirection) {
    output.warn(`${source.name} may not tell which requests come in and which go out: then both are taken`);
  }
  if (source.note !== undefined) output.say(source.note);
  output.say(`ready: watching ${source.name} with the engine ${source.engine}`);
}

function tellServer(news: ReplayServerEvent, config: ListenConfig, output: RunContext['output']): void {
  const { text, isWarning } = serverLine(news, config);
  if (isWarning) output.warn(text);
  else output.say(text);
}

const protocolNames: Readonly<Record<string, string>> = {
  amqp: 'AMQP',
  fastcgi: 'FastCGI',
  http2: 'HTTP/2',
  imap: 'IMAP',
  mongodb: 'MongoDB',
  mqtt: 'MQTT',
  mysql: 'MySQL',
  postgresql: 'PostgreSQL',
  redis: 'Redis',
  rtsp: 'RTSP',
  sip: 'SIP',
  smtp: 'SMTP',
  ssh: 'SSH',
  tls: 'TLS',
  'http-request': 'requests where responses should be',
  'http-response': 'responses where requests should be',
  unknown: 'what does not begin like HTTP/1.x',
};

function sheddingText({ share, cause }: ShedNotice, { maxCpuShare = 1 }: ListenConfig): string {
  if (share === 0) return 'takes every connection again';
  const what = `leaves out ${formatPercent(share)} of the connections`;
  switch (cause?.sign) {
    case 'buffer':
      return `${what}: the kernel's buffer is ${formatPercent(cause.fill)} full`;
    case 'late':
      return `${what}: the event loop is ${Math.round(cause.lateMs)} ms late`;
    case 'cpu':
      return `${what}: it took ${formatPercent(cause.cpuShare)} of a core, with --max-cpu ${formatPercent(maxCpuShare)}`;
    default:
      return `${what}: there is room again for some`;
  }
}

function otherProtocolText({ port, protocol, connections }: Extract<ListenEvent, { type: 'other-protocol' }>): string {
  const carry = connections === 1 ? '1 connection carries' : `${formatCount(connections)} connections carry`;
  return `port ${port}: ${carry} ${protocolNames[protocol] ?? protocol}, which cannot be read`;
}

function statsLine(ledger: ListenLedger): string {
  let dropped = 0;
  for (const reason in ledger.dropped) dropped += ledger.dropped[reason]!;
  const kernel =
    ledger.frames.kernelDrops === null
      ? ''
      : `, ${formatCount(ledger.frames.kernelDrops)} packets dropped by the kernel`;
  const { share, segments } = ledger.shedding;
  const shed = segments === 0 ? '' : `, ${formatCount(segments)} shed (${formatPercent(share)} of the connections now)`;
  return `${formatCount(ledger.captured)} requests captured, ${formatCount(ledger.sent)} sent, ${formatCount(dropped)} dropped${kernel}${shed}${lossOfAllText(ledger)}`;
}
