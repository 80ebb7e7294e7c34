// An HTTP server that keeps what arrives on each connection to the byte, and cuts it into requests by itself: the oracle
// of the live tests. It reads Content-Length and chunked bodies, and nothing else that it was not sent by our tests.
import { createHash } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';

/** A request as it arrived. */
export interface ArrivedRequest {
  readonly method: string;
  readonly target: string;
  /** Flat, as on the wire, Latin-1. */
  readonly headers: readonly string[];
  readonly bodyBytes: number;
  /** Of the body without its chunking. */
  readonly bodySha256: string;
  /** performance.now() when it was whole. */
  readonly atMs: number;
}

/** How the server answers; default: 200 with an empty body. */
export interface RawServerOptions {
  readonly host?: string;
  readonly port?: number;
  /** Milliseconds before each answer. */
  readonly delayMs?: number;
  /** Keep no list of requests, only count them. */
  readonly countOnly?: boolean;
  /** Takes the connections of this one, which listens already, instead of listening itself. */
  readonly server?: Server;
}

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';

/** Listens on a port of its own, keeps requests in `requests`. */
export class RawServer {
  readonly requests: ArrivedRequest[] = [];
  count = 0;
  readonly #options: RawServerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(options: RawServerOptions) {
    this.#options = options;
    this.#server = options.server ?? createServer();
    this.#server.on('connection', (socket) => this.#serve(socket));
  }

  static async start(options: RawServerOptions = {}): Promise<RawServer> {
    const server = new RawServer(options);
    const { host = '127.0.0.1', port = 0 } = options;
    if (options.server !== undefined) return server;
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject);
      server.#server.listen({ host, port }, resolve);
    });
    return server;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Resolves when this many requests have arrived; rejects after `withinMs` with how many there are. */
  async arrived(count: number, withinMs = 20_000): Promise<void> {
    const deadlineMs = performance.now() + withinMs;
    while (this.count < count) {
      if (performance.now() > deadlineMs) throw new Error(`${this.count} of ${count} requests arrived`);
      await new Promise((resolve) => void setTimeout(resolve, 5));
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #serve(socket: Socket): void {
    let waiting: Buffer = Buffer.alloc(0);
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (chunk) => {
      waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
      for (let end = this.#take(waiting); end > 0; end = this.#take(waiting)) {
        waiting = waiting.subarray(end);
        this.#answer(socket);
      }
    });
  }

  #answer(socket: Socket): void {
    const { delayMs } = this.#options;
    if (delayMs === undefined) socket.write(ANSWER);
    else setTimeout(() => socket.writable && socket.write(ANSWER), delayMs);
  }

  /** The length of the first whole request, which is noted; 0 where it is not whole yet. */
  #take(bytes: Buffer): number {
    const headEnd = bytes.indexOf('\r\n\r\n');
    if (headEnd < 0) return 0;
    const [requestLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
    const headers = lines.flatMap((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    });
    const body = bodyAt(bytes, headEnd + 4, headers);
    if (body === undefined) return 0;
    this.count += 1;
    if (this.#options.countOnly !== true) {
      const [method = '', ...rest] = requestLine.split(' ');
      const digest = createHash('sha256');
      for (const part of body.parts) digest.update(part);
      const bodyBytes = body.parts.reduce((sum, part) => sum + part.length, 0);
      const bodySha256 = digest.digest('hex');
      this.requests.push({
        method,
        target: rest.slice(0, -1).join(' '),
        headers,
        bodyBytes,
        bodySha256,
        atMs: performance.now(),
      });
    }
    return body.end;
  }
}

interface Body {
  readonly parts: readonly Buffer[];
  readonly end: number;
}

function bodyAt(bytes: Buffer, start: number, headers: readonly string[]): Body | undefined {
  const value = (name: string) =>
    headers[headers.findIndex((text, at) => at % 2 === 0 && text.toLowerCase() === name) + 1];
  const hasHeader = (name: string) => headers.some((text, at) => at % 2 === 0 && text.toLowerCase() === name);
  if (hasHeader('transfer-encoding')) return chunkedBodyAt(bytes, start);
  const end = start + (hasHeader('content-length') ? Number(value('content-length')) : 0);
  return end > bytes.length ? undefined : { parts: [bytes.subarray(start, end)], end };
}

function chunkedBodyAt(bytes: Buffer, start: number): Body | undefined {
  const parts: Buffer[] = [];
  let at = start;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const length = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    at = lineEnd + 2;
    if (length === 0) {
      const end = bytes.indexOf('\r\n', at); // our tests send no trailers to this server
      return end < 0 ? undefined : { parts, end: end + 2 };
    }
    if (at + length + 2 > bytes.length) return undefined;
    parts.push(bytes.subarray(at, at + length));
    at += length + 2;
  }
}
