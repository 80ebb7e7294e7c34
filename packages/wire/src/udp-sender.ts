// The socket shell around the encoder: name, socket, clock, timers, queue, and the randomness of the session's id.
// Loss, numbering and format are not its business. docs/wire-protocol.md, "Sender".

import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { DatagramQueue } from './datagram-queue.ts';
import { WireEncoder } from './encoder.ts';
import { systemCode, wireError } from './errors.ts';
import { datagramBytesRange, integerInRange, senderDefaults } from './options.ts';
import { Pacer } from './pacer.ts';
import { PROBE_INTERVAL_MS, Reachability } from './reachability.ts';
import { RECORD_HEADER_BYTES, type WireRecord } from './record.ts';
import type { SenderTotals } from './totals.ts';
import type { SenderEvent, SendRefusal, UdpSender, UdpSenderCounters, UdpSenderOptions } from './udp-sender-options.ts';

const TOTALS_INTERVAL_MS = 1000;
const ERROR_EVENT_INTERVAL_MS = 10_000;
const CLOSE_TIMEOUT_MS = 4000;
const LAST_SEND_MS = 20;
/** Pauses before each copy of the final totals: the last one finds even a receiver that was late when the others came. */
const FINAL_TOTALS_PAUSES_MS = [0, 20, 250];
/** So many sends may be with the kernel without an outcome. */
const MAX_OPEN_SENDS = 1024;
/** Asked of the kernel, so that a burst of ours waits there and not here. */
const SEND_BUFFER_BYTES = 1024 * 1024;

/** Resolves the name, connects the socket, and starts the session. Rejects with a WireError. */
export async function openUdpSender(options: UdpSenderOptions): Promise<UdpSender> {
  integerInRange('port', options.port, 1, 65_535);
  const { min, max } = datagramBytesRange;
  integerInRange('maxDatagramBytes', options.maxDatagramBytes ?? senderDefaults.maxDatagramBytes, min, max);
  integerInRange('flushAfterMs', options.flushAfterMs ?? senderDefaults.flushAfterMs, 0, 1000);
  integerInRange('queueBytes', options.queueBytes ?? senderDefaults.queueBytes, 1, 2 ** 32);
  const session = options.session ?? randomBytes(8).toString('hex');
  const socket = await connectToFirst(await resolve(options.host), options.host, options.port);
  try {
    return new ConnectedSender(socket, session, options);
  } catch (error) {
    socket.close(); // an option is out of its range: nothing stays open
    throw error;
  }
}

async function resolve(host: string): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  try {
    const addresses = await lookup(host, { all: true, verbatim: true });
    return addresses.sort((a, b) => a.family - b.family).map(({ address }) => address);
  } catch (error) {
    throw wireError(`find an address for ${host}`, error);
  }
}

/** Connecting a UDP socket sends nothing: it fails only where there is no way to an address, and then the next is tried. */
async function connectToFirst(addresses: readonly string[], host: string, port: number): Promise<Socket> {
  let failure: unknown;
  for (const address of addresses) {
    const socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4');
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.connect(port, address, resolve);
      });
      socket.removeAllListeners('error');
      return socket;
    } catch (error) {
      socket.close();
      failure = error;
    }
  }
  throw wireError(`send to ${host}:${port}`, failure);
}

class ConnectedSender implements UdpSender {
  readonly session: string;
  readonly remote: { readonly address: string; readonly port: number };
  readonly #socket: Socket;
  readonly #totals: () => SenderTotals;
  readonly #onEvent: (event: SenderEvent) => void;
  readonly #maxRecordBytes: number;
  readonly #queueBytes: number;
  readonly #encoder: WireEncoder;
  readonly #queue = new DatagramQueue();
  readonly #pacer: Pacer;
  readonly #reachability: Reachability;
  readonly #refused = { 'queue-full': 0, 'no-receiver': 0, 'too-long': 0, closed: 0 };
  #refusedRequests = 0;
  readonly #sendErrors: Record<string, number> = {};
  readonly #errorToldMs = new Map<string, number>();
  #abandonedDatagrams = 0;
  #timer: NodeJS.Timeout | undefined;
  #turnEnd: NodeJS.Immediate | undefined;
  #timerDueMs = 0;
  readonly #totalsTimer: NodeJS.Timeout;
  #probeTimer: NodeJS.Timeout | undefined;
  #drainWaiters: (() => void)[] = [];
  #closing: Promise<void> | undefined;
  #isSocketClosed = false;

  constructor(socket: Socket, session: string, options: UdpSenderOptions) {
    this.session = session;
    this.#socket = socket;
    const { address, port } = socket.remoteAddress();
    this.remote = { address, port };
    this.#totals = options.totals;
    this.#onEvent = options.onEvent;
    this.#maxRecordBytes = options.maxRecordBytes ?? senderDefaults.maxRecordBytes;
    this.#queueBytes = options.queueBytes ?? senderDefaults.queueBytes;
    this.#encoder = new WireEncoder({ ...options, session, onDatagram: (datagram) => this.#queue.push(datagram) });
    this.#pacer = new Pacer(performance.now());
    this.#reachability = new Reachability(address);
    try {
      socket.setSendBufferSize(SEND_BUFFER_BYTES);
    } catch {
      // A smaller buffer only makes more sends wait in our queue.
    }
    // A refusal reaches us as an error of the socket where reading meets it first, else as that of the next send.
    socket.on('error', (error) => this.#failed(error));
    this.#totalsTimer = setInterval(() => this.#sendTotals(false), TOTALS_INTERVAL_MS);
    this.#sendTotals(false);
  }

  send(record: WireRecord): undefined | SendRefusal {
    const refusal = this.#refusal(record);
    if (refusal !== undefined) {
      this.#refused[refusal]++;
      if (record.kind === 'request') this.#refusedRequests++;
      return refusal;
    }
    const nowMs = performance.now();
    this.#encoder.add(record, nowMs);
    this.#pump(nowMs);
    return undefined;
  }

  counters(): UdpSenderCounters {
    return {
      ...this.#encoder.counters(),
      refused: { ...this.#refused },
      refusedRequests: this.#refusedRequests,
      sendErrors: { ...this.#sendErrors },
      abandonedDatagrams: this.#abandonedDatagrams,
      waitingBytes: this.#queue.waitingBytes,
      isReachable: !this.#reachability.isDown,
    };
  }

  drain(): Promise<void> {
    if (this.#isSocketClosed) return Promise.resolve();
    this.#encoder.flush();
    this.#pump(performance.now());
    if (this.#isIdle) return Promise.resolve();
    return new Promise((resolve) => void this.#drainWaiters.push(resolve));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #isIdle(): boolean {
    return this.#queue.waiting === 0 && this.#queue.open === 0 && this.#encoder.waitingSinceMs === undefined;
  }

  #refusal(record: WireRecord): SendRefusal | undefined {
    if (this.#closing !== undefined) return 'closed';
    if (RECORD_HEADER_BYTES + record.payload.length > this.#maxRecordBytes) return 'too-long';
    if (this.#reachability.isDown) return 'no-receiver';
    const { waitingBytes } = this.#queue;
    const isFull = waitingBytes + this.#encoder.datagramBytesFor(record.payload.length) > this.#queueBytes;
    return waitingBytes > 0 && isFull ? 'queue-full' : undefined;
  }

  /** Hands to the socket what the pacer lets go, and sets the timer for the rest. Called by sends as well as by the
   * timer, because a busy capture loop can starve timers. */
  #pump(nowMs: number): void {
    for (let next = this.#queue.peek(); next !== undefined; next = this.#queue.peek()) {
      if (this.#queue.open >= MAX_OPEN_SENDS || !this.#pacer.take(next, nowMs)) break;
      this.#queue.take();
      this.#socket.send(next, this.#onSettled);
    }
    const next = this.#queue.peek();
    if (next !== undefined) this.#wakeAt(nowMs + Math.max(1, this.#pacer.waitMs(next, nowMs)), nowMs);
    if (this.#encoder.waitingSinceMs !== undefined) this.#turnEnd ??= setImmediate(this.#onTurnEnd);
  }

  /** Records come in batches, one a turn of the event loop: what a batch leaves in a datagram gets no more company. */
  readonly #onTurnEnd = (): void => {
    this.#turnEnd = undefined;
    this.#encoder.flush();
    this.#pump(performance.now());
  };

  #wakeAt(dueMs: number, nowMs: number): void {
    if (this.#timer !== undefined) {
      if (this.#timerDueMs <= dueMs + 0.5) return;
      clearTimeout(this.#timer);
    }
    this.#timerDueMs = dueMs;
    this.#timer = setTimeout(this.#onTimer, dueMs - nowMs);
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    if (this.#isSocketClosed) return;
    this.#pump(performance.now());
  };

  readonly #onSettled = (error: Error | null): void => {
    const datagram = this.#queue.settle();
    if (error !== null && error !== undefined) {
      // The refusal is that of an earlier datagram, and this one was not sent: once more, since somebody may be back.
      if (systemCode(error) === 'ECONNREFUSED' && datagram !== undefined && !this.#isSocketClosed) {
        this.#socket.send(datagram, this.#onSentAgain);
      }
      this.#failed(error);
    }
    if (this.#drainWaiters.length > 0 && this.#isIdle) this.#wakeWaiters();
  };

  readonly #onSentAgain = (error: Error | null): void => {
    if (error !== null && error !== undefined) this.#failed(error);
  };

  #failed(error: Error): void {
    const nowMs = performance.now();
    const code = systemCode(error);
    const count = (this.#sendErrors[code] ?? 0) + 1;
    this.#sendErrors[code] = count;
    if (code === 'ECONNREFUSED') {
      if (!this.#reachability.refused(nowMs) || this.#isSocketClosed) return;
      this.#probeTimer ??= setInterval(this.#onProbeTimer, PROBE_INTERVAL_MS);
      this.#onEvent({ type: 'unreachable', ...this.remote });
      return;
    }
    const toldMs = this.#errorToldMs.get(code);
    if (toldMs !== undefined && nowMs - toldMs < ERROR_EVENT_INTERVAL_MS) return;
    this.#errorToldMs.set(code, nowMs);
    this.#onEvent({ type: 'send-error', code, count });
  }

  readonly #onProbeTimer = (): void => {
    const due = this.#reachability.due(performance.now());
    if (due === 'probe') this.#sendTotals(false);
    if (due !== 'reachable') return;
    clearInterval(this.#probeTimer);
    this.#probeTimer = undefined;
    this.#onEvent({ type: 'reachable', ...this.remote });
  };

  #sendTotals(final: boolean): void {
    const nowMs = performance.now();
    this.#encoder.addTotals({ ...this.#totals(), final, start: undefined, resendFrom: 0 }, Date.now() * 1000, nowMs);
    this.#pump(nowMs);
  }

  async #close(): Promise<void> {
    // The caller's counters are complete once this call returned, so the final totals are asked for after that.
    const deadlineMs = performance.now() + CLOSE_TIMEOUT_MS;
    clearInterval(this.#totalsTimer);
    await this.#drainUntil(deadlineMs);
    this.#abandonedDatagrams = this.#queue.clear();
    for (const pauseMs of FINAL_TOTALS_PAUSES_MS) {
      await delay(pauseMs);
      this.#sendTotals(true);
    }
    await this.#drainUntil(performance.now() + LAST_SEND_MS);
    this.#isSocketClosed = true;
    clearTimeout(this.#timer);
    clearImmediate(this.#turnEnd);
    clearInterval(this.#probeTimer);
    this.#wakeWaiters();
    await new Promise<void>((resolve) => void this.#socket.close(resolve));
  }

  async #drainUntil(deadlineMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Math.max(0, deadlineMs - performance.now()));
    });
    await Promise.race([this.drain(), timeout]);
    clearTimeout(timer);
  }

  #wakeWaiters(): void {
    const waiters = this.#drainWaiters;
    this.#drainWaiters = [];
    for (const wake of waiters) wake();
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
