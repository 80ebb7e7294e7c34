// The listener as one function: frames in, requests out to a replay server, counted. It prints nothing.
import { randomInt } from 'node:crypto';
import type { Connection } from '@gor/capture';
import { untilAborted } from '@gor/cli';
import type { SenderTotals } from '@gor/wire';
import { type FrameSource, openFrameSource } from './frame-source.ts';
import { type ListenLedger, RequestCounts } from './listen-ledger.ts';
import { LOOK_EVERY_MS } from './load-control.ts';
import { LoadWatch } from './load-watch.ts';
import type { ListenConfig } from './options.ts';
import { ProtocolNotices } from './protocol-notices.ts';
import { noSink, type ReplayServer, type ReplayServerEvent, type RequestSink, WireSink } from './request-sink.ts';
import type { ShedNotice } from './shed-notices.ts';
import { type CapturedRequest, type CapturedResponse, leaveReplayed, type Stage, throughStages } from './stages.ts';
import { TrafficReader } from './traffic-reader.ts';

/** How often idle time is brought to streams on which nothing arrives. */
const ADVANCE_EVERY_MS = 100;
const MAX_ADVANCE_MS = 500;
const NO_FRAMES_AFTER_MS = 10_000;
const MOST_SALT = 2 ** 32;

/** What a running listener tells. */
export type ListenEvent =
  | {
      readonly type: 'ready';
      readonly source: FrameSource;
      /** In the order of the configuration; none where nothing is sent. */
      readonly replayServers: readonly ReplayServer[];
      readonly ledger: () => ListenLedger;
    }
  /** Of a replay server; never before `ready`. */
  | { readonly type: 'replay-server'; readonly news: ReplayServerEvent }
  /** An interface is down or gone; its frames come again when it, or another one of its name, is up. */
  | { readonly type: 'interface-down'; readonly interfaceName: string }
  | { readonly type: 'interface-up'; readonly interfaceName: string }
  /** So many connections to the port carried what is no HTTP/1.x; said again when there are ten times as many. */
  | {
      readonly type: 'other-protocol';
      readonly port: number;
      /** As `connections.otherProtocols` of the ledger names it. */
      readonly protocol: string;
      readonly connections: number;
    }
  /** Connections are shed, or taken again: when it begins, at most every ten seconds while it changes, and when it is over. */
  | ({ readonly type: 'shedding' } & ShedNotice)
  /** Ten seconds have passed without a single frame. */
  | { readonly type: 'no-frames'; readonly afterMs: number }
  /** Capturing failed while it ran: what came before is drained and counted, then listen() resolves. */
  | { readonly type: 'failed'; readonly error: Error };

/** What a listener may be given besides its configuration. */
export interface ListenOptions {
  /** Ends the listener: it drains and gives its ledger. */
  readonly signal?: AbortSignal;
  /**
   * Called once, when sockets, interfaces or file are open and before the first frame is read: what takes rights is done.
   * What it throws closes everything, and listen() rejects with it.
   */
  readonly onOpen?: (() => void) | undefined;
  readonly onEvent?: (event: ListenEvent) => void;
  /** Every request that the stages let pass; its bytes are valid only until this returns. False: it could not be shown. */
  readonly onRequest?: (captured: CapturedRequest) => boolean;
  /** Every response; its bytes are valid only until this returns. False: it could not be shown. Without it no body of a response is kept. */
  readonly onResponse?: (captured: CapturedResponse) => boolean;
  /** A promise to wait for before more of a file is read. */
  readonly pause?: () => Promise<void> | undefined;
  /** Stages behind the loop mark's. */
  readonly stages?: readonly Stage[];
}

/**
 * Listens until the file ends or the signal is aborted; then drains and gives the final ledger.
 * Where capturing fails on the way it does the same, and the ledger says why. Rejects, with nothing half-started, with
 * CaptureError or WireError where capture or sending cannot start.
 */
export async function listen(config: ListenConfig, options: ListenOptions = {}): Promise<ListenLedger> {
  const listener = new Listener(config, options);
  return listener.run();
}

class Listener {
  readonly #config: ListenConfig;
  readonly #options: ListenOptions;
  readonly #stages: readonly Stage[];
  readonly #reader: TrafficReader;
  readonly #counts = new RequestCounts();
  readonly #startedAt = new Date();
  /** Connections of which the sink took a request: their ends are told to it. */
  readonly #known = new Set<number>();
  #failure: Error | undefined;
  readonly #notices = new ProtocolNotices();
  readonly #load: LoadWatch;
  #notShown = 0;
  #advancedMs = 0;
  #sink: RequestSink = noSink;
  #source: FrameSource | undefined;

  constructor(config: ListenConfig, options: ListenOptions) {
    this.#config = config;
    this.#options = options;
    this.#stages = [leaveReplayed, ...(options.stages ?? [])];
    const { onResponse } = options;
    const handlers = {
      onRequest: (captured: CapturedRequest) => this.#take(captured),
      onReject: (reason: string) => this.#counts.drop(reason),
      ...(onResponse === undefined
        ? {}
        : { onResponse: (captured: CapturedResponse) => this.#show(onResponse(captured)) }),
      onOtherProtocol: ({ server }: Connection, protocol: string) => this.#notices.note(server.port, protocol),
      onConnectionEnd: (connection: Connection, timestampUs: number) => this.#endConnection(connection, timestampUs),
    };
    this.#reader = new TrafficReader(config, handlers, randomInt(MOST_SALT));
    this.#load = new LoadWatch({
      maxCpuShare: config.maxCpuShare,
      bufferFill: () => this.#source?.bufferFill(),
      onShare: (share) => this.#reader.shed(share),
      onNotice: (notice) => options.onEvent?.({ type: 'shedding', ...notice }),
    });
  }

  async run(): Promise<ListenLedger> {
    this.#sink = await this.#openSink();
    try {
      const onFrame = (frame: Parameters<TrafficReader['decoder']['push']>[0]) => this.#reader.decoder.push(frame);
      const sink = {
        onFrame,
        onInterfaceDown: (interfaceName: string) => this.#options.onEvent?.({ type: 'interface-down', interfaceName }),
        onInterfaceUp: (interfaceName: string) => this.#options.onEvent?.({ type: 'interface-up', interfaceName }),
        pause: () => this.#pause(),
        onOpen: this.#options.onOpen,
      };
      this.#source = await openFrameSource(this.#config, sink, this.#options.signal);
      await this.#listen(this.#source);
    } finally {
      this.#reader.close();
      this.#tellOtherProtocols();
      await this.#sink.close();
    }
    return this.#ledger(new Date());
  }

  async #listen(source: FrameSource): Promise<void> {
    const { signal, onEvent } = this.#options;
    const live = this.#config.source.kind === 'live';
    const timers = live ? [setInterval(() => this.#advance(), ADVANCE_EVERY_MS)] : [];
    if (live && this.#config.shedsLoad !== false) timers.push(setInterval(() => this.#load.look(), LOOK_EVERY_MS));
    if (live) timers.push(setTimeout(() => this.#tellSilence(), NO_FRAMES_AFTER_MS));
    try {
      const wire = this.#sink instanceof WireSink ? this.#sink : undefined;
      onEvent?.({
        ...{ type: 'ready', source, replayServers: wire?.replayServers ?? [] },
        ledger: () => this.#ledger(null),
      });
      wire?.tell(); // not before: until here something else may still have been wrong
      await Promise.race([source.ended, untilAborted(signal)]);
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      onEvent?.({ type: 'failed', error: this.#failure });
    } finally {
      for (const timer of timers) clearInterval(timer);
      await source.close();
    }
  }

  /** After a stall time goes on in steps: what waits to be read must not find its connection given up already. */
  #advance(): void {
    const nowMs = Date.now();
    const isStep = this.#advancedMs > 0 && nowMs > this.#advancedMs;
    this.#advancedMs = isStep ? Math.min(nowMs, this.#advancedMs + MAX_ADVANCE_MS) : nowMs;
    this.#reader.advance(this.#advancedMs * 1000);
    this.#tellOtherProtocols();
  }

  /** Where every port is watched, others than HTTP are to be expected. */
  #tellOtherProtocols(): void {
    if (this.#config.ports === 'any') return;
    for (const notice of this.#notices.take()) this.#options.onEvent?.({ type: 'other-protocol', ...notice });
  }

  #take(captured: CapturedRequest): void {
    const outcome = throughStages(this.#stages, captured);
    if (typeof outcome === 'string') return this.#counts.drop(outcome);
    const isShown = this.#options.onRequest?.(outcome) ?? true;
    this.#show(isShown);
    const refusal = isShown || this.#sink !== noSink ? this.#sink.take(outcome) : 'not-shown';
    if (refusal !== undefined) return this.#counts.drop(refusal);
    this.#counts.sent += 1;
    this.#known.add(captured.connection.id);
  }

  #show(isShown: boolean): void {
    if (!isShown) this.#notShown += 1;
  }

  #endConnection(connection: Connection, timestampUs: number): void {
    if (this.#known.delete(connection.id)) this.#sink.endConnection(connection, timestampUs);
  }

  #pause(): Promise<void> | undefined {
    return this.#sink.pause() ?? this.#options.pause?.();
  }

  #tellSilence(): void {
    if (this.#reader.decoder.counters().seen === 0) {
      this.#options.onEvent?.({ type: 'no-frames', afterMs: NO_FRAMES_AFTER_MS });
    }
  }

  async #openSink(): Promise<RequestSink> {
    const { replay } = this.#config;
    if (replay === undefined) return noSink;
    const { onEvent } = this.#options;
    return WireSink.open(
      { ...this.#config, replay },
      () => this.#totals(),
      (news) => onEvent?.({ type: 'replay-server', news }),
    );
  }

  #totals(): SenderTotals {
    const kernelDrops = this.#source?.kernelDrops();
    const counts = { captured: this.#counts.captured, dropped: this.#counts.dropped };
    return kernelDrops === undefined ? counts : { ...counts, kernelDrops };
  }

  #ledger(endedAt: Date | null): ListenLedger {
    const sink = this.#sink;
    const { decoder, assembler, shedder } = this.#reader;
    return {
      program: 'gor-listen',
      startedAt: this.#startedAt.toISOString(),
      endedAt: endedAt?.toISOString() ?? null,
      failure: this.#failure?.message ?? null,
      captured: this.#counts.captured,
      sent: this.#counts.sent,
      dropped: { ...this.#counts.dropped },
      frames: {
        ...decoder.counters(),
        kernelDrops: this.#source?.kernelDrops() ?? null,
        interfaceDowns: this.#source?.interfaceDowns() ?? 0,
      },
      shedding: { ...shedder.counters(), ...this.#load.history },
      connections: {
        ...assembler.counters(),
        otherDirection: this.#reader.otherDirection,
        otherProtocols: this.#reader.otherProtocols,
        opaque: this.#reader.opaque,
      },
      responses: this.#reader.responses,
      notShown: this.#notShown,
      skippedBytes: this.#reader.skippedBytes,
      ...(sink instanceof WireSink ? sink.counters() : { movedRecords: 0, replayServers: [] }),
    };
  }
}
