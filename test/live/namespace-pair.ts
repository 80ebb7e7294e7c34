// Two hosts on this machine: network namespaces joined by a veth pair. Whoever makes a pair removes it.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';

/** The two hosts of a pair. */
export type HostName = 'production' | 'client';

const ADDRESSES: Readonly<Record<HostName, string>> = { production: '10.99.28.1', client: '10.99.28.2' };
const SERVER = `
  require('node:http').createServer((_, response) => response.end('ok')).listen(80, () => console.log('ready'));`;
const CLIENT = `
  const http = require('node:http');
  const [url, count] = process.argv.slice(1);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const next = (number) => number === Number(count) ? agent.destroy() : http.get(url + number, { agent }, (answer) =>
    answer.resume().on('end', () => next(number + 1)));
  next(0);`;

/** Both hosts with all that runs in them. */
export class NamespacePair {
  readonly #suffix = process.pid;
  readonly #children: ChildProcess[] = [];

  /** Makes the hosts and their link; throws where this machine or this user cannot. */
  static create(): NamespacePair {
    const pair = new NamespacePair();
    try {
      for (const host of ['production', 'client'] as const) ip('netns', 'add', pair.#namespaceOf(host));
      const ends = ['name', pair.interfaceOf('production'), 'type', 'veth', 'peer', 'name', pair.interfaceOf('client')];
      ip('link', 'add', ...ends);
      for (const host of ['production', 'client'] as const) {
        const within = ['-n', pair.#namespaceOf(host)];
        ip('link', 'set', pair.interfaceOf(host), 'netns', pair.#namespaceOf(host));
        ip(...within, 'address', 'add', `${ADDRESSES[host]}/24`, 'dev', pair.interfaceOf(host));
        ip(...within, 'link', 'set', 'lo', 'up');
        ip(...within, 'link', 'set', pair.interfaceOf(host), 'up');
      }
      return pair;
    } catch (error) {
      pair.#removeNamespaces();
      throw error;
    }
  }

  addressOf(host: HostName): string {
    return ADDRESSES[host];
  }

  interfaceOf(host: HostName): string {
    return `gor${host === 'production' ? 'p' : 'c'}${this.#suffix}`;
  }

  /** Starts node in a host, with what is on stdout and stderr for the caller to read. It ends with the pair at the latest. */
  spawn(host: HostName, ...args: string[]) {
    const command = ['netns', 'exec', this.#namespaceOf(host), process.execPath, ...args];
    const child = spawn('ip', command, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#children.push(child);
    child.stdout.setEncoding('utf8');
    child.stderr.setEncoding('utf8');
    return child;
  }

  /** A server on port 80 of a host, which answers everything. */
  async serve(host: HostName): Promise<void> {
    const server = this.spawn(host, '-e', SERVER);
    const [ready] = await Promise.race([once(server.stdout, 'data'), once(server, 'close')]);
    if (String(ready).trim() !== 'ready') throw new Error(`the server of ${host} did not start`);
  }

  /** `count` requests for the URL with a number behind it, over one connection; each answered before the next. */
  async request(host: HostName, url: string, count: number): Promise<void> {
    const [code] = await once(this.spawn(host, '-e', CLIENT, url, String(count)), 'close');
    if (code !== 0) throw new Error(`the client on ${host} ended with ${code}`);
  }

  /** Ends all that runs in the hosts, then the hosts. */
  async remove(): Promise<void> {
    const running = this.#children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    const closed = running.map((child) => once(child, 'close'));
    for (const child of running) child.kill('SIGKILL');
    await Promise.all(closed);
    this.#removeNamespaces();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.remove();
  }

  #namespaceOf(host: HostName): string {
    return `gor-${host}-${this.#suffix}`;
  }

  /** With a namespace its end of the link goes, and with one end the other. */
  #removeNamespaces(): void {
    for (const host of ['production', 'client'] as const) {
      try {
        ip('netns', 'delete', this.#namespaceOf(host));
      } catch {
        // It was never made.
      }
    }
  }
}

const environment = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };

function ip(...args: string[]): void {
  execFileSync('ip', args, { env: environment, stdio: 'pipe' });
}
