// A relay between UDP clients and one server, over real sockets: it loses, delays, repeats, reorders and damages as its
// seed says, and stands between them as a NAT does, with a port of its own for each client that may change. It knows
// nothing of what the datagrams mean.

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIP } from 'node:net';
import { corrupted } from './lossy-link.ts';
import { createRandom, type Random } from './random.ts';

/** What happens to the datagrams of one direction, each a probability for one datagram unless said otherwise; default 0. */
export interface RoadFaults {
  readonly loss?: number;
  /** With this probability a burst begins: this datagram and the following `burstLength - 1` (default 10) are lost. */
  readonly burst?: number;
  readonly burstLength?: number;
  readonly duplicate?: number;
  /** With this probability a datagram comes up to `reorderMs` (default 10) later than the others. */
  readonly reorder?: number;
  readonly reorderMs?: number;
  /** Bytes flipped, the end cut off, or bytes added. */
  readonly corrupt?: number;
  /** What each datagram takes. */
  readonly delayMs?: number;
  /** What each takes more at most; it does not change the order. */
  readonly jitterMs?: number;
}

/** sent = lost + delivered + waiting + unsent - duplicated. */
export interface RoadCounts {
  /** That came to the relay. */
  sent: number;
  lost: number;
  duplicated: number;
  reordered: number;
  corrupted: number;
  /** That left the relay. */
  delivered: number;
  /** That had nowhere to go: the system refused to send them, or the relay was closed. */
  unsent: number;
}

/** What a relay is told. */
export interface UdpRelayOptions {
  readonly seed: number;
  readonly host?: string;
  readonly port?: number;
  readonly server: { readonly address: string; readonly port: number };
  readonly toServer?: RoadFaults;
  readonly toClient?: RoadFaults;
  /** A socket bound to that address and port, 0 being a free one; default: one of this process's network. */
  readonly openSocket?: (address: string, port: number) => Promise<Socket>;
}

interface Client {
  readonly address: string;
  readonly port: number;
  outside: Socket;
}

/** Clients send to `port`; the server sees each of them at another port of the relay. */
export class UdpRelay {
  /** What of both directions may change while it runs. */
  readonly toServer: Road;
  readonly toClient: Road;
  readonly #server: UdpRelayOptions['server'];
  readonly #openSocket: (address: string, port: number) => Promise<Socket>;
  readonly #inside: Socket;
  readonly #clients = new Map<string, Promise<Client>>();
  #isClosed = false;

  private constructor(options: UdpRelayOptions, inside: Socket) {
    this.#server = options.server;
    this.#openSocket = options.openSocket ?? openSocket;
    this.#inside = inside;
    this.toServer = new Road(createRandom(options.seed), options.toServer ?? {});
    this.toClient = new Road(createRandom(options.seed + 1), options.toClient ?? {});
    inside.on('message', (datagram, from) => void this.#fromClient(datagram, from));
    inside.on('error', () => {}); // a client that is gone refuses what comes for it
  }

  static async start(options: UdpRelayOptions): Promise<UdpRelay> {
    const { host = '127.0.0.1', port = 0 } = options;
    return new UdpRelay(options, await (options.openSocket ?? openSocket)(host, port));
  }

  get port(): number {
    return this.#inside.address().port;
  }

  /** Clients seen so far. */
  get clients(): number {
    return this.#clients.size;
  }

  /** From now on the server sees all clients at other ports, and what it sends to the old ones goes nowhere. */
  async rebind(): Promise<void> {
    for (const promise of this.#clients.values()) {
      const client = await promise;
      const before = client.outside;
      client.outside = await this.#openOutside(client);
      before.close();
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.toServer.close();
    this.toClient.close();
    for (const client of await Promise.all(this.#clients.values())) client.outside.close();
    await new Promise<void>((resolve) => void this.#inside.close(() => resolve()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #fromClient(datagram: Uint8Array, from: RemoteInfo): Promise<void> {
    const key = `${from.address} ${from.port}`;
    let promise = this.#clients.get(key);
    if (promise === undefined) {
      promise = this.#open(from);
      this.#clients.set(key, promise);
    }
    const client = await promise;
    const { address, port } = this.#server;
    this.toServer.take(datagram, (bytes, done) => client.outside.send(bytes, port, address, done));
  }

  async #open({ address, port }: RemoteInfo): Promise<Client> {
    const client = { address, port } as Client;
    client.outside = await this.#openOutside(client);
    return client;
  }

  async #openOutside({ address, port }: Client): Promise<Socket> {
    const socket = await this.#openSocket(isIP(this.#server.address) === 6 ? '::' : '0.0.0.0', 0);
    socket.on('message', (datagram) => {
      this.toClient.take(datagram, (bytes, done) => this.#inside.send(bytes, port, address, done));
    });
    socket.on('error', () => {}); // the server may be away
    return socket;
  }
}

interface Waiting {
  readonly dueMs: number;
  readonly datagram: Uint8Array;
  readonly send: SendOne;
}

type SendOne = (datagram: Uint8Array, done: (error: Error | null) => void) => void;

/** One direction. The n-th datagram's fate depends on the seed and n only, as long as the faults stay. */
class Road {
  /** May be replaced at any time. */
  faults: RoadFaults;
  readonly counts: RoadCounts = {
    sent: 0,
    lost: 0,
    duplicated: 0,
    reordered: 0,
    corrupted: 0,
    delivered: 0,
    unsent: 0,
  };
  readonly #random: Random;
  /** In the order of leaving. */
  readonly #waiting: Waiting[] = [];
  #burstLeft = 0;
  #lastDueMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(random: Random, faults: RoadFaults) {
    this.#random = random;
    this.faults = faults;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  take(datagram: Uint8Array, send: SendOne): void {
    this.counts.sent++;
    const isLost = this.#isLost();
    const isDuplicated = this.#random.chance(this.faults.duplicate ?? 0);
    if (isLost) {
      this.counts.lost++;
      return;
    }
    this.#launch(datagram, send);
    if (!isDuplicated) return;
    this.counts.duplicated++;
    this.#launch(datagram, send);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.counts.unsent += this.#waiting.length;
    this.#waiting.length = 0;
  }

  #isLost(): boolean {
    const { loss = 0, burst = 0, burstLength = 10 } = this.faults;
    const isLost = this.#random.chance(loss);
    const begins = this.#random.chance(burst);
    if (this.#burstLeft === 0 && begins) this.#burstLeft = burstLength;
    if (this.#burstLeft === 0) return isLost;
    this.#burstLeft--;
    return true;
  }

  #launch(datagram: Uint8Array, send: SendOne): void {
    const { reorder = 0, reorderMs = 10, corrupt = 0, delayMs = 0, jitterMs = 0 } = this.faults;
    const nowMs = performance.now();
    let dueMs = Math.max(this.#lastDueMs, nowMs + delayMs + (jitterMs > 0 ? this.#random.next() * jitterMs : 0));
    if (this.#random.chance(reorder)) {
      this.counts.reordered++;
      dueMs += this.#random.next() * reorderMs;
    } else {
      this.#lastDueMs = dueMs;
    }
    let bytes = datagram;
    if (this.#random.chance(corrupt)) {
      this.counts.corrupted++;
      bytes = corrupted(datagram, this.#random);
    }
    if (dueMs <= nowMs && this.#waiting.length === 0) this.#send({ dueMs, datagram: bytes, send });
    else this.#wait({ dueMs, datagram: bytes, send }, nowMs);
  }

  #wait(one: Waiting, nowMs: number): void {
    let at = this.#waiting.length;
    while (at > 0 && this.#waiting[at - 1]!.dueMs > one.dueMs) at--;
    this.#waiting.splice(at, 0, one);
    if (at > 0 && this.#timer !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#sendDue(), Math.max(0, one.dueMs - nowMs));
  }

  #sendDue(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    let due = 0;
    while (due < this.#waiting.length && this.#waiting[due]!.dueMs <= nowMs + 0.5) due++;
    for (const one of this.#waiting.splice(0, due)) this.#send(one);
    const [next] = this.#waiting;
    if (next !== undefined) this.#timer = setTimeout(() => this.#sendDue(), Math.max(0, next.dueMs - nowMs));
  }

  #send({ datagram, send }: Waiting): void {
    if (this.#isClosed) {
      this.counts.unsent++;
      return;
    }
    send(datagram, (error) => {
      if (error === null || error === undefined) this.counts.delivered++;
      else this.counts.unsent++;
    });
  }
}

async function openSocket(address: string, port: number): Promise<Socket> {
  const socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4');
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, address, resolve);
  });
  socket.removeAllListeners('error');
  try {
    socket.setRecvBufferSize(BUFFER_BYTES);
  } catch {
    // Some systems refuse instead of giving less.
  }
  return socket;
}

/** The relay itself is not what loses. */
const BUFFER_BYTES = 8 * 1024 * 1024;
