// Requests of known bytes over real sockets: several keep-alive connections, each request answered before the next goes
// out on it, at a steady rate or as fast as it goes.
import { connect, type Socket } from 'node:net';

/** A steady load. */
export interface LoadOptions {
  readonly host?: string;
  readonly port: number;
  /** Connections, used in turn. */
  readonly connections?: number;
  readonly count: number;
  /** Requests a second over all connections; default: as fast as they are answered. */
  readonly ratePerSecond?: number;
  /** The n-th request's bytes; it goes out on that connection, the first being 0. */
  readonly request: (number: number, connection: number) => Uint8Array | string;
  /** Gives a connected socket; default: one of this process's network. */
  readonly open?: () => Promise<Socket>;
  /** Called with what each answer took, in milliseconds. */
  readonly onAnswer?: (tookMs: number) => void;
}

/** Sends all requests and resolves when each is answered. */
export async function sendLoad(options: LoadOptions): Promise<void> {
  const {
    host = '127.0.0.1',
    port,
    connections = 8,
    count,
    ratePerSecond = Number.POSITIVE_INFINITY,
    request,
    open = () => openSocket(host, port),
    onAnswer,
  } = options;
  const sockets = await Promise.all(Array.from({ length: connections }, open));
  const startMs = performance.now();
  let next = 0;
  const work = sockets.map(async (socket, connection) => {
    const answers = answersOf(socket);
    while (next < count) {
      const number = next++;
      const dueMs = startMs + (number * 1000) / ratePerSecond;
      const waitMs = dueMs - performance.now();
      if (waitMs > 1) await new Promise((resolve) => void setTimeout(resolve, waitMs));
      const sentMs = performance.now();
      socket.write(request(number, connection));
      await answers();
      onAnswer?.(performance.now() - sentMs);
    }
    socket.end();
  });
  await Promise.all(work);
}

/** A GET with a head of about `headBytes` bytes; its number is in the target. */
export function numberedGet(number: number, headBytes = 500): string {
  const head = `GET /item/${number}?x=%20y HTTP/1.1\r\nHost: production.example\r\nUser-Agent: load/1.0\r\nX-Number: ${number}\r\nCookie: `;
  return `${head}${'c'.repeat(Math.max(1, headBytes - head.length - 4))}\r\n\r\n`;
}

/** A POST with a Content-Length body; its number is in the target. */
export function numberedPost(number: number, body: Uint8Array): Uint8Array {
  const head = `POST /item/${number} HTTP/1.1\r\nHost: production.example\r\nX-Number: ${number}\r\nContent-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

async function openSocket(host: string, port: number): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  return socket;
}

/** A function that resolves at the next whole answer; answers are told apart by their heads, bodies by Content-Length. */
function answersOf(socket: Socket): () => Promise<void> {
  let waiting: Buffer = Buffer.alloc(0);
  let wake: (() => void) | undefined;
  let ready = 0;
  let failure: Error | undefined;
  socket.on('data', (chunk) => {
    waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
    for (let end = answerEnd(waiting); end > 0; end = answerEnd(waiting)) {
      waiting = waiting.subarray(end);
      ready += 1;
    }
    wake?.();
  });
  socket.on('close', () => {
    failure ??= new Error('the server closed the connection');
    wake?.();
  });
  socket.on('error', (error) => {
    failure = error;
  });
  return async () => {
    while (ready === 0) {
      if (failure !== undefined) throw failure;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    ready -= 1;
  };
}

function answerEnd(bytes: Buffer): number {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return 0;
  const length = /content-length: *(\d+)/i.exec(bytes.toString('latin1', 0, headEnd))?.[1] ?? '0';
  const end = headEnd + 4 + Number(length);
  return end <= bytes.length ? end : 0;
}
