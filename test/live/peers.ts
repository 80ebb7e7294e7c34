// nginx as production and as staging: started in the foreground on a free port, out of a folder of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../kit/free-port.ts';

/** One nginx; its access log has a line a request: method, target, body digest header, all that a test asks for. */
export class Nginx {
  readonly port: number;
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(port: number, folder: string, child: ChildProcess) {
    this.port = port;
    this.#folder = folder;
    this.#process = child;
  }

  /** Starts it and waits until it accepts connections. Answers everything with 200 and reads bodies of up to 100 MB. */
  static async start(): Promise<Nginx> {
    const folder = mkdtempSync(join(tmpdir(), 'gor-nginx-'));
    const port = await freePort();
    writeFileSync(join(folder, 'nginx.conf'), configuration(folder, port));
    const child = spawn('nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder, '-e', join(folder, 'error.log')], {
      env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` },
    });
    const nginx = new Nginx(port, folder, child);
    await nginx.#accepts();
    return nginx;
  }

  /** The access log's lines: `method target length`. */
  get lines(): string[] {
    return readFileSync(join(this.#folder, 'access.log'), 'latin1').split('\n').slice(0, -1);
  }

  /** The targets of each connection's requests, in their order; `!` before one that is not the next of its connection. */
  get connections(): string[] {
    const targets = new Map<string, string[]>();
    for (const line of readFileSync(join(this.#folder, 'connections.log'), 'latin1').split('\n').slice(0, -1)) {
      const [connection = '', nth, target = ''] = line.split(' ');
      const of = targets.get(connection) ?? [];
      of.push(Number(nth) === of.length + 1 ? target : `!${target}`);
      targets.set(connection, of);
    }
    return [...targets.values()].map((of) => of.join(' '));
  }

  async close(): Promise<void> {
    this.#process.kill('SIGTERM');
    if (this.#process.exitCode === null) await once(this.#process, 'close');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #accepts(): Promise<void> {
    for (let tries = 0; tries < 200; tries++) {
      const socket = connect(this.port, '127.0.0.1');
      const accepted = await new Promise<boolean>((resolve) => {
        socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      });
      socket.destroy();
      if (accepted) return;
      await new Promise((resolve) => void setTimeout(resolve, 25));
    }
    throw new Error(`nginx does not accept connections: ${readFileSync(join(this.#folder, 'error.log'), 'utf8')}`);
  }
}

function configuration(folder: string, port: number): string {
  return `
daemon off; worker_processes 1; pid ${folder}/nginx.pid;
events { worker_connections 2048; }
http {
  log_format plain escape=none '$request_method $request_uri $content_length';
  access_log ${folder}/access.log plain;
  log_format connections escape=none '$connection $connection_requests $request_uri';
  access_log ${folder}/connections.log connections;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  client_max_body_size 100m; keepalive_requests 1000000; keepalive_timeout 60;
  server { listen 127.0.0.1:${port} reuseport; location / { return 200 "ok\\n"; } }
}
`;
}
