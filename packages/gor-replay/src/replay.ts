// The replay server as one function: records off UDP, requests out to every target, counted. It prints nothing.
import { formatHostPort, isLoopback, untilAborted } from '@gor/cli';
import { bodyOf, parseRequest } from '@gor/http';
import {
  type CircuitChange,
  createReplayer,
  type Outcome,
  type Replayer,
  type ReplayRequest,
  type SharedLimit,
  type SharedLimitEvent,
} from '@gor/replay';
import {
  openUdpReceiver,
  type ReceiverEvent,
  type SessionLedger,
  type SessionView,
  type UdpReceiver,
  type WireRecord,
} from '@gor/wire';
import type { ReplayConfig } from './options.ts';
import { RejectCounts, type ReplayLedger } from './replay-ledger.ts';
import { ResultsFile } from './results-file.ts';
import { connectSharedLimit } from './shared-limit.ts';

/** A datagram of the default length: so much is kept around a request, rather than copying it. */
const MOST_AROUND_BYTES = 1200;

/**
 * A step between receiver and replay: gives the request to go on with, or the reason to leave it out. Where it changes a
 * field, the request is sent out of its fields, and not as captured.
 */
export type ReplayStage = (request: ReplayRequest) => ReplayRequest | string;

/** What a running replay server tells. */
export type ReplayEvent =
  | {
      readonly type: 'ready';
      /** Address and port. */
      readonly address: string;
      /** Nobody else can read what comes: the address is one of loopback. */
      readonly isLoopback: boolean;
      /** What the kernel gave, as it counts, and what was asked for. */
      readonly receiveBufferBytes: number;
      readonly askedBufferBytes: number;
      readonly ledger: () => ReplayLedger;
      /** From now on these keys are valid, and no others; sessions under a key that is gone end. */
      readonly setKeys: (keys: readonly Uint8Array[]) => void;
    }
  | {
      readonly type: 'session';
      readonly id: string;
      readonly address: string;
      readonly state: 'started' | 'ended';
      /** Its counts, while it is known; asking costs something. */
      readonly counts: () => SessionLedger | undefined;
    }
  /** Datagrams that do not fit the keys here: so many since it was last said, which is at most once a minute. */
  | {
      readonly type: 'unopened';
      /** Of the last one. */
      readonly reason: 'sealed' | 'not-sealed' | 'unknown-key' | 'forged' | 'unconfirmed';
      readonly address: string;
      readonly datagrams: number;
    }
  /** A target did not answer and is spared, or it answers again. */
  | ({ readonly type: 'circuit' } & CircuitChange)
  /** The socket had an error of this code for the first time; it is read on. */
  | { readonly type: 'socket-error'; readonly code: string }
  /** The Redis of a shared limit went away, or is back. */
  | { readonly type: 'shared-limit'; readonly change: SharedLimitEvent }
  | { readonly type: 'results-failed'; readonly error: Error };

/** What a replay server may be given besides its configuration. */
export interface ReplayOptions {
  /** Ends the server: it stops receiving, lets what waits and what is in flight come to its end, and gives its ledger. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: ReplayEvent) => void;
  /** Every request's end at every target. */
  readonly onOutcome?: (outcome: Outcome) => void;
  readonly stages?: readonly ReplayStage[];
}

/**
 * Replays until the signal is aborted, then drains and gives the final ledger.
 * Rejects, with nothing half-started, with WireError, ReplayError or Error where the socket, the Redis of a shared limit or
 * the results file cannot be had.
 */
export async function replay(config: ReplayConfig, options: ReplayOptions = {}): Promise<ReplayLedger> {
  const sharedLimit = await sharedLimitOf(config, options);
  try {
    return await new ReplayServer(config, options, sharedLimit).run();
  } finally {
    await sharedLimit?.close();
  }
}

/** Undefined where no target has a limit to share. */
async function sharedLimitOf(config: ReplayConfig, { onEvent }: ReplayOptions): Promise<SharedLimit | undefined> {
  const { sharedLimit, targets, port } = config;
  if (sharedLimit === undefined || !targets.some(({ limit }) => limit?.kind === 'per-second')) return undefined;
  return connectSharedLimit(sharedLimit, port, (change) => onEvent?.({ type: 'shared-limit', change }));
}

class ReplayServer {
  readonly #config: ReplayConfig;
  readonly #options: ReplayOptions;
  readonly #rejects = new RejectCounts();
  readonly #socketErrors: Record<string, number> = {};
  readonly #startedAt = new Date();
  readonly #results: ResultsFile | undefined;
  readonly #replayer: Replayer;
  readonly #sharedLimit: SharedLimit | undefined;
  #receiver: UdpReceiver | undefined;

  constructor(config: ReplayConfig, options: ReplayOptions, sharedLimit: SharedLimit | undefined) {
    this.#config = config;
    this.#sharedLimit = sharedLimit;
    this.#options = options;
    const onFailure = (error: Error) => options.onEvent?.({ type: 'results-failed', error });
    this.#results = config.resultsFile === undefined ? undefined : ResultsFile.open(config.resultsFile, onFailure);
    const { targets, bufferMs, timeoutMs, connections, keepOrder, sessions, mark, originalHost } = config;
    const { insecure, forwarder, circuit, orderWaitMs, delayMs } = config;
    this.#replayer = createReplayer({
      ...{ targets, bufferMs, timeoutMs, connections, keepOrder, sessions, mark, originalHost, insecure, forwarder },
      ...{ circuit, delayMs },
      ...(orderWaitMs === undefined ? {} : { orderWaitMs }),
      ...(sharedLimit === undefined ? {} : { leaseSource: sharedLimit.leaseSource }),
      onOutcome: (outcome) => this.#onOutcome(outcome),
      onCircuit: (change) => options.onEvent?.({ type: 'circuit', ...change }),
    });
  }

  async run(): Promise<ReplayLedger> {
    try {
      await this.#sharedLimit?.joined();
      const receiver = await this.#openReceiver();
      this.#receiver = receiver;
      this.#results?.begin();
      this.#options.onEvent?.({
        type: 'ready',
        address: formatHostPort(receiver.address, receiver.port),
        isLoopback: isLoopback(receiver.address),
        receiveBufferBytes: receiver.receiveBufferBytes,
        askedBufferBytes: receiver.askedBufferBytes,
        ledger: () => this.#ledger(receiver, null),
        setKeys: (keys) => receiver.setKeys(keys),
      });
      await untilAborted(this.#options.signal);
      await receiver.close();
      await this.#replayer.drain();
      await this.#results?.close();
      return this.#ledger(receiver, new Date());
    } finally {
      await this.#replayer.close();
      await this.#results?.close();
    }
  }

  #openReceiver(): Promise<UdpReceiver> {
    const { host, port, keys, from } = this.#config;
    return openUdpReceiver({
      ...{ host, port },
      ...(keys === undefined ? {} : { keys }),
      ...(from === undefined ? {} : { from }),
      backlog: () => this.#replayer.waiting(),
      onRecord: (record, session) => this.#take(record, session),
      onEvent: (event) => this.#hear(event),
      onSessionStart: (session) => this.#tellSession(session, 'started'),
      onSessionEnd: (session) => this.#tellSession(session, 'ended'),
    });
  }

  #hear(event: ReceiverEvent): void {
    if (event.type === 'socket-error') return this.#socketError(event.code);
    const { type, reason, address, port, datagrams } = event;
    this.#options.onEvent?.({ type, reason, address: formatHostPort(address, port), datagrams });
  }

  #tellSession({ id, address, port }: SessionView, state: 'started' | 'ended'): void {
    const counts = (): SessionLedger | undefined =>
      this.#receiver?.ledger().sessions.find((session) => session.id === id);
    this.#options.onEvent?.({ type: 'session', id, address: formatHostPort(address, port), state, counts });
  }

  /** Told at the first of each code. */
  #socketError(code: string): void {
    this.#socketErrors[code] = (this.#socketErrors[code] ?? 0) + 1;
    if (this.#socketErrors[code] === 1) this.#options.onEvent?.({ type: 'socket-error', code });
  }

  #take(record: WireRecord, session: SessionView): void {
    const connection = `${session.id}/${record.connection}`;
    if (record.kind === 'connection-end') return this.#replayer.endConnection(connection);
    if (record.kind !== 'request') return;
    const parsed = parseRequest(kept(record.payload), record.timestampUs);
    if (typeof parsed === 'string') return this.#rejects.count(session.id, parsed);
    const { method, target, version, headers, bytes, bodyStart, framing, trailers } = parsed;
    this.#send(
      {
        connection,
        method,
        target,
        version,
        headers,
        bytes,
        bodyStart,
        body: bodyOf(parsed),
        framing,
        trailers,
        timestampUs: record.timestampUs,
        source: session.id, // each listener has a clock of its own
        index: record.index,
      },
      session.id,
    );
  }

  #send(request: ReplayRequest, sessionId: string): void {
    let current = request;
    for (const stage of this.#options.stages ?? []) {
      const outcome = stage(current);
      if (typeof outcome === 'string') return this.#rejects.count(sessionId, outcome);
      current = outcome;
    }
    this.#replayer.send(current === request || isSame(current, request) ? current : withoutBytes(current));
  }

  #onOutcome(outcome: Outcome): void {
    this.#results?.write(outcome);
    this.#options.onOutcome?.(outcome);
  }

  #ledger(receiver: UdpReceiver, endedAt: Date | null): ReplayLedger {
    const { sessions, earlier, ...wire } = receiver.ledger();
    const { targets, rhythm } = this.#replayer.ledger();
    const rejected = this.#rejects.ofAllBut(new Set(sessions.map(({ id }) => id)));
    return {
      program: 'gor-replay',
      startedAt: this.#startedAt.toISOString(),
      endedAt: endedAt?.toISOString() ?? null,
      sessions: sessions.map((session) => ({ ...session, rejected: this.#rejects.of(session.id) })),
      wire: { ...wire, earlier: { ...earlier, rejected }, socketErrors: { ...this.#socketErrors } },
      targets,
      ...(rhythm === undefined ? {} : { rhythm }),
      resultsLost: this.#results?.lost ?? 0,
    };
  }
}

/** The payload itself, which keeps its datagram, where that is not much more; else a copy. A copy costs a sixth of all that a request does. */
function kept(payload: Uint8Array): Uint8Array {
  return payload.buffer.byteLength - payload.length <= MOST_AROUND_BYTES ? payload : payload.slice();
}

/** Whether all that is sent is as it was captured: the same objects, since nobody writes into them. */
function isSame(request: ReplayRequest, captured: ReplayRequest): boolean {
  const sent = ['method', 'target', 'version', 'headers', 'bytes', 'bodyStart', 'body', 'framing', 'trailers'] as const;
  return sent.every((name) => request[name] === captured[name]);
}

function withoutBytes({ bodyStart: _, ...request }: ReplayRequest): ReplayRequest {
  return request;
}
