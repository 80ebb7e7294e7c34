// Connections spread over several replay servers: a sender for each, every connection to one of them, and to another one
// while that is silent. docs/wire-protocol.md, "Sender", "Spreading".

import { integerInRange } from './options.ts';
import type { WireRecord } from './record.ts';
import { Rendezvous } from './rendezvous.ts';
import type { SendRefusal } from './sending-options.ts';
import { openUdpSender } from './udp-sender.ts';
import type { SenderEvent, UdpSender, UdpSenderCounters, UdpSenderOptions } from './udp-sender-options.ts';

/** A server that is silent for so long is away: its connections go to the others. */
const AWAY_AFTER_MS = 3000;

/** What a spread sender tells, beside what its senders do: a server's connections go to the others, or to itself again. While all are away nothing. */
export type SpreadEvent =
  | SenderEvent
  | {
      readonly type: 'spread';
      /** The server's index. */
      readonly from: number;
      readonly to: 'others' | 'itself';
    };

/** What openSpreadSender takes: the options of each sender but for its server. */
export interface SpreadSenderOptions extends Omit<UdpSenderOptions, 'host' | 'port' | 'onEvent'> {
  /** At least one, none twice. */
  readonly servers: readonly { readonly host: string; readonly port: number }[];
  /** `server`: the index of the server that it is about. */
  readonly onEvent: (event: SpreadEvent, server: number) => void;
}

/** Made by openSpreadSender. */
export interface SpreadSender {
  /** One for each server, in their order, each with a session of its own. */
  readonly senders: readonly UdpSender[];
  /** Records taken by another server than their connection's first choice. */
  readonly movedRecords: number;
  /** Bytes of datagrams that wait to leave, of all senders. */
  readonly waitingBytes: number;
  /** As that of UdpSender; what the connection's server refuses is not given to another one. */
  send: (record: WireRecord) => undefined | SendRefusal;
  /** Of each sender. */
  counters: () => UdpSenderCounters[];
  /** Settles when everything taken so far is with the kernel, or the senders closed. */
  drain: () => Promise<void>;
  /** Closes all senders at once. May be called again. */
  close: () => Promise<void>;
  [Symbol.asyncDispose]: () => Promise<void>;
}

/**
 * Opens a sender for each server. Rejects with WireError where one of them cannot be had, with TypeError or RangeError
 * for an option; nothing stays open then.
 */
export async function openSpreadSender(options: SpreadSenderOptions): Promise<SpreadSender> {
  const { servers } = options;
  for (const { port } of servers) integerInRange('port', port, 1, 65_535);
  const spread = new Spread(options);
  const outcomes = await Promise.allSettled(servers.map((_, server) => openUdpSender(spread.optionsOf(server))));
  const opened = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure === undefined) return spread.over(opened);
  await Promise.all(opened.map((sender) => sender.close()));
  spread.end();
  throw failure.reason;
}

class Spread implements SpreadSender {
  senders: readonly UdpSender[] = [];
  readonly #options: SpreadSenderOptions;
  readonly #rendezvous: Rendezvous;
  readonly #timers: (NodeJS.Timeout | undefined)[] = [];
  /** As was told of each server: its connections go to the others. */
  readonly #isLeft: boolean[];
  #movedRecords = 0;
  #hasEnded = false;

  constructor(options: SpreadSenderOptions) {
    this.#options = options;
    this.#rendezvous = new Rendezvous(options.servers.map(({ host, port }) => `${host}:${port}`));
    this.#isLeft = options.servers.map(() => false);
  }

  optionsOf(server: number): UdpSenderOptions {
    const { servers, onEvent, ...rest } = this.#options;
    return {
      ...rest,
      ...servers[server]!,
      onEvent: (event) => {
        onEvent(event, server);
        if (event.type === 'receiver') this.#look(server, event.state === 'silent');
      },
    };
  }

  over(senders: readonly UdpSender[]): this {
    this.senders = senders;
    return this;
  }

  get movedRecords(): number {
    return this.#movedRecords;
  }

  get waitingBytes(): number {
    let bytes = 0;
    for (const sender of this.senders) bytes += sender.waitingBytes;
    return bytes;
  }

  send(record: WireRecord): undefined | SendRefusal {
    const server = this.#rendezvous.present(record.connection);
    const refusal = this.senders[server]!.send(record);
    if (refusal === undefined && this.#rendezvous.isAnyAway && server !== this.#rendezvous.first(record.connection)) {
      this.#movedRecords++;
    }
    return refusal;
  }

  counters(): UdpSenderCounters[] {
    return this.senders.map((sender) => sender.counters());
  }

  async drain(): Promise<void> {
    await Promise.all(this.senders.map((sender) => sender.drain()));
  }

  async close(): Promise<void> {
    this.end();
    await Promise.all(this.senders.map((sender) => sender.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** No server goes away or comes back after this. */
  end(): void {
    this.#hasEnded = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  /** A server became silent, or reports again. */
  #look(server: number, isSilent: boolean): void {
    clearTimeout(this.#timers[server]);
    if (this.#hasEnded) return;
    if (isSilent) this.#leaveWhereDue(server);
    else this.#setAway(server, false);
  }

  #leaveWhereDue(server: number): void {
    // Before all senders are open none is asked: it is looked at again.
    const silentMs = this.senders[server]?.silentForMs ?? 0;
    const waitMs = AWAY_AFTER_MS - silentMs;
    if (waitMs <= 0) return this.#setAway(server, true);
    this.#timers[server] = setTimeout(() => this.#leaveWhereDue(server), Math.max(1, waitMs));
  }

  /** Tells whose connections go elsewhere since. While all are away nothing is told: each keeps its own. */
  #setAway(server: number, isAway: boolean): void {
    if (!this.#rendezvous.setAway(server, isAway) || this.#rendezvous.areAllAway) return;
    for (let at = 0; at < this.#isLeft.length; at++) {
      const isLeft = this.#rendezvous.isLeft(at);
      if (isLeft === this.#isLeft[at]) continue;
      this.#isLeft[at] = isLeft;
      this.#options.onEvent({ type: 'spread', from: at, to: isLeft ? 'others' : 'itself' }, at);
    }
  }
}
