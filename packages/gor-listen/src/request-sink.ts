// Where captured requests go: over the wire to replay servers, or nowhere but to whoever shows them.
import type { Connection } from '@gor/capture';
import { formatHostPort, type HostPort } from '@gor/cli';
import { openSpreadSender, type SenderTotals, type SpreadEvent, type SpreadSender } from '@gor/wire';
import type { ListenLedger } from './listen-ledger.ts';
import type { ListenConfig } from './options.ts';
import type { CapturedRequest } from './stages.ts';

/** Of the senders' queues: far below their limit, so that what one piece of a file holds always fits. */
const PAUSE_ABOVE_BYTES = 1024 * 1024;

/** The end of the listener's way. */
export interface RequestSink {
  /** Takes the request, or names the reason why not. The bytes are copied before it returns. */
  readonly take: (captured: CapturedRequest) => string | undefined;
  /** No request of this connection, of which at least one was taken, comes any more. */
  readonly endConnection: (connection: Connection, timestampUs: number) => void;
  /** A promise to wait for before more of a file is read. */
  readonly pause: () => Promise<void> | undefined;
  /** Sends what waits; resolves when all has left or was given up. */
  readonly close: () => Promise<void>;
}

/** A replay server as it was given, and where it is. */
export interface ReplayServer {
  /** `host:port` as it was given, an IPv6 address in brackets. */
  readonly server: string;
  /** The IP address that datagrams go to now. */
  readonly address: string;
}

/** What is known of a replay server: each once a change. */
export type ReplayServerEvent =
  /** It reports; `received` and `lost` requests as it last said. `isBack`: it was silent before. */
  | ({
      readonly type: 'receiving';
      readonly received: number;
      readonly lost: number;
      readonly isBack: boolean;
    } & ReplayServer)
  /** Nothing came from it for 2 s, or its host refuses datagrams. */
  | ({ readonly type: 'silent' } & ReplayServer)
  /** It was silent, and answers from another address of its name. */
  | ({ readonly type: 'readdressed' } & ReplayServer)
  /** Its connections go to the other servers, because it is silent; or to itself again. */
  | ({ readonly type: 'spread'; readonly to: 'others' | 'itself' } & ReplayServer)
  | ({ readonly type: 'send-error'; readonly code: string } & ReplayServer);

/** Sends requests and connection ends as records. */
export class WireSink implements RequestSink {
  readonly #servers: readonly string[];
  readonly #onEvent: (event: ReplayServerEvent) => void;
  /** Servers of which it was said that they are silent. */
  readonly #silent = new Set<number>();
  #sender: SpreadSender | undefined;
  #isTelling = false;

  private constructor(servers: readonly HostPort[], onEvent: (event: ReplayServerEvent) => void) {
    this.#servers = servers.map(({ host, port }) => formatHostPort(host, port));
    this.#onEvent = onEvent;
  }

  /** Rejects with WireError where a server's name cannot be resolved. Of the servers nothing is told before `tell()`. */
  static async open(
    config: ListenConfig & { readonly replay: readonly HostPort[] },
    totals: () => SenderTotals,
    onEvent: (event: ReplayServerEvent) => void,
  ): Promise<WireSink> {
    const { replay: servers, key, maxDatagramBytes, resendBytes } = config;
    const sink = new WireSink(servers, onEvent);
    sink.#sender = await openSpreadSender({
      servers,
      totals,
      ...(key === undefined ? {} : { key }),
      ...(maxDatagramBytes === undefined ? {} : { maxDatagramBytes }),
      ...(resendBytes === undefined ? {} : { resendBytes }),
      onEvent: (event, at) => sink.#hear(event, at),
    });
    return sink;
  }

  /** From now on events are given; first what is known already. */
  tell(): void {
    this.#isTelling = true;
    for (const [at, { state }] of this.#open.senders.entries()) if (state !== 'unknown') this.#tellState(state, at);
  }

  get replayServers(): readonly ReplayServer[] {
    return this.#servers.map((_, at) => this.#serverAt(at));
  }

  /** The members of the listener's ledger. */
  counters(): Pick<ListenLedger, 'replayServers' | 'movedRecords'> {
    const { senders, movedRecords } = this.#open;
    const replayServers = senders.map((sender, at) => ({
      replayServer: this.#servers[at]!,
      session: sender.session,
      ...sender.counters(),
    }));
    return { movedRecords, replayServers };
  }

  readonly take = ({ request, connection }: CapturedRequest): string | undefined =>
    this.#open.send({
      kind: 'request',
      timestampUs: request.firstByteUs,
      connection: connection.id,
      index: request.index,
      payload: request.bytes,
    });

  readonly endConnection = (connection: Connection, timestampUs: number): void => {
    this.#open.send({ kind: 'connection-end', timestampUs, connection: connection.id, index: 0, payload: NOTHING });
  };

  /** A file is read no faster than its requests can leave; a live capture cannot be asked to wait. */
  readonly pause = (): Promise<void> | undefined =>
    this.#open.waitingBytes > PAUSE_ABOVE_BYTES ? this.#open.drain() : undefined;

  readonly close = (): Promise<void> => this.#open.close();

  get #open(): SpreadSender {
    if (this.#sender === undefined) throw new Error('the sender is not open yet');
    return this.#sender;
  }

  #serverAt(at: number): ReplayServer {
    return { server: this.#servers[at]!, address: this.#open.senders[at]!.remote.address };
  }

  #hear(event: SpreadEvent, at: number): void {
    if (!this.#isTelling) return; // what of it still holds is told then
    if (event.type === 'receiver') return this.#tellState(event.state, at);
    if (event.type === 'send-error') this.#onEvent({ type: 'send-error', code: event.code, ...this.#serverAt(at) });
    else if (event.type === 'spread') this.#onEvent({ type: 'spread', to: event.to, ...this.#serverAt(at) });
    else this.#onEvent({ type: 'readdressed', ...this.#serverAt(at) });
  }

  #tellState(state: 'receiving' | 'silent', at: number): void {
    const server = this.#serverAt(at);
    if (state === 'silent') {
      this.#silent.add(at);
      this.#onEvent({ type: 'silent', ...server });
      return;
    }
    const { received, lost } = this.#open.senders[at]!.counters().receiver;
    this.#onEvent({ type: 'receiving', received, lost, isBack: this.#silent.delete(at), ...server });
  }
}

/** Takes every request and sends none: for a listener that only shows them. */
export const noSink: RequestSink = {
  take: () => undefined,
  endConnection: () => {},
  pause: () => undefined,
  close: async () => {},
};

const NOTHING = new Uint8Array(0);
