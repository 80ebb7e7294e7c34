// A server that keeps apart what comes on each of its connections, and how each ended.

import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { OK } from '../../../test/kit/odd-server.ts';

/** One accepted connection. */
export interface AcceptedConnection {
  readonly socket: Socket;
  /** Whole messages without bodies, a character a byte. */
  readonly requests: string[];
  /** `fin`: the client ended it in order, before the server did; `server`: the server did; `reset`: it broke off. */
  end: 'open' | 'fin' | 'server' | 'reset';
}

export interface ConnectionServer extends AsyncDisposable {
  readonly port: number;
  readonly connections: readonly AcceptedConnection[];
  readonly open: number;
}

/** What to do with a whole request; the first connection is 0, and so is its first request. */
export type Answer = (socket: Socket, request: string, connection: number, nth: number) => void;

export const answerOk: Answer = (socket) => void socket.write(OK);

/** Listens on 127.0.0.1; `tls` makes it https. Requests end with their heads. */
export async function openConnectionServer(answer: Answer = answerOk, tls?: TlsOptions): Promise<ConnectionServer> {
  const connections: AcceptedConnection[] = [];
  const serve = (socket: Socket): void => {
    const connection: AcceptedConnection = { socket, requests: [], end: 'open' };
    const number = connections.push(connection) - 1;
    let bytes = '';
    socket.setEncoding('latin1').on('data', (data) => {
      bytes += String(data);
      for (let end = bytes.indexOf('\r\n\r\n'); end >= 0; end = bytes.indexOf('\r\n\r\n')) {
        const request = bytes.slice(0, end + 4);
        bytes = bytes.slice(end + 4);
        answer(socket, request, number, connection.requests.push(request) - 1);
      }
    });
    socket.on('end', () => {
      if (connection.end === 'open') connection.end = socket.writableEnded ? 'server' : 'fin';
    });
    socket.on('error', () => {
      connection.end = 'reset';
    });
    socket.on('close', () => {
      if (connection.end === 'open') connection.end = 'server';
    });
  };
  const server: Server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    connections,
    get open() {
      return connections.filter(({ socket }) => !socket.destroyed).length;
    },
    [Symbol.asyncDispose]: async () => {
      for (const { socket } of connections) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Targets of a connection's requests. */
export function targetsOf({ requests }: AcceptedConnection): string[] {
  return requests.map((request) => request.split(' ')[1]!);
}
