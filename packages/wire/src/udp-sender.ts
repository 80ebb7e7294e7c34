// The shell around a sending session: name, socket, clock, timers, and the randomness of the session's id. What is sent,
// when, and again is the session's business. docs/wire-protocol.md, "Sender".

import { randomBytes } from 'node:crypto';
import { AddressSearch } from './address-search.ts';
import { addressesOf, type ConnectedSocket, connectToFirst, type SocketHandlers } from './connected-socket.ts';
import { integerInRange } from './options.ts';
import { ProcessClock } from './process-clock.ts';
import type { ReceiverNews, ReceiverState } from './reachability.ts';
import type { WireRecord } from './record.ts';
import { type WireKey, wireKey } from './sealing.ts';
import { checkedLimits, type SendRefusal } from './sending-options.ts';
import { SendingSession } from './sending-session.ts';
import type { RemoteAddress, UdpSender, UdpSenderCounters, UdpSenderOptions } from './udp-sender-options.ts';

const ERROR_EVENT_INTERVAL_MS = 10_000;
/** So long at the end for what the kernel did not take yet. */
const LAST_SEND_MS = 20;

/** Resolves the name, connects the socket, and starts the session. Rejects with WireError, or TypeError or RangeError for an option. */
export async function openUdpSender(options: UdpSenderOptions): Promise<UdpSender> {
  integerInRange('port', options.port, 1, 65_535);
  checkedLimits(options);
  const key = options.key === undefined ? undefined : wireKey(options.key);
  const sender = new ShellOfSession(options);
  await sender.open(key);
  return sender;
}

class ShellOfSession implements UdpSender {
  readonly session = randomBytes(8).toString('hex');
  readonly #options: UdpSenderOptions;
  #socket!: ConnectedSocket;
  #session!: SendingSession;
  readonly #sendErrors: Record<string, number> = {};
  readonly #errorToldMs = new Map<string, number>();
  readonly #search: AddressSearch;
  readonly #clock = new ProcessClock(performance.now());
  /** Where the receiver is, as was told last. */
  #toldAddress = '';
  /** A send failed since the socket was connected. */
  #hasFailed = false;
  #timer: NodeJS.Timeout | undefined;
  #timerDueMs = 0;
  #turnEnd: NodeJS.Immediate | undefined;
  /** When the session's `advance` has something to do. */
  #advanceMs = 0;
  #waiters: (() => void)[] = [];
  #closing: Promise<void> | undefined;
  #finished: (() => void) | undefined;
  #isClosed = false;

  constructor(options: UdpSenderOptions) {
    this.#options = options;
    this.#search = new AddressSearch({
      target: options,
      handlers: this.#handlers(),
      isWanted: () => this.#session.state === 'silent' && this.#closing === undefined,
      onFound: (socket) => this.#readdress(socket),
    });
  }

  async open(key: WireKey | undefined): Promise<void> {
    const { host, resolve } = this.#options;
    this.#socket = await connectToFirst(await addressesOf(host, resolve), this.#options, this.#handlers());
    this.#toldAddress = this.remote.address;
    try {
      const { isLoopback } = this.#socket;
      const nowUs = (): number => Date.now() * 1000;
      const session = { session: this.session, key, isLoopback, nowUs, onReceiver: this.#onReceiver };
      this.#session = new SendingSession({ ...this.#options, ...session }, this.#now());
    } catch (error) {
      await this.#socket.close(); // an option is out of its range: nothing stays open
      throw error;
    }
    this.#goOn(this.#now());
  }

  get remote(): RemoteAddress {
    return this.#socket.remote;
  }

  get state(): ReceiverState {
    return this.#session.state;
  }

  get silentForMs(): number | undefined {
    const sinceMs = this.#session.silentSinceMs;
    return sinceMs === undefined ? undefined : this.#now() - sinceMs;
  }

  get waitingBytes(): number {
    return this.#session.waitingBytes;
  }

  send(record: WireRecord): undefined | SendRefusal {
    const nowMs = this.#now();
    const refusal = this.#session.add(record, nowMs);
    if (refusal === 'closed') return refusal;
    // A busy capture loop can starve timers.
    if (nowMs >= this.#advanceMs) this.#goOn(nowMs);
    else this.#pump(nowMs);
    if (!this.#session.isIdle) this.#turnEnd ??= setImmediate(this.#onTurnEnd);
    return refusal;
  }

  counters(): UdpSenderCounters {
    return {
      ...this.#session.counters(),
      sendErrors: { ...this.#sendErrors },
      remote: { ...this.remote },
      resolutions: this.#search.counters(),
    };
  }

  drain(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    const nowMs = this.#now();
    this.#session.flush();
    this.#goOn(nowMs);
    if (this.#isIdle) return Promise.resolve();
    return new Promise((resolve) => void this.#waiters.push(resolve));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #isIdle(): boolean {
    return this.#session.isIdle && this.#socket.isSettled;
  }

  #now(): number {
    return this.#clock.at(performance.now());
  }

  #handlers(): SocketHandlers {
    return {
      onDatagram: (datagram) => {
        const nowMs = this.#now();
        this.#session.report(datagram, nowMs);
        this.#goOn(nowMs);
      },
      onError: (code) => this.#failed(code),
      onSettled: () => {
        if (this.#waiters.length > 0 && this.#isIdle) this.#wakeWaiters();
      },
    };
  }

  /** Hands to the socket what may leave now. */
  #pump(nowMs: number): void {
    while (this.#socket.hasRoom) {
      const datagram = this.#session.next(nowMs);
      if (datagram === undefined) break;
      this.#socket.send(datagram);
    }
  }

  /** Records come in batches, one a turn of the event loop: what a batch leaves in a datagram gets no more company. */
  readonly #onTurnEnd = (): void => {
    this.#turnEnd = undefined;
    if (this.#isClosed) return;
    const nowMs = this.#now();
    this.#session.flush();
    this.#goOn(nowMs);
  };

  /** Brings the time to the session, sends, and sets the timer for what is next. */
  #goOn(nowMs: number): void {
    this.#session.advance(nowMs);
    const sinceMs = this.#session.silentSinceMs;
    if (sinceMs !== undefined && this.#closing === undefined) {
      this.#search.advance(sinceMs, this.remote.address, this.#hasFailed, nowMs);
    }
    this.#pump(nowMs);
    this.#advanceMs = nowMs + this.#session.dueMs(nowMs);
    this.#wakeAt(Math.min(this.#advanceMs, nowMs + this.#session.waitMs(nowMs)), nowMs);
    if (this.#finished !== undefined && this.#session.isFinished(nowMs)) this.#finished();
  }

  #wakeAt(dueMs: number, nowMs: number): void {
    if (this.#timer !== undefined) {
      if (this.#timerDueMs <= dueMs + 0.5) return;
      clearTimeout(this.#timer);
    }
    const waitMs = Math.max(1, dueMs - nowMs);
    this.#timerDueMs = nowMs + waitMs;
    this.#timer = setTimeout(this.#onTimer, waitMs);
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    if (!this.#isClosed) this.#goOn(this.#now());
  };

  #failed(code: string): void {
    const nowMs = this.#now();
    const count = (this.#sendErrors[code] ?? 0) + 1;
    this.#sendErrors[code] = count;
    if (code === 'ECONNREFUSED') return this.#refused(nowMs);
    this.#hasFailed = true;
    const toldMs = this.#errorToldMs.get(code);
    if (toldMs !== undefined && nowMs - toldMs < ERROR_EVENT_INTERVAL_MS) return;
    this.#errorToldMs.set(code, nowMs);
    this.#options.onEvent({ type: 'send-error', code, count });
  }

  #refused(nowMs: number): void {
    this.#session.refused(nowMs);
    const sinceMs = this.#session.silentSinceMs;
    if (sinceMs !== undefined) this.#search.refused(sinceMs, this.remote.address, nowMs);
  }

  readonly #onReceiver = ({ type: state }: ReceiverNews): void => {
    const { remote } = this;
    if (state === 'receiving' && remote.address !== this.#toldAddress) {
      this.#toldAddress = remote.address;
      this.#options.onEvent({ type: 'readdressed', ...remote });
    }
    this.#options.onEvent({ type: 'receiver', state, ...remote });
  };

  #readdress(socket: ConnectedSocket): void {
    const nowMs = this.#now();
    void this.#socket.close();
    this.#socket = socket;
    this.#hasFailed = false;
    this.#session.readdressed(nowMs, socket.isLoopback);
    this.#goOn(nowMs);
  }

  async #close(): Promise<void> {
    // The caller's counters are complete once this call returned, so the final totals are asked for after that.
    this.#session.finish(this.#now());
    await new Promise<void>((resolve) => {
      this.#finished = resolve;
      this.#wakeAt(0, this.#now());
    });
    const untilMs = this.#now() + LAST_SEND_MS;
    while (!this.#isIdle && this.#now() < untilMs) await delay(1);
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearImmediate(this.#turnEnd);
    this.#wakeWaiters();
    await this.#socket.close();
  }

  #wakeWaiters(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
