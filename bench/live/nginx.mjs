// nginx as production or as staging: answers everything, keeps no log, counts by itself. One worker, in the foreground, out of
// a folder of its own.

import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { Child, pause } from './children.mjs';

const TRIES = 400;
let count = 0;

/** One server. The requests for its count come to a port of their own. */
export class Nginx {
  /** @type {number} */
  port;
  child;
  #statusPort;

  /**
   * @param {Child} child
   * @param {number} port
   * @param {number} statusPort
   */
  constructor(child, port, statusPort) {
    this.child = child;
    this.port = port;
    this.#statusPort = statusPort;
  }

  /** @param {string} folder a temporary one */
  static async start(folder) {
    const own = join(folder, `nginx-${count++}`);
    mkdirSync(own);
    const [port, statusPort] = [await freePort(), await freePort()];
    writeFileSync(join(own, 'nginx.conf'), configuration(own, port, statusPort));
    const child = new Child('nginx', ['nginx', '-c', join(own, 'nginx.conf'), '-p', own, '-e', join(own, 'error.log')]);
    const nginx = new Nginx(child, port, statusPort);
    await nginx.#accepts();
    return nginx;
  }

  /** How many requests it has answered, those for this count left out. */
  async requests() {
    const response = await fetch(`http://127.0.0.1:${this.#statusPort}/`);
    const numbers = /^ (\d+) (\d+) (\d+) $/m.exec(await response.text());
    this.#looks += 1;
    return Number(numbers?.[3]) - this.#looks;
  }
  #looks = 0;

  async #accepts() {
    for (let tries = 0; tries < TRIES && this.child.isRunning; tries++) {
      const socket = connect(this.port, '127.0.0.1');
      const isOpen = await Promise.race([
        once(socket, 'connect').then(
          () => true,
          () => false,
        ),
        this.child.ended.then(() => false),
      ]);
      socket.destroy();
      if (isOpen) return;
      await pause(10);
    }
    throw this.child.failure('does not accept connections');
  }
}

/** A TCP port of loopback that was free a moment ago. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/**
 * @param {string} folder
 * @param {number} port
 * @param {number} statusPort
 */
function configuration(folder, port, statusPort) {
  return `
daemon off; master_process off; worker_processes 1; pid ${folder}/nginx.pid;
events { worker_connections 2048; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  client_max_body_size 100m; client_body_buffer_size 64k; keepalive_requests 100000000; keepalive_timeout 600;
  server { listen 127.0.0.1:${port}; location / { return 200 "ok\\n"; } }
  server { listen 127.0.0.1:${statusPort}; location / { stub_status; } }
}
`;
}
