// A raw TCP server on loopback that keeps every byte it gets, and answers as the test says: wrongly, late, or never.

import { createServer, type Server, type Socket } from 'node:net';

/** What to do with a complete request; `socket` may be written to, ended, reset, or left alone. */
export type OddAnswer = (socket: Socket, request: string, index: number) => void;

/** What to do with a connection before anything came on it. */
export type OddGreeting = (socket: Socket, connection: number) => void;

export interface OddServer {
  readonly port: number;
  /** Every complete request so far, head and body as on the wire, a character a byte. */
  readonly requests: readonly string[];
  /** Connections accepted so far. */
  readonly connections: number;
  /** Connections that are open now. */
  readonly openConnections: number;
  /** Closes it with all its connections. */
  readonly close: () => Promise<void>;
}

/** The shortest good answer. */
export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** Answers everything well. */
export const answerWell: OddAnswer = (socket) => socket.write(OK);

/** Listens on 127.0.0.1; a request is complete by its Content-Length, its last chunk, or the end of its head. */
export async function openOddServer(answer: OddAnswer = answerWell, greet?: OddGreeting): Promise<OddServer> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    let bytes = '';
    socket.setEncoding('latin1');
    socket.on('data', (data) => {
      bytes += String(data);
      for (let length = completeLength(bytes); length > 0; length = completeLength(bytes)) {
        const request = bytes.slice(0, length);
        bytes = bytes.slice(length);
        answer(socket, request, requests.push(request) - 1);
      }
    });
    // A client that resets is part of what is tested.
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    greet?.(socket, connections - 1);
  });
  const port = await listen(server);
  return {
    port,
    requests,
    get connections() {
      return connections;
    },
    get openConnections() {
      return sockets.size;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** A port of 127.0.0.1 on which nobody listens. */
export async function findDeadPort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('no port'));
      else resolve(address.port);
    });
  });
}

/** Length of the first complete request in these bytes; 0 while it is not complete. */
function completeLength(bytes: string): number {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return 0;
  const head = bytes.slice(0, headEnd);
  if (/^transfer-encoding:.*chunked$/im.test(head)) {
    const lastChunk = bytes.indexOf('\r\n0\r\n', headEnd + 2);
    const bodyEnd = lastChunk < 0 ? -1 : bytes.indexOf('\r\n\r\n', lastChunk + 3);
    return bodyEnd < 0 ? 0 : bodyEnd + 4;
  }
  const length = headEnd + 4 + Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  return bytes.length >= length ? length : 0;
}
