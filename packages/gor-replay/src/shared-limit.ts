// --shared-limit: the URL of a Redis, read; and the limit that is shared through it. The password is for Redis alone: no
// message has it, nor any text that is made of the URL.
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { UsageError } from '@gor/cli';
import { openSharedLimit, type SharedLimit, type SharedLimitEvent } from '@gor/replay';

/** Where the Redis is through which a limit is shared. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** The number of the database. */
  readonly database: number;
}

const DEFAULT_PORT = 6379;
const EXAMPLE = 'redis://[[user]:password@]host[:6379][/0], or rediss:// for TLS';

/** Reads `redis://…` or `rediss://…`. Throws UsageError, which quotes nothing: there may be a password in it. */
export function parseRedisUrl(text: string): RedisAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw new UsageError(`--shared-limit: this is no URL; it is ${EXAMPLE}`);
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') {
    throw new UsageError(`--shared-limit: the URL begins with neither redis:// nor rediss://; it is ${EXAMPLE}`);
  }
  if (url.hostname === '') throw new UsageError(`--shared-limit: the URL has no host; it is ${EXAMPLE}`);
  const database = /^\/?$/.test(url.pathname) ? '0' : url.pathname.slice(1);
  if (!/^\d{1,5}$/.test(database)) {
    throw new UsageError('--shared-limit: what follows the host is not the number of a database, such as /0');
  }
  if (url.search !== '' || url.hash !== '') {
    throw new UsageError(
      '--shared-limit: the URL has a ? or # part, which nothing is known of; in passwords they are %3F and %23',
    );
  }
  if (url.username !== '' && url.password === '') {
    throw new UsageError('--shared-limit: the URL has a user without a password; a password alone is :password@');
  }
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    isTls: url.protocol === 'rediss:',
    username: url.username === '' ? undefined : decoded(url.username),
    password: url.password === '' ? undefined : decoded(url.password),
    database: Number(database),
  };
}

/** The address without user and password. */
export function redisText({ host, port, isTls, database }: RedisAddress): string {
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return `${isTls ? 'rediss' : 'redis'}://${shownHost}:${port}/${database}`;
}

/** Connects; rejects with ReplayError. The server's name is its host and port, by which it knows itself after a crash. */
export async function connectSharedLimit(
  address: RedisAddress,
  port: number,
  onEvent: (event: SharedLimitEvent) => void,
): Promise<SharedLimit> {
  const { Redis } = await import('ioredis');
  const { host, isTls, username, password, database } = address;
  return openSharedLimit({
    createClient: (settings) =>
      new Redis({
        host,
        port: address.port,
        ...(isTls ? { tls: isIP(host) > 0 ? {} : { servername: host } } : {}),
        ...settings,
      }),
    address: redisText(address),
    ...{ username, password, database, onEvent },
    name: `${hostname()}:${port}`,
  });
}

/** What is said when the shared limit changes its state. */
export function sharedLimitText(event: SharedLimitEvent): string {
  const { members } = event;
  if (event.type === 'shared') return `the limit is shared again, by ${serversText(members)}`;
  const share = members === 0 ? 'nothing is sent to limited targets' : `this server sends 1/${members} of each limit`;
  return `the shared limit is away (${event.error.message}): until it is back ${share}`;
}

function serversText(members: number): string {
  return members === 1 ? 'this server alone' : `${members} servers`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new UsageError('--shared-limit: user or password has a % that is no escape; a percent sign itself is %25');
  }
}
