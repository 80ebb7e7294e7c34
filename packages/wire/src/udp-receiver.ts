// The socket shell around the decoder: a bound socket, its buffer, a clock. What datagrams mean is not its business.

import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { type DecoderLimits, type ReceiverLedger, type SessionEndReason, WireDecoder } from './decoder.ts';
import { systemCode, wireError } from './errors.ts';
import { integerInRange, receiverDefaults } from './options.ts';
import type { WireRecord } from './record.ts';
import type { SessionView } from './session.ts';

/** What a receiver tells: its socket had an error (the system's code), and is read on. */
export interface ReceiverEvent {
  readonly type: 'socket-error';
  readonly code: string;
}

/** What openUdpReceiver takes. */
export interface UdpReceiverOptions {
  /** Address or name to listen on; default `0.0.0.0`. `::` listens on IPv6 and IPv4. */
  readonly host?: string;
  /** Default 28020; 0 takes a free one. */
  readonly port?: number;
  /** Kernel buffer to ask for, in bytes; default 8 MiB. The kernel may give less: see `receiveBufferBytes`. */
  readonly receiveBufferBytes?: number;
  readonly limits?: Partial<DecoderLimits>;
  /** Called for each record as it arrives; record and payload are valid until it returns. It must not throw. */
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
  ledger: () => ReceiverLedger;
  /** Takes what the kernel holds already, then closes the socket; no handler is called after. May be called again. */
  close: () => Promise<void>;
  [Symbol.asyncDispose]: () => Promise<void>;
}

const LOOK_AT_CLOCK_MS = 250;
/** The decoder's time goes on by at most this between two looks at the clock: what a stalled process has not yet read
 * from its socket must not count as silence. */
const MAX_STEP_MS = 500;
/** Turns of the event loop that closing waits for at most; each reads some 30 datagrams, and a sender may not stop. */
const MAX_DRAIN_TURNS = 200;
/** One turn may be over before its sockets are looked at. */
const QUIET_TURNS = 2;

/** Binds the socket; rejects with a WireError. */
export async function openUdpReceiver(options: UdpReceiverOptions): Promise<UdpReceiver> {
  const host = options.host ?? receiverDefaults.host;
  const port = integerInRange('port', options.port ?? receiverDefaults.port, 0, 65_535);
  const receiveBufferBytes = options.receiveBufferBytes ?? receiverDefaults.receiveBufferBytes;
  integerInRange('receiveBufferBytes', receiveBufferBytes, 1, 2 ** 31 - 1);
  const decoder = new WireDecoder(options);
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
  return new BoundReceiver(socket, decoder, options.onEvent);
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

class BoundReceiver implements UdpReceiver {
  readonly address: string;
  readonly port: number;
  readonly receiveBufferBytes: number;
  readonly #socket: Socket;
  readonly #decoder: WireDecoder;
  readonly #timer: NodeJS.Timeout;
  #clockMs = performance.now();
  #nowMs = 0;
  #datagrams = 0;
  #closing: Promise<void> | undefined;

  constructor(socket: Socket, decoder: WireDecoder, onEvent: UdpReceiverOptions['onEvent']) {
    const { address, port } = socket.address();
    this.address = address;
    this.port = port;
    this.receiveBufferBytes = socket.getRecvBufferSize();
    this.#socket = socket;
    this.#decoder = decoder;
    socket.on('message', ({ buffer, byteOffset, length }, from) => {
      this.#datagrams++;
      this.#decoder.push(new Uint8Array(buffer, byteOffset, length), from, this.#nowMs);
    });
    socket.on('error', (error) => onEvent?.({ type: 'socket-error', code: systemCode(error) }));
    this.#timer = setInterval(() => this.#lookAtClock(), LOOK_AT_CLOCK_MS);
  }

  ledger(): ReceiverLedger {
    return this.#decoder.ledger();
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
    clearInterval(this.#timer);
    await new Promise<void>((resolve) => void this.#socket.close(() => resolve()));
  }

  #lookAtClock(): void {
    const clockMs = performance.now();
    this.#nowMs += Math.min(MAX_STEP_MS, clockMs - this.#clockMs);
    this.#clockMs = clockMs;
    this.#decoder.advance(this.#nowMs);
  }
}
