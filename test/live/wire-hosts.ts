// Two hosts on this machine, joined by a link that may lose and be slow: network namespaces, a veth pair, nftables, tbf.
// Programs run in them; sockets of theirs are handed to this process, so that servers, loads and relays of the test are
// in these hosts, too. Whoever makes hosts removes them.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import type { Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import type { TestContext } from 'vitest';
import { needs } from '../kit/rights.ts';

/** Production has the listener, replay the replay server. */
export type WireHost = 'production' | 'replay';

const HOSTS = ['production', 'replay'] as const;
const PATH = `${process.env['PATH']}:/usr/sbin:/sbin`;
let made = 0;

/** Opens sockets where it runs and hands them over. */
const OPENER = `
  const net = require('node:net');
  const dgram = require('node:dgram');
  process.on('message', ({ id, what, address, port }) => {
    const fail = (error) => process.send({ id, error: error.message });
    if (what === 'listen') {
      const server = net.createServer().once('error', fail);
      server.listen(port, address, () => process.send({ id }, server, () => server.close()));
    } else if (what === 'connect') {
      const socket = net.connect({ host: address, port, noDelay: true }).once('error', fail);
      socket.once('connect', () => process.send({ id }, socket));
    } else {
      const socket = dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4').once('error', fail);
      socket.bind(port, address, () => {
        socket.setRecvBufferSize(8388608);
        process.send({ id }, socket, () => socket.close());
      });
    }
  });
  process.on('disconnect', () => process.exit());
  process.send({ id: 0 });`;

interface Opened {
  readonly id: number;
  readonly error?: string;
}

/** Both hosts with all that runs in them. */
export class WireHosts {
  readonly #id = `${process.pid}${(made++).toString(36)}`;
  readonly #openers = new Map<WireHost, ChildProcess>();
  readonly #open = new Map<number, (handle: unknown, error: string | undefined) => void>();
  #calls = 0;

  /** Both hosts are up, with IPv4 and IPv6. Skips the test where this is not possible here. */
  static async create(context: TestContext): Promise<WireHosts> {
    needs(context, 'capture', 'ip', 'nft', 'tc');
    const hosts = new WireHosts();
    try {
      hosts.#make();
    } catch (error) {
      hosts.#removeNamespaces();
      return context.skip(`network namespaces cannot be made: ${error instanceof Error ? error.message : error}`);
    }
    for (const host of HOSTS) await hosts.#startOpener(host);
    return hosts;
  }

  address(host: WireHost, family: 4 | 6 = 4): string {
    const last = host === 'production' ? 1 : 2;
    return family === 4 ? `10.99.30.${last}` : `fd99:30::${last}`;
  }

  /** What a command in that host begins with. */
  within(host: WireHost): string[] {
    return ['env', `PATH=${PATH}`, 'ip', 'netns', 'exec', this.#spaceOf(host)];
  }

  /** Runs a command in that host to its end and gives what it printed. */
  run(host: WireHost, ...command: string[]): string {
    const [program = '', ...args] = [...this.within(host), ...command];
    return execFileSync(program, args, { stdio: 'pipe', encoding: 'utf8' });
  }

  /** One more address for that host's end of the link. */
  addAddress(host: WireHost, address: string): void {
    this.run(host, 'ip', 'address', 'add', `${address}/24`, 'dev', this.#linkOf(host));
  }

  /** A server that listens there; its connections come to this process. */
  listen(host: WireHost, address = this.address(host), port = 0): Promise<Server> {
    return this.#ask(host, 'listen', address, port);
  }

  /** A connection out of that host. */
  connect(host: WireHost, address: string, port: number): Promise<Socket> {
    return this.#ask(host, 'connect', address, port);
  }

  /** A UDP socket of that host, bound. */
  bindUdp(host: WireHost, address: string, port: number): Promise<UdpSocket> {
    return this.#ask(host, 'bind', address, port);
  }

  /** Of what comes to that host by UDP, this share is lost from now on, by nftables; 0 ends it. */
  lose(host: WireHost, share: number): void {
    this.run(host, 'nft', 'add', 'table', 'inet', 'gor');
    this.run(host, 'nft', 'flush', 'table', 'inet', 'gor');
    const chain = '{ type filter hook input priority 0; policy accept; }';
    this.run(host, 'nft', `add chain inet gor input ${chain}`);
    const match = `iifname "${this.#linkOf(host)}" meta l4proto udp`;
    const random = `numgen random mod 10000 < ${Math.round(share * 10_000)}`;
    if (share > 0) this.run(host, 'nft', `add rule inet gor input ${match} ${random} counter drop`);
  }

  /** How many datagrams `lose` has dropped at that host. */
  lost(host: WireHost): number {
    const rules = this.run(host, 'nft', 'list', 'table', 'inet', 'gor');
    return Number(/counter packets (\d+)/.exec(rules)?.[1] ?? 0);
  }

  /** What leaves that host goes by a token bucket from now on. */
  limitRate(host: WireHost, rate: string, burst: string, latency: string): void {
    const limits = ['rate', rate, 'burst', burst, 'latency', latency];
    this.run(host, 'tc', 'qdisc', 'replace', 'dev', this.#linkOf(host), 'root', 'tbf', ...limits);
  }

  /** Netem for what leaves that host; false where this kernel has none. */
  netem(host: WireHost, ...what: string[]): boolean {
    try {
      this.run(host, 'tc', 'qdisc', 'replace', 'dev', this.#linkOf(host), 'root', 'netem', ...what);
      return true;
    } catch {
      return false;
    }
  }

  /** What /etc/hosts is in that host; may be called again while programs run. */
  writeHosts(host: WireHost, text: string): void {
    const folder = `/etc/netns/${this.#spaceOf(host)}`;
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/hosts`, text);
  }

  async remove(): Promise<void> {
    for (const opener of this.#openers.values()) {
      if (opener.exitCode !== null || opener.signalCode !== null) continue;
      const ended = once(opener, 'exit');
      opener.kill('SIGKILL');
      await ended;
    }
    this.#removeNamespaces();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.remove();
  }

  #make(): void {
    for (const host of HOSTS) ip('netns', 'add', this.#spaceOf(host));
    const [one, other] = [this.#linkOf('production'), this.#linkOf('replay')];
    const ends = ['name', one, 'type', 'veth', 'peer', 'name', other, 'netns', this.#spaceOf('replay')];
    ip('-n', this.#spaceOf('production'), 'link', 'add', ...ends);
    for (const host of HOSTS) {
      const within = ['-n', this.#spaceOf(host)];
      const device = ['dev', this.#linkOf(host)];
      ip(...within, 'link', 'set', 'lo', 'up');
      ip(...within, 'link', 'set', this.#linkOf(host), 'up');
      ip(...within, 'address', 'add', `${this.address(host)}/24`, ...device);
      ip(...within, 'address', 'add', `${this.address(host, 6)}/64`, ...device, 'nodad');
    }
  }

  async #startOpener(host: WireHost): Promise<void> {
    const [program = '', ...args] = [...this.within(host), process.execPath, '-e', OPENER];
    const opener = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#openers.set(host, opener);
    await Promise.race([once(opener, 'message'), once(opener, 'close')]);
    if (opener.exitCode !== null) throw new Error(`nothing can be started on ${host}`);
    opener.on('message', (message, handle) => {
      const { id, error } = message as Opened;
      this.#open.get(id)?.(handle, error);
      this.#open.delete(id);
    });
  }

  #ask<Handle>(host: WireHost, what: string, address: string, port: number): Promise<Handle> {
    const id = ++this.#calls;
    return new Promise((resolve, reject) => {
      this.#open.set(id, (handle, error) => {
        if (error === undefined) resolve(handle as Handle);
        else reject(new Error(`${what} ${address}:${port} on ${host}: ${error}`));
      });
      this.#openers.get(host)?.send({ id, what, address, port });
    });
  }

  #spaceOf(host: WireHost): string {
    return `gor-wire-${host}-${this.#id}`;
  }

  #linkOf(host: WireHost): string {
    return `gw${host === 'production' ? 'p' : 'r'}${this.#id}`;
  }

  /** With a namespace its end of the link goes, and with one end the other. */
  #removeNamespaces(): void {
    for (const host of HOSTS) {
      rmSync(`/etc/netns/${this.#spaceOf(host)}`, { recursive: true, force: true });
      try {
        ip('netns', 'delete', this.#spaceOf(host));
      } catch {
        // It was never made.
      }
    }
  }
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { env: { ...process.env, PATH }, stdio: 'pipe' });
}
