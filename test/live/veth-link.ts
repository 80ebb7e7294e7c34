// A link from this host to a network namespace: a veth pair, whose outer end is an interface of this host that may be
// removed, made anew, and be sent any frame from within.
import { execFileSync } from 'node:child_process';
import type { TestContext } from 'vitest';
import { needs } from '../kit/rights.ts';

const SENDER = `
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
for line in sys.stdin: s.send(bytes.fromhex(line))`;

let links = 0;

/** One link; disposing of it removes it with its namespace. */
export class VethLink implements Disposable {
  /** The end on this host. */
  readonly outside: string;
  readonly #inside: string;
  readonly #space: string;

  /** Both ends are up. Skips the test where this is not possible here. */
  constructor(context: TestContext) {
    needs(context, 'capture', 'ip', 'python3');
    const id = `${process.pid}${(links++).toString(36)}`;
    this.outside = `gvo${id}`;
    this.#inside = `gvi${id}`;
    this.#space = `gor-veth-${id}`;
    try {
      ip('netns', 'add', this.#space);
    } catch {
      context.skip('network namespaces cannot be made here');
    }
    this.make();
  }

  /** After remove: a new link with the same names. */
  make({ isUp = true } = {}): void {
    ip('link', 'add', this.outside, 'type', 'veth', 'peer', 'name', this.#inside, 'netns', this.#space);
    if (isUp) this.up();
    ip('-n', this.#space, 'link', 'set', this.#inside, 'up');
  }

  remove(): void {
    ip('link', 'delete', this.outside);
  }

  up(): void {
    ip('link', 'set', this.outside, 'up');
  }

  down(): void {
    ip('link', 'set', this.outside, 'down');
  }

  /** Moves the outer end into the namespace and back, where it is then down. */
  moveAwayAndBack(): void {
    ip('link', 'set', this.outside, 'netns', this.#space);
    ip('-n', this.#space, 'link', 'set', this.outside, 'netns', `${process.pid}`);
  }

  rename(name: string): void {
    this.down();
    ip('link', 'set', this.outside, 'name', name);
    ip('link', 'set', name, 'up');
  }

  /** How many of those who use the outer end want packets for other hosts, too. */
  promiscuity(): number {
    const [link] = JSON.parse(ip('-d', '-j', 'link', 'show', this.outside)) as [{ promiscuity: number }];
    return link.promiscuity;
  }

  /** Sends Ethernet frames as they are from the inner end to the outer. */
  send(frames: readonly Uint8Array[]): void {
    const input = frames.map((frame) => Buffer.from(frame).toString('hex')).join('\n');
    execFileSync('ip', ['netns', 'exec', this.#space, 'python3', '-c', SENDER, this.#inside], { input, env });
  }

  [Symbol.dispose](): void {
    ip('netns', 'delete', this.#space); // its end of the pair takes the other with it
  }
}

const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };

function ip(...args: string[]): string {
  return execFileSync('ip', args, { env, stdio: 'pipe', encoding: 'utf8' });
}
