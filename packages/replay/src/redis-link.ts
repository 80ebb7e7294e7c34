// The common authority as Redis has it: one connection, on which Bottleneck's Redis store grants leases and members beat.
// The only file that speaks with Redis; the client (ioredis 5) is made by the caller, so nobody else has to install it.

import { createHash, randomUUID } from 'node:crypto';
import Bottleneck from 'bottleneck';
import { type Clock, systemClock } from './clock.ts';
import { AWAY_MS, type Beat, type BeatMemory, beatScript, FORGET_MS, readBeat, withRedisTime } from './member-beat.ts';
import { ReplayError, type ReplayErrorCode } from './replay-error.ts';
import {
  type AuthorityLink,
  type LimitKey,
  type SharedLimit,
  type SharedLimitEvent,
  SharedLimits,
} from './shared-limit.ts';

/** How long connecting may take, password and all; a Redis that accepts and says nothing is known by it. */
const CONNECT_MS = 750;

/** Leases come so much slower than the rate: at exactly the rate a second with both its borders would have one more. */
const SLACK = 1.002;

/** What is needed of a client: a `Redis` of ioredis 5 is one. */
export interface RedisClient {
  readonly connect: () => Promise<void>;
  readonly call: (command: string, ...args: (string | number)[]) => Promise<unknown>;
  readonly on: (event: 'error' | 'close', listener: (error?: Error) => void) => unknown;
  readonly disconnect: () => void;
  defineCommand: (name: string, definition: { lua: string }) => void;
  duplicate: () => unknown;
}

/** What a client has to be made with: it connects when told to and once, says nothing by itself, and prints nothing. */
export interface RedisClientSettings {
  readonly lazyConnect: true;
  readonly enableReadyCheck: false;
  readonly enableOfflineQueue: false;
  readonly disableClientInfo: true;
  readonly autoResubscribe: false;
  readonly connectTimeout: number;
  readonly disconnectTimeout: number;
  readonly retryStrategy: () => null;
}

/** What `openSharedLimit` takes. */
export interface SharedLimitOptions {
  /** Makes an unconnected client: `(settings) => new Redis({ host, port, ...settings })`, without user, password, db. Once a try. */
  readonly createClient: (settings: RedisClientSettings) => RedisClient;
  /** How messages call it, such as `redis://host:6379/0`, without a password. */
  readonly address: string;
  /** For AUTH; without a password nothing is said. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** The number of the database; 0. */
  readonly database?: number | undefined;
  /** What this server is called when it is started again, such as host and port: a crashed one is replaced by it. Any. */
  readonly name?: string | undefined;
  /** Where time comes from; the machine's monotonic clock. */
  readonly clock?: Clock | undefined;
  /** Told of each change of state; must not throw. */
  readonly onEvent?: ((event: SharedLimitEvent) => void) | undefined;
}

/**
 * Connects to Redis, through which all servers that have the same target url and limit keep that limit together: the sum
 * of what they send in any one second is at most the limit and a tenth of it for each server. Rejects with ReplayError
 * where it cannot be had; what comes later is told by `onEvent`.
 */
export async function openSharedLimit(options: SharedLimitOptions): Promise<SharedLimit> {
  const name = `${options.name ?? randomUUID()}#`;
  const id = `${name}${randomUUID()}`;
  const limits = new SharedLimits(
    (onLost) => RedisLink.open(options, name, id, onLost),
    options.clock ?? systemClock,
    options.onEvent ?? (() => {}),
  );
  await limits.open();
  return limits;
}

const settings: RedisClientSettings = {
  lazyConnect: true,
  enableReadyCheck: false,
  enableOfflineQueue: false,
  disableClientInfo: true,
  autoResubscribe: false,
  connectTimeout: CONNECT_MS,
  disconnectTimeout: 100,
  retryStrategy: () => null,
};

/** Bottleneck listens on a second connection for what limits by time alone never say: it gets one that says nothing. */
const silentSubscriber = {
  status: 'ready',
  setMaxListeners: () => {},
  on: () => {},
  subscribe: (_channel: string, done: () => void) => done(),
  unsubscribe: () => {},
  quit: () => Promise.resolve(),
  disconnect: () => {},
};

class RedisLink implements AuthorityLink {
  readonly #options: SharedLimitOptions;
  readonly #client: RedisClient;
  readonly #name: string;
  readonly #id: string;
  readonly #limiters = new Map<LimitKey, Bottleneck>();
  #connection: Bottleneck.IORedisConnection | undefined;
  #onLost: (error: ReplayError) => void = () => {};
  /** The error that the client told last: a closed connection says why only there. */
  #lastError: Error | undefined;
  #isClosed = false;

  private constructor(options: SharedLimitOptions, name: string, id: string) {
    this.#options = options;
    this.#name = name;
    this.#id = id;
    this.#client = options.createClient(settings);
    this.#client.on('error', (error) => {
      this.#lastError = error;
    });
    this.#client.on('close', () => this.#lose(this.#lastError ?? new Error('Connection is closed.')));
  }

  static async open(
    options: SharedLimitOptions,
    name: string,
    id: string,
    onLost: (error: ReplayError) => void,
  ): Promise<RedisLink> {
    const link = new RedisLink(options, name, id);
    const { promise: late, cancel } = rejectAfter(options.clock ?? systemClock, link.#error(undefined));
    try {
      await Promise.race([link.#greet(), late]);
    } catch (error) {
      link.close();
      throw link.#error(error);
    } finally {
      cancel();
    }
    link.#onLost = onLost;
    return link;
  }

  readonly lease = async (key: LimitKey, tokens: number): Promise<number> => {
    const limiter = this.#limiters.get(key) ?? this.#newLimiter(key);
    // Taken when the job runs: its promise ends one more answer of Redis later.
    return new Promise((resolve, reject) => {
      const job = () => {
        resolve(tokens);
        return Promise.resolve();
      };
      // Bottleneck tells nobody else that Redis refused a job.
      limiter.schedule({ expiration: FORGET_MS }, job).catch((error: unknown) => {
        this.#lose(error);
        reject(error);
      });
    });
  };

  readonly beat = async (key: LimitKey, { generation, members }: BeatMemory): Promise<Beat> => {
    const keys = keysOf(key);
    const leaseMs = (key.leaseTokens * 1000) / key.ratePerSecond;
    const times = [AWAY_MS, FORGET_MS, leaseMs];
    const known = generation === '' ? [] : members;
    try {
      const reply = await this.#client.call(
        'EVAL',
        ...[beatScript, keys.length, ...keys],
        ...[this.#id, this.#name, generation, randomUUID(), ...times, ...known],
      );
      const beat = readBeat(reply);
      if (beat === undefined) throw new Error('the script was answered with something else');
      return beat;
    } catch (error) {
      throw this.#error(error);
    }
  };

  readonly leave = (key: LimitKey): Promise<unknown> => this.#client.call('ZREM', keysOf(key)[0]!, this.#id);

  readonly close = (): void => {
    this.#isClosed = true;
    for (const limiter of this.#limiters.values()) {
      // Both only let go of timers here; without a connection stopping need not end well.
      limiter.stop({ dropWaitingJobs: true }).catch(() => {});
      void limiter.disconnect(false);
    }
    this.#client.disconnect();
  };

  /** Connects, and says who this is; Redis' clock is asked for by a script, since all depends on that being allowed. */
  async #greet(): Promise<void> {
    const { username, password, database = 0 } = this.#options;
    const client = this.#client;
    await client.connect();
    if (password !== undefined) await client.call('AUTH', ...(username === undefined ? [] : [username]), password);
    if (database !== 0) await client.call('SELECT', database);
    await client.call('EVAL', "return redis.call('TIME')", 0);
    const define = client.defineCommand.bind(client);
    client.defineCommand = (name, { lua }) => define(name, { lua: withRedisTime(lua) });
    client.duplicate = () => silentSubscriber;
    this.#connection = new Bottleneck.IORedisConnection({ client });
  }

  #newLimiter(key: LimitKey): Bottleneck {
    const limiter = new Bottleneck({
      connection: this.#connection,
      id: idOf(key),
      minTime: (key.leaseTokens / key.ratePerSecond) * 1000 * SLACK,
    } as Bottleneck.ConstructorOptions);
    const failed = (error: unknown): void => this.#lose(error);
    limiter.on('error', failed);
    limiter.ready().catch(failed);
    this.#limiters.set(key, limiter);
    return limiter;
  }

  #lose(error: unknown): void {
    if (!this.#isClosed) this.#onLost(this.#error(error));
  }

  #error(error: unknown): ReplayError {
    if (error instanceof ReplayError) return error;
    const told = isClosing(error) ? (this.#lastError ?? error) : error;
    const [code, words] = told === undefined ? (['no-answer', 'it does not answer'] as const) : reasonOf(told);
    return new ReplayError(code, `${this.#options.address}: ${words}`, told);
  }
}

function rejectAfter(clock: Clock, error: ReplayError): { promise: Promise<never>; cancel: () => void } {
  let cancel = (): void => {};
  const promise = new Promise<never>((_, reject) => {
    cancel = clock.schedule(CONNECT_MS, () => reject(error));
  });
  return { promise, cancel: () => cancel() };
}

/** Names that two different limits never have in common; in braces, so that all of one limit is in one place. */
function idOf({ url, ratePerSecond }: LimitKey): string {
  const hash = createHash('sha256').update(`${url}|${ratePerSecond}`).digest('hex').slice(0, 32);
  return `gor:limit:{${hash}}`;
}

/** The members, the generation, then Bottleneck's keys, its settings first. */
function keysOf(key: LimitKey): string[] {
  const id = idOf(key);
  const parts = ['settings', 'job_weights', 'job_expirations', 'job_clients', 'client_running', 'client_num_queued'];
  const all = [...parts, 'client_last_registered', 'client_last_seen'].map((part) => `b_${id}_${part}`);
  return [`${id}:members`, `${id}:generation`, ...all];
}

function isClosing(error: unknown): boolean {
  return error instanceof Error && error.message === 'Connection is closed.';
}

/** Redis' errors begin with a word of their own. Texts are not passed on: only the words that are known here. */
function reasonOf(error: unknown): readonly [code: ReplayErrorCode, words: string] {
  if (!(error instanceof Error)) return ['cannot-share', 'an unknown error'];
  const system = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (/^(WRONGPASS|NOAUTH|NOPERM)|called without any password|Client sent AUTH/.test(error.message))
    return denial(error);
  if (/^Protocol error/.test(error.message)) return ['not-redis', 'what answers there is no Redis'];
  if (/SSL|TLS|CERT|EPROTO|SELF_SIGNED/i.test(system))
    return ['unreachable', `TLS failed (${system}): is it rediss://?`];
  if (isClosing(error))
    return ['unreachable', 'it closed the connection: is it Redis, and redis:// or rediss:// right?'];
  if (system !== '') return ['unreachable', `cannot be reached (${system})`];
  if (error.message === 'connect ETIMEDOUT') return ['unreachable', 'cannot be reached (ETIMEDOUT)'];
  const word = /^[A-Z]+/.exec(error.message)?.[0] ?? 'ERR';
  return ['cannot-share', `it refuses what is needed (${word}); Redis 5 or later that takes writes is needed`];
}

function denial({ message }: Error): readonly [code: ReplayErrorCode, words: string] {
  if (message.startsWith('NOAUTH')) return ['denied', 'it wants a password: give user:password@ in the URL'];
  if (message.startsWith('NOPERM')) return ['denied', 'the user has no right to scripts, or to keys *gor:limit:*'];
  return ['denied', 'it does not take this user and password'];
}
