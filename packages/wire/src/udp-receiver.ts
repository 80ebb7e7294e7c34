// The socket shell around the decoder: a bound socket, its buffer, a clock. What datagrams mean is not its business.

import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { WireDecoder } from './decoder.ts';
import type { DecoderLimits, SessionEndReason } from './decoder-options.ts';
import { systemCode, wireError } from './errors.ts';
import { integerInRange, receiverDefaults } from './options.ts';
import type { ReceiverLedger } from './receiver-ledger.ts';
import type { WireRecord } from './record.ts';
import type { DatagramSource } from './reporter.ts';
import { wireKey } from './sealing.ts';
import type { SessionView } from './session-view.ts';
import { SourceNetworks } from './source-networks.ts';
import type { UnopenedReason } from './unopened-watch.ts';

/**
 * What a receiver tells: its socket had an error (the system's code), and is read on; or, at most once a minute for each
 * source and reason and four times in all, that datagrams came which do not fit its keys, and how many since that was told last.
 */
export type ReceiverEvent =
  | { readonly type: 'socket-error'; readonly code: string }
  | {
      readonly type: 'unopened';
      readonly reason: UnopenedReason;
      readonly address: string;
      readonly port: number;
      readonly datagrams: number;
    };

/** What openUdpReceiver takes. */
export interface UdpReceiverOptions {
  /** Address or name to listen on; default `0.0.0.0`. `::` listens on IPv6 and IPv4. */
  readonly host?: string;
  /** Default 28020; 0 takes a free one. */
  readonly port?: number;
  /** Kernel buffer to ask for, in bytes; default 8 MiB. The kernel may give less: see `receiveBufferBytes`. */
  readonly receiveBufferBytes?: number;
  /** Keys of 32 bytes. With them only what is sealed under one of them is taken; without, only plaintext. */
  readonly keys?: readonly Uint8Array[];
  /** Networks or addresses (`10.0.0.0/8`, `::1`) whose datagrams are taken; default: all. An IPv4 address in IPv6 counts as IPv4. */
  readonly from?: readonly string[];
  /** With how many requests the owner has not finished; the senders are told. */
  readonly backlog?: () => number;
  readonly limits?: Partial<DecoderLimits>;
  /**
   * Called for each record, in the order of its connection; it must not throw. The record is valid until it returns. Nobody writes
   * into its payload any more: it may be kept, and keeps the datagram, or the joined record, of which it is a view.
   */
  readonly onRecord: (record: WireRecord, session: SessionView) => void;
  /** Called before the first record of a session, and again where one that was silent goes on. */
  readonly onSessionStart?: (session: SessionView) => void;
  /** Called once for each start, after the session's last record. */
  readonly onSessionEnd?: (session: SessionView, reason: SessionEndReason) => void;
  readonly onEvent?: (event: ReceiverEvent) => void;
}

/** Made by openUdpReceiver. */
export interface UdpReceiver {
  readonly address: string;
  readonly port: number;
  /** What the kernel gave, as it counts (Linux doubles what was asked, up to twice net.core.rmem_max). */
  readonly receiveBufferBytes: number;
  /** What was asked for, as the kernel would count it: less than half of it given means that bursts are lost. */
  readonly askedBufferBytes: number;
  ledger: () => ReceiverLedger;
  /** Replaces the keys; sessions under a key that is gone end. RangeError unless each has 32 bytes, TypeError where two have one id. Nothing happens once it is closed. */
  setKeys: (keys: readonly Uint8Array[]) => void;
  /** Takes what the kernel holds already, delivers what waits for its order, then closes the socket; no handler is called after. May be called again. */
  close: () => Promise<void>;
  [Symbol.asyncDispose]: () => Promise<void>;
}

/** The decoder's time goes on by at most this more than the time between two looks at the clock: what a stalled process has
 * not yet read from its socket must count neither as silence nor as missing. */
const MAX_DELAY_MS = 50;
/** Turns of the event loop that closing waits for at most; each reads some 30 datagrams, and a sender may not stop. */
const MAX_DRAIN_TURNS = 200;
/** One turn may be over before its sockets are looked at. */
const QUIET_TURNS = 2;

/** Linux doubles what it is asked for, for its own bookkeeping, and counts so in its answer. */
const KERNEL_BYTES_PER_ASKED = process.platform === 'linux' ? 2 : 1;

/** Binds the socket; rejects with a WireError, or for misuse with a TypeError or RangeError. */
export async function openUdpReceiver(options: UdpReceiverOptions): Promise<UdpReceiver> {
  const host = options.host ?? receiverDefaults.host;
  const port = integerInRange('port', options.port ?? receiverDefaults.port, 0, 65_535);
  const receiveBufferBytes = options.receiveBufferBytes ?? receiverDefaults.receiveBufferBytes;
  integerInRange('receiveBufferBytes', receiveBufferBytes, 1, 2 ** 31 - 1);
  const decoder = new SocketDecoder(options);
  const address = await resolve(host);
  const socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(port, address, resolve);
    });
  } catch (error) {
    socket.close();
    throw wireError(`listen on ${host}:${port}`, error);
  }
  socket.removeAllListeners('error');
  askForBuffer(socket, receiveBufferBytes);
  return new BoundReceiver(socket, decoder, receiveBufferBytes, options.onEvent);
}

async function resolve(host: string): Promise<string> {
  try {
    const addresses = await lookup(host, { all: true, verbatim: true });
    return addresses.sort((a, b) => a.family - b.family)[0]?.address ?? host;
  } catch (error) {
    throw wireError(`find an address for ${host}`, error);
  }
}

function askForBuffer(socket: Socket, bytes: number): void {
  try {
    socket.setRecvBufferSize(bytes);
  } catch {
    // Some systems refuse instead of giving less; the default buffer then stays, and is shown.
  }
}

/** The decoder with what only a shell has: randomness, a clock, networks, a way to send. */
class SocketDecoder {
  readonly decoder: WireDecoder;
  readonly #networks: SourceNetworks | undefined;
  #foreign = 0;
  #clockMs = performance.now();
  #nowMs = 0;
  #nextLookMs = 0;
  /** Set once there is a socket. */
  send: (datagram: Uint8Array, to: DatagramSource) => void = () => undefined;

  constructor({ keys = [], from, onEvent, ...options }: UdpReceiverOptions) {
    this.#networks = from === undefined ? undefined : new SourceNetworks(from);
    this.decoder = new WireDecoder({
      ...options,
      receiver: randomId(),
      keys: keys.map(wireKey),
      onReport: (datagram, to) => this.send(datagram, to),
      onUnopened: ({ reason, from: { address, port }, datagrams }) =>
        onEvent?.({ type: 'unopened', reason, address, port, datagrams }),
    });
  }

  push(datagram: Uint8Array, from: DatagramSource): void {
    if (this.#networks?.has(from.address) === false) this.#foreign++;
    else this.decoder.push(datagram, from, this.#lookAtClock());
  }

  /** Does what is due by time; gives in how many milliseconds it is due again. */
  advance(): number {
    const nowMs = this.#lookAtClock();
    this.decoder.advance(nowMs);
    return this.dueMs();
  }

  dueMs(): number {
    this.#nextLookMs = this.decoder.dueMs();
    return this.#nextLookMs;
  }

  ledger(): ReceiverLedger {
    const ledger = this.decoder.ledger();
    if (this.#foreign === 0) return ledger;
    return { ...ledger, rejectedDatagrams: { ...ledger.rejectedDatagrams, 'other-source': this.#foreign } };
  }

  #lookAtClock(): number {
    const clockMs = performance.now();
    this.#nowMs += Math.min(this.#nextLookMs + MAX_DELAY_MS, clockMs - this.#clockMs);
    this.#clockMs = clockMs;
    return this.#nowMs;
  }
}

/** Eight random bytes, not all zero. */
function randomId(): string {
  const id = randomBytes(8).toString('hex');
  return /[^0]/.test(id) ? id : randomId();
}

class BoundReceiver implements UdpReceiver {
  readonly address: string;
  readonly port: number;
  readonly receiveBufferBytes: number;
  readonly askedBufferBytes: number;
  readonly #socket: Socket;
  readonly #decoder: SocketDecoder;
  #timer: NodeJS.Timeout | undefined;
  #timerMs = Number.POSITIVE_INFINITY;
  #datagrams = 0;
  #closing: Promise<void> | undefined;
  #isClosed = false;

  constructor(socket: Socket, decoder: SocketDecoder, asked: number, onEvent: UdpReceiverOptions['onEvent']) {
    const { address, port } = socket.address();
    this.address = address;
    this.port = port;
    this.receiveBufferBytes = socket.getRecvBufferSize();
    this.askedBufferBytes = asked * KERNEL_BYTES_PER_ASKED;
    this.#socket = socket;
    this.#decoder = decoder;
    const tell = (error: unknown): void => onEvent?.({ type: 'socket-error', code: systemCode(error) });
    // A report that cannot leave is told as any error of the socket is, also one that the socket throws at once.
    decoder.send = (datagram, to) => {
      try {
        socket.send(datagram, to.port, to.address, (error) => void (error && tell(error)));
      } catch (error) {
        tell(error);
      }
    };
    socket.on('message', ({ buffer, byteOffset, length }, from) => {
      this.#datagrams++;
      this.#decoder.push(new Uint8Array(buffer, byteOffset, length), from);
      this.#wakeIn(this.#decoder.dueMs());
    });
    socket.on('error', tell);
    this.#wakeIn(this.#decoder.dueMs());
  }

  ledger(): ReceiverLedger {
    return this.#decoder.ledger();
  }

  setKeys(keys: readonly Uint8Array[]): void {
    if (!this.#isClosed) this.#decoder.decoder.setKeys(keys.map(wireKey));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    for (let turn = 0, quietTurns = 0; turn < MAX_DRAIN_TURNS && quietTurns < QUIET_TURNS; turn++) {
      const before = this.#datagrams;
      await setImmediate();
      quietTurns = this.#datagrams === before ? quietTurns + 1 : 0;
    }
    clearTimeout(this.#timer);
    this.#timerMs = 0;
    this.#decoder.send = () => undefined;
    this.#isClosed = true;
    try {
      this.#decoder.decoder.close();
    } finally {
      await new Promise<void>((resolve) => void this.#socket.close(() => resolve()));
    }
  }

  /** Sets the timer, unless it is set for that time or sooner. */
  #wakeIn(dueMs: number): void {
    if (dueMs >= this.#timerMs) return;
    clearTimeout(this.#timer);
    this.#timerMs = dueMs;
    this.#timer = setTimeout(() => {
      this.#timerMs = Number.POSITIVE_INFINITY;
      this.#wakeIn(this.#decoder.advance());
    }, dueMs);
  }
}
