// A real redis-server: on a free port, keeping nothing on disk, in the foreground.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { freePort } from '../kit/free-port.ts';

/** One Redis, that can be ended, held up, and started again on its port, empty. */
export class RedisServer {
  readonly port: number;
  readonly #args: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, args: readonly string[]) {
    this.port = port;
    this.#args = args;
  }

  /** Starts it with these arguments, and waits until it answers. */
  static async start(...args: string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), args);
    await server.restart();
    return server;
  }

  async restart(): Promise<void> {
    const port = String(this.port);
    this.#process = spawn('redis-server', ['--port', port, '--save', '', '--dir', tmpdir(), ...this.#args], {
      stdio: 'ignore',
    });
    for (let tries = 0; tries < 200; tries++) {
      if (await this.#answers()) return;
      await new Promise((resolve) => void setTimeout(resolve, 25));
    }
    throw new Error('redis-server does not answer');
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(name);
  }

  /** Ends it at once, as a crash does. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #answers(): Promise<boolean> {
    const socket = connect(this.port, '127.0.0.1', () => socket.write('PING\r\n'));
    return new Promise<boolean>((resolve) => {
      socket.once('data', () => resolve(true)).once('error', () => resolve(false));
    }).finally(() => socket.destroy());
  }
}
