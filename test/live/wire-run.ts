// Production with a listener on one host, staging with a replay server on the other, and a load between them; what must be
// true of what came through.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ListenLedger } from 'gor-listen';
import type { ReplayLedger } from 'gor-replay';
import { expect, type TestContext } from 'vitest';
import { sendLoad } from '../kit/http-load.ts';
import { type ArrivedRequest, RawServer } from '../kit/raw-server.ts';
import { UdpRelay, type UdpRelayOptions } from '../kit/udp-relay.ts';
import {
  expectListenBalance,
  expectReplayBalance,
  type Running,
  type RunningReplay,
  startListenWithin,
  startReplayWithin,
} from './programs.ts';
import { expectSame } from './same-requests.ts';
import { WireHosts } from './wire-hosts.ts';

/** Where replay servers listen. */
export const REPLAY_PORT = 28_020;
const RELAY_PORT = 28_021;
const STAGING_PORT = 8080;
const KEY = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';

/** A load: requests over so many connections, so many a second. */
export interface Load {
  readonly count: number;
  readonly ratePerSecond?: number;
  readonly connections?: number;
  /** One in so many is a POST of 10 KB; 0: none. Default 20. */
  readonly postEvery?: number;
}

/** Two hosts, production and staging; listeners and replay servers are started by the test. */
export class WireRun implements AsyncDisposable {
  readonly hosts: WireHosts;
  readonly production: RawServer;
  readonly staging: RawServer;
  readonly #folder = mkdtempSync(join(tmpdir(), 'gor-wire-'));
  readonly #started: Running<unknown>[] = [];
  readonly #relays: UdpRelay[] = [];
  #sent = 0;

  private constructor(hosts: WireHosts, production: RawServer, staging: RawServer) {
    this.hosts = hosts;
    this.production = production;
    this.staging = staging;
  }

  static async create(context: TestContext, options: { readonly countOnly?: boolean } = {}): Promise<WireRun> {
    const hosts = await WireHosts.create(context);
    try {
      const production = await RawServer.start({
        ...options,
        server: await hosts.listen('production', '127.0.0.1', 80),
      });
      const staging = await RawServer.start({
        ...options,
        server: await hosts.listen('replay', '127.0.0.1', STAGING_PORT),
      });
      return new WireRun(hosts, production, staging);
    } catch (error) {
      await hosts.remove();
      throw error;
    }
  }

  /** `--key-file` and the path of one with that key (64 hexadecimal digits). */
  keyFile(key = KEY): string[] {
    const path = join(this.#folder, `key-${key.slice(-4)}`);
    writeFileSync(path, `${key}\n`);
    chmodSync(path, 0o600);
    return ['--key-file', path];
  }

  /** A replay server on its host, on port 28020 of that address. */
  replay(address = this.hosts.address('replay'), ...args: string[]): Promise<RunningReplay> {
    return this.#replay(this.hosts.within('replay'), address, args);
  }

  /** The same where the kernel gives no larger buffer than it gives by itself. */
  replayWithStockBuffer(...args: string[]): Promise<RunningReplay> {
    const path = join(this.#folder, 'stock-buffer.cjs');
    writeFileSync(path, "require('node:dgram').Socket.prototype.setRecvBufferSize = () => {};\n");
    const within = [...this.hosts.within('replay'), 'env', `NODE_OPTIONS=--require=${path}`];
    return this.#replay(within, this.hosts.address('replay'), args);
  }

  /** A listener on production, sending to that address, or several by comma. */
  async listen(remote: string, ...args: string[]): Promise<Running<ListenLedger>> {
    const flags = ['-i', 'lo', '-p', '80', '-r', remote, ...args];
    const listen = await startListenWithin(this.hosts.within('production'), ...flags);
    this.#started.push(listen);
    return listen;
  }

  /** A relay on the replay server's host, in front of it; `remote` leads to it. */
  async relay(options: Pick<UdpRelayOptions, 'seed' | 'toServer' | 'toClient'>, family: 4 | 6 = 4) {
    const host = this.hosts.address('replay', family);
    const relay = await UdpRelay.start({
      ...options,
      host,
      port: RELAY_PORT,
      server: { address: host, port: REPLAY_PORT },
      openSocket: (address, port) => this.hosts.bindUdp('replay', address, port),
    });
    this.#relays.push(relay);
    return { relay, remote: remoteOf(host, RELAY_PORT) };
  }

  /** Sends a load to production, its numbers going on where the last one's ended; the answers' times in ms, rising. */
  async load({ count, ratePerSecond = 2000, connections = 16, postEvery = 20 }: Load): Promise<number[]> {
    const first = this.#sent;
    this.#sent += count;
    const took: number[] = [];
    await sendLoad({
      ...{ port: 80, count, ratePerSecond, connections },
      open: () => this.hosts.connect('production', '127.0.0.1', 80),
      request: (number, connection) => requestOf(first + number, `${first}-${connection}`, postEvery),
      onAnswer: (ms) => took.push(ms),
    });
    return took.sort((a, b) => a - b);
  }

  async #replay(within: string[], address: string, args: string[]): Promise<RunningReplay> {
    const staging = ['-f', `http://127.0.0.1:${STAGING_PORT}`];
    const replay = await startReplayWithin(within, '-ip', address, '-p', `${REPLAY_PORT}`, ...staging, ...args);
    this.#started.push(replay);
    return replay;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { program } of this.#started) program.kill();
    for (const relay of this.#relays) await relay.close();
    await this.staging.close();
    await this.production.close();
    await this.hosts.remove();
    rmSync(this.#folder, { recursive: true });
  }
}

/** An address and a port as -r takes them. */
export function remoteOf(address: string, port = REPLAY_PORT): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Ends the listener, waits until the wire is quiet, ends the replay server. */
export async function stopBoth(listen: Running<ListenLedger>, replay: Running<ReplayLedger>) {
  const listened = await listen.stop();
  return { listened, replayed: await replay.stop() };
}

/** Both ledgers right to the record, by themselves and with each other; gives the listener's session at the replay server. */
export function expectLedgers(listened: ListenLedger, replayed: ReplayLedger) {
  expectListenBalance(listened);
  expectReplayBalance(replayed);
  for (const { sent, received, waiting, lost, beforeStart } of replayed.sessions) {
    expect(sent).toBe(received + waiting + lost + beforeStart);
    expect(waiting).toBe(0);
  }
  const [server] = listened.replayServers;
  const session = replayed.sessions.find(({ id }) => id === server?.session);
  if (session === undefined) throw new Error(`no session ${server?.session} in ${JSON.stringify(replayed.sessions)}`);
  expect(session.totals).toMatchObject({ final: true, captured: listened.captured, sent: listened.sent });
  expect(session.sent).toBe(listened.sent);
  return session;
}

/** Everything that production got is at staging, once, the same to the byte, and in order on each connection. */
export function expectAllThere({ production, staging }: WireRun): void {
  expect(staging.count).toBe(production.count);
  expectSame(production.requests, staging.requests);
  expectInOrder(staging.requests);
}

/** Waits until a program has said something, from that place of what it said on; rejects after `withinMs`. Gives how far it is. */
export async function said({ program }: Running<unknown>, pattern: RegExp, withinMs = 8000, from = 0): Promise<number> {
  const deadlineMs = performance.now() + withinMs;
  while (!pattern.test(program.stderr.slice(from))) {
    if (performance.now() > deadlineMs)
      throw new Error(`${pattern} was not said within ${withinMs} ms:\n${program.stderr}`);
    await new Promise((resolve) => void setTimeout(resolve, 10));
  }
  return program.stderr.length;
}

/** None twice, and those of each connection in the order in which production got them. */
export function expectInOrder(requests: readonly ArrivedRequest[]): void {
  const last = new Map<string, number>();
  for (const { target } of requests) {
    const [, connection = '', number] = target.split('/');
    expect(Number(number), target).toBeGreaterThan(last.get(connection) ?? -1);
    last.set(connection, Number(number));
  }
}

function requestOf(number: number, connection: string, postEvery: number): string {
  const isPost = postEvery > 0 && number % postEvery === postEvery - 1;
  const start = `${isPost ? 'POST' : 'GET'} /${connection}/${number} HTTP/1.1\r\nHost: production.example\r\n`;
  const length = isPost ? 'Content-Length: 10240\r\n' : '';
  const cookie = 'c'.repeat(500 - start.length - length.length - 'Cookie: \r\n\r\n'.length);
  const body = isPost ? String.fromCharCode(97 + (number % 26)).repeat(10_240) : '';
  return `${start}${length}Cookie: ${cookie}\r\n\r\n${body}`;
}
