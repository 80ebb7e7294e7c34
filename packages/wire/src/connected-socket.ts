// A UDP socket that is connected to one address, and the sends whose outcome is open. Names are resolved here, too.

import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { DatagramQueue } from './datagram-queue.ts';
import { systemCode, wireError } from './errors.ts';
import type { RemoteAddress } from './udp-sender-options.ts';

/** So many sends may be with the kernel without an outcome. */
const MAX_OPEN_SENDS = 1024;
/** Asked of the kernel, so that a burst of ours waits there and not here. */
const SEND_BUFFER_BYTES = 1024 * 1024;

/** What a socket tells its owner. */
export interface SocketHandlers {
  /** Came from the address that the socket is connected to; the bytes are the callee's. */
  readonly onDatagram: (datagram: Uint8Array) => void;
  /** A send failed, or the system says that an earlier one did; the system's code. */
  readonly onError: (code: string) => void;
  /** The last send whose outcome was open has one. */
  readonly onSettled: () => void;
}

/** All addresses of a name, as `resolve` gives them; an address is its own. Rejects with WireError. */
export async function addressesOf(host: string, resolve = lookedUp): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  try {
    return await resolve(host);
  } catch (error) {
    throw wireError(`find an address for ${host}`, error);
  }
}

/** What the system finds, IPv4 first. */
async function lookedUp(name: string): Promise<readonly string[]> {
  const addresses = await lookup(name, { all: true, verbatim: true });
  return addresses.sort((a, b) => a.family - b.family).map(({ address }) => address);
}

/**
 * A socket to the first of these addresses, at least one, that there is a way to. Connecting sends nothing. Rejects with
 * WireError, which names `host`.
 */
export async function connectToFirst(
  addresses: readonly string[],
  { host, port }: { readonly host: string; readonly port: number },
  handlers: SocketHandlers,
): Promise<ConnectedSocket> {
  let failure: unknown;
  for (const address of addresses) {
    const socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4');
    try {
      await connected(socket, port, address);
      return new ConnectedSocket(socket, { address, port }, handlers);
    } catch (error) {
      socket.close();
      failure = error;
    }
  }
  throw wireError(`send to ${host}:${port}`, failure);
}

/** With a callback, Node gives a failure to it; its types know of none, and nothing goes to `error`. */
async function connected(socket: Socket, port: number, address: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.connect(port, address, (...[error]: unknown[]) =>
      error === undefined || error === null ? resolve() : reject(error),
    );
  });
}

/** Made by connectToFirst. */
export class ConnectedSocket {
  readonly remote: RemoteAddress;
  readonly #socket: Socket;
  readonly #handlers: SocketHandlers;
  /** With the kernel, their outcome open. */
  readonly #sends = new DatagramQueue();
  #isClosed = false;

  constructor(socket: Socket, remote: RemoteAddress, handlers: SocketHandlers) {
    this.#socket = socket;
    this.remote = remote;
    this.#handlers = handlers;
    try {
      socket.setSendBufferSize(SEND_BUFFER_BYTES);
    } catch {
      // A smaller buffer only makes more sends wait in our queue.
    }
    socket.on('message', (datagram) => {
      if (!this.#isClosed) handlers.onDatagram(datagram);
    });
    // A refusal reaches us as an error of the socket where reading meets it first, else as that of the next send.
    socket.on('error', (error) => this.#failed(error));
  }

  get isLoopback(): boolean {
    const { address } = this.remote;
    return address === '::1' || /^(?:::ffff:)?127\./i.test(address);
  }

  /** Whether `send` may be called. */
  get hasRoom(): boolean {
    return this.#sends.length < MAX_OPEN_SENDS;
  }

  /** Whether no send's outcome is open. */
  get isSettled(): boolean {
    return this.#sends.length === 0;
  }

  /** Hands a datagram to the kernel; its bytes must not change before `isSettled`. */
  send(datagram: Uint8Array): void {
    this.#sends.push(datagram);
    this.#socket.send(datagram, this.#onSent);
  }

  /** Settles when the socket is closed. To be called once. */
  close(): Promise<void> {
    this.#isClosed = true;
    return new Promise((resolve) => void this.#socket.close(resolve));
  }

  /** Sends settle in their order. */
  readonly #onSent = (error: Error | null): void => {
    const datagram = this.#sends.shift();
    if (error !== null && error !== undefined) {
      // The refusal is that of an earlier datagram, and this one was not sent: once more, since somebody may be back.
      if (systemCode(error) === 'ECONNREFUSED' && datagram !== undefined && !this.#isClosed) {
        this.#socket.send(datagram, this.#onSentAgain);
      }
      this.#failed(error);
    }
    if (this.#sends.length === 0 && !this.#isClosed) this.#handlers.onSettled();
  };

  readonly #onSentAgain = (error: Error | null): void => {
    if (error !== null && error !== undefined) this.#failed(error);
  };

  #failed(error: Error): void {
    if (!this.#isClosed) this.#handlers.onError(systemCode(error));
  }
}
