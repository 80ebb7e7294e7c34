// The listener's flags, and from flags to its configuration.
import {
  type Flag,
  type FlagValues,
  formatBytes,
  formatHostPort,
  type HostPort,
  isOneMachine,
  parseBytes,
  parseCount,
  parseHostPort,
  parseList,
  parsePort,
  parseUser,
  UsageError,
  type User,
} from '@gor/cli';
import { budgetDefaults } from '@gor/http';

const DEFAULT_REPLAY_PORT = 28_020;
/** Unfinished requests hold so much in all, and a buffer that grows by doubling takes up to twice what is in it. */
const MOST_BODY_BYTES = budgetDefaults.limitBytes / 2;

/** Each has a queue and a buffer of its own. */
const MOST_REPLAY_SERVERS = 16;
const LEAST_DATAGRAM_BYTES = 256;
const MOST_DATAGRAM_BYTES = 65_507;
const LEAST_RESEND_BYTES = 64 * 1024;
const MOST_RESEND_BYTES = 1024 ** 3;

/** What a listener does. */
export interface ListenConfig {
  /** Where frames come from: live interfaces, or a capture file (`-` is stdin). */
  readonly source:
    | {
        readonly kind: 'live';
        readonly interfaces: readonly string[];
        readonly engine: 'auto' | 'ring' | 'cap';
        readonly bufferBytes: number;
        /** Packets that are not addressed to this host, too. Default false. */
        readonly isPromiscuous?: boolean;
      }
    | { readonly kind: 'file'; readonly path: string; readonly speed: number };
  /** The servers' ports; `any` for every TCP port where a client speaks HTTP. */
  readonly ports: readonly number[] | 'any';
  /** A pcap-filter expression instead of the one made from the ports; live capture only. */
  readonly filter: string | undefined;
  /** Whose requests: those that come in, that go out, or both. What cannot be told counts as wanted. */
  readonly direction: 'in' | 'out' | 'both';
  /** The replay servers, at least one, over which connections are spread; undefined sends nothing. */
  readonly replay: readonly HostPort[] | undefined;
  /** 32 bytes with which everything that is sent is sealed; undefined, the default: readable for whoever listens on the way. */
  readonly key?: Uint8Array | undefined;
  /** The longest datagram (UDP payload) in bytes, 256 to 65,507; default 1,200. */
  readonly maxDatagramBytes?: number | undefined;
  /** Bytes kept for sending again, for each replay server, 64 KiB to 1 GiB; default 16 MiB, 0: nothing is sent again. */
  readonly resendBytes?: number | undefined;
  /** The longest body in bytes; longer requests are counted and left out. */
  readonly maxBodyBytes: number;
  /** The part of one core that the process may take, above 0 to 1; undefined, the default: any. Live capture only. */
  readonly maxCpuShare?: number | undefined;
  /** Whether whole connections are left out, counted, where it cannot keep up or takes too much. Default true. Live capture only. */
  readonly shedsLoad?: boolean | undefined;
}

/** How the program shows requests. */
export interface ListenOutput {
  /** Each request on stdout as `text` or `json`, or not at all. */
  readonly show: 'text' | 'json' | undefined;
  /** Responses are shown, too, each behind its request. */
  readonly showResponses: boolean;
}

/** Where the program's key stands. */
export interface ListenKeyFile {
  /** The path of a key file, of which the first key is taken; undefined: no key. */
  readonly keyFile: string | undefined;
}

/** Whose rights the program has. */
export interface ListenRights {
  /** Whom it becomes once everything is open; undefined: whoever called sudo or doas, if anybody did. */
  readonly user: User | undefined;
}

/** The flags of gor-listen, in the order of its help. */
export const listenFlags: readonly Flag[] = [
  {
    name: 'interface',
    letter: 'i',
    kind: 'value',
    defaultText: 'any',
    description: 'Network interface; several by comma, or any',
  },
  {
    name: 'port',
    letter: 'p',
    kind: 'value',
    defaultText: '80',
    description: "The servers' ports; several by comma, or any",
  },
  {
    name: 'replay',
    letter: 'r',
    kind: 'value',
    defaultText: 'localhost:28020',
    description: 'Replay servers as host[:port], several by comma; IPv6 in brackets',
  },
  { name: 'key-file', kind: 'value', description: 'Seal what is sent with the first key of this file (gor key)' },
  { name: 'pcap', kind: 'value', description: 'Read this capture file (pcap, pcapng, gzip); - is stdin' },
  {
    name: 'speed',
    kind: 'value',
    defaultText: '1',
    description: 'With --pcap and -r: times the recorded speed, or max',
  },
  {
    name: 'direction',
    kind: 'value',
    description: 'Requests that come in, go out, or both (default: in; both with --pcap)',
  },
  {
    name: 'engine',
    kind: 'value',
    defaultText: 'auto',
    description: 'Capture engine: ring (Linux), cap, or auto for the best there is',
  },
  { name: 'filter', kind: 'value', description: 'pcap-filter expression (default: from the ports)' },
  { name: 'promiscuous', kind: 'switch', description: 'Take packets that are not addressed to this host, too' },
  { name: 'print', kind: 'switch', description: 'Show each request on stdout; sends only where -r is given, too' },
  { name: 'json', kind: 'switch', description: 'The same as JSON, one line a request' },
  { name: 'responses', kind: 'switch', description: 'With --print or --json: show the responses, too' },
  {
    name: 'max-body',
    kind: 'value',
    defaultText: '8mb',
    description: 'Longest body; longer requests are counted and left out',
  },
  {
    name: 'mtu',
    kind: 'value',
    defaultText: '1200',
    description: 'Longest datagram to the replay server in bytes, 256 to 65507',
  },
  {
    name: 'resend-buffer',
    kind: 'value',
    defaultText: '16mb',
    description: 'Kept to be sent again where a datagram is lost; 0 for none',
  },
  { name: 'buffer-size', kind: 'value', defaultText: '64mb', description: 'Kernel buffer for captured packets' },
  {
    name: 'user',
    kind: 'value',
    description: 'Give up root for this user (name, uid or uid:gid) once all is open (default: who called sudo)',
  },
  { name: 'max-cpu', kind: 'value', description: 'Most CPU time, 1% to 100% of one core; sheds connections above it' },
];

/** Throws UsageError. */
export function configureListen(values: FlagValues): ListenConfig & ListenOutput & ListenRights & ListenKeyFile {
  if (values.on('print') && values.on('json')) throw new UsageError('--print and --json exclude each other');
  const show = values.on('json') ? 'json' : values.on('print') ? 'text' : undefined;
  if (values.on('responses') && show === undefined) throw new UsageError('--responses goes with --print or --json');
  const user = values.text('user');
  const replay = replayServersOf(values.textOf('replay'));
  const sends = show === undefined || values.given('replay');
  return {
    source: sourceOf(values, sends),
    ports: portsOf(values.textOf('port')),
    filter: values.text('filter'),
    direction: oneOf('--direction', values.text('direction') ?? (values.given('pcap') ? 'both' : 'in'), [
      'in',
      'out',
      'both',
    ]),
    replay: sends ? replay : undefined,
    keyFile: values.text('key-file'),
    maxDatagramBytes: parseCount('--mtu', values.textOf('mtu'), LEAST_DATAGRAM_BYTES, MOST_DATAGRAM_BYTES),
    resendBytes: resendBytesOf(values.textOf('resend-buffer')),
    maxBodyBytes: maxBodyBytesOf(values.textOf('max-body')),
    maxCpuShare: maxCpuShareOf(values.text('max-cpu')),
    show,
    showResponses: values.on('responses'),
    user: user === undefined ? undefined : parseUser('--user', user),
  };
}

function sourceOf(values: FlagValues, sends: boolean): ListenConfig['source'] {
  const engine = oneOf('--engine', values.textOf('engine'), ['auto', 'ring', 'cap']);
  const bufferBytes = bufferBytesOf(values.textOf('buffer-size'));
  const interfaces = [...new Set(parseList('--interface', values.textOf('interface')))];
  const path = values.text('pcap');
  if (path === undefined) {
    if (values.given('speed')) throw new UsageError('--speed goes with --pcap');
    if (interfaces.includes('any') && interfaces.length > 1)
      throw new UsageError('--interface: any already takes in the others');
    const isPromiscuous = values.on('promiscuous');
    if (isPromiscuous && interfaces.includes('any'))
      throw new UsageError('--promiscuous goes with interfaces by their names, not with any: give --interface');
    return { kind: 'live', interfaces, engine, bufferBytes, isPromiscuous };
  }
  for (const name of ['interface', 'filter', 'promiscuous', 'engine', 'buffer-size', 'max-cpu']) {
    if (values.given(name)) throw new UsageError(`--${name} is for live capture: it does not go with --pcap`);
  }
  const speed = speedOf(values.textOf('speed'));
  return { kind: 'file', path, speed: sends ? speed : Number.POSITIVE_INFINITY };
}

function replayServersOf(text: string): readonly HostPort[] {
  const servers = parseList('--replay', text).map((part) => parseHostPort('--replay', part, DEFAULT_REPLAY_PORT));
  const names = servers.map(({ host, port }) => formatHostPort(host, port));
  const nobody = servers.find(({ host }) => !isOneMachine(host));
  if (nobody !== undefined) throw new UsageError(`--replay: ${nobody.host} is the address of no single machine`);
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice !== undefined) throw new UsageError(`--replay: ${twice} is given twice`);
  if (servers.length <= MOST_REPLAY_SERVERS) return servers;
  throw new UsageError(`--replay: ${servers.length} replay servers, and ${MOST_REPLAY_SERVERS} is the most`);
}

function resendBytesOf(text: string): number {
  const resendBytes = parseBytes('--resend-buffer', text, true);
  if (resendBytes === 0 || (resendBytes >= LEAST_RESEND_BYTES && resendBytes <= MOST_RESEND_BYTES)) return resendBytes;
  throw new UsageError(`--resend-buffer: "${text}" is neither 0 nor from 64kb to 1gb`);
}

function maxBodyBytesOf(text: string): number {
  const maxBodyBytes = parseBytes('--max-body', text);
  if (maxBodyBytes <= MOST_BODY_BYTES) return maxBodyBytes;
  throw new UsageError(
    `--max-body: "${text}" is over ${formatBytes(MOST_BODY_BYTES)}, half of what unfinished requests may hold in all`,
  );
}

function bufferBytesOf(text: string): number {
  const bufferBytes = parseBytes('--buffer-size', text);
  if (bufferBytes >= 64 * 1024 && bufferBytes < 2 ** 31) return bufferBytes;
  throw new UsageError(`--buffer-size: "${text}" is not from 64kb to 2047mb`);
}

/** Percent only: `0.5` could be meant as half a core, and as half a percent. */
function maxCpuShareOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const percent = Number(text.slice(0, -1));
  if (/^\d+(\.\d+)?%$/.test(text) && percent >= 1 && percent <= 100) return percent / 100;
  throw new UsageError(`--max-cpu: "${text}" is not from 1% to 100%`);
}

function portsOf(text: string): readonly number[] | 'any' {
  if (text === 'any') return 'any';
  return [...new Set(parseList('--port', text).map((port) => parsePort('--port', port)))];
}

function speedOf(text: string): number {
  if (text === 'max') return Number.POSITIVE_INFINITY;
  const speed = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && speed > 0) return speed;
  throw new UsageError(`--speed: "${text}" is neither a number above 0 nor max`);
}

function oneOf<const Choice extends string>(flag: string, text: string, choices: readonly Choice[]): Choice {
  const choice = choices.find((candidate) => candidate === text);
  if (choice !== undefined) return choice;
  throw new UsageError(`${flag}: "${text}" is none of ${choices.join(', ')}`);
}
