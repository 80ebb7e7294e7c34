// https targets, with each forwarder: a certificate made for the test by openssl, verified or not.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { OK } from '../../../test/kit/odd-server.ts';
import { createReplayer } from '../src/index.ts';
import { aRequest, expectBalance } from './a-request.ts';
import { answerOk, openConnectionServer, targetsOf } from './connection-server.ts';

interface Certificate {
  readonly key: Buffer;
  readonly cert: Buffer;
}

/** For localhost, signed by itself; undefined where there is no openssl. */
function certificate(): Certificate | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'gor-https-'));
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
  try {
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=localhost'];
    execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', cert, '-days', '2'], { stdio: 'ignore' });
    return { key: readFileSync(key), cert: readFileSync(cert) };
  } catch {
    return undefined; // said by the tests, which are skipped
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const made = certificate();

describe.each(['exact', 'undici'] as const)('the forwarder %s:', (forwarder) => {
  test.each([
    ['a certificate that nobody knows fails', {}, { answered: 0, failed: { tls: 3 } }, 3],
    ['it does not where that is not asked for', { insecure: true }, { answered: 3, failed: {} }, 1],
  ])('%s', async (_sentence, options, expected, most, context?: { skip?: (reason: string) => void }) => {
    if (made === undefined) return context?.skip?.('there is no openssl');
    const names: unknown[] = [];
    let text = '';
    const sockets = new Set<TLSSocket>();
    const server = createServer(made, (socket) => {
      names.push(socket.servername);
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => {});
      socket.setEncoding('latin1').on('data', (data) => {
        text += String(data);
        socket.write(OK);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const replayer = createReplayer({ targets: [`https://localhost:${port}`], forwarder, ...options });
    for (let n = 0; n < 3; n++) {
      replayer.send(aRequest());
      await replayer.drain();
    }
    await replayer.close();
    const [ledger] = replayer.ledger().targets;
    expectBalance(ledger!);
    expect(ledger).toMatchObject(expected);
    expect(names.length).toBeLessThanOrEqual(most);
    if (names.length > 0) expect(names[0]).toBe('localhost');
    expect(text.match(/host: localhost:\d+\r\n/gi)?.length ?? 0).toBe(expected.answered);
    await expect.poll(() => sockets.size).toBe(0);
    await new Promise((resolve) => server.close(resolve));
  });
});

test('with sessions each captured connection has one of its own, ended in order, with close_notify', async (context) => {
  if (made === undefined) return context.skip('there is no openssl');
  await using server = await openConnectionServer(answerOk, { ...made, maxVersion: 'TLSv1.2' });
  const lastTypes: number[] = [];
  const tap = createTcpServer((socket) => {
    let last = 0;
    socket.on('data', (bytes) => {
      last = bytes[0]!; // of the record that the client wrote last, which comes alone
    });
    socket.on('end', () => lastTypes.push(last)).on('error', () => {});
    socket.pipe(connect(server.port, '127.0.0.1').on('error', () => {})).pipe(socket);
  });
  await new Promise<void>((resolve) => tap.listen(0, '127.0.0.1', resolve));
  const address = tap.address();
  await using replayer = createReplayer({
    targets: [`https://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`],
    ...{ insecure: true, sessions: true },
  });
  for (const [connection, target] of [...'121323'].entries()) {
    replayer.send(aRequest({ connection: target, target: `/${target}/${connection}` }));
  }
  await replayer.drain();
  expect(server.connections.map((connection) => targetsOf(connection).join(' ')).sort()).toEqual([
    '/1/0 /1/2',
    '/2/1 /2/4',
    '/3/3 /3/5',
  ]);
  expect(server.open).toBe(3);
  for (const connection of '123') replayer.endConnection(connection);
  await expect.poll(() => server.connections.map(({ end }) => end)).toEqual(['fin', 'fin', 'fin']);
  expect(lastTypes).toEqual([21, 21, 21]); // an alert, RFC 5246 §6.2.1
  expect(replayer.ledger().targets[0]).toMatchObject({ answered: 6, sessionSockets: { open: 0, opened: 3 } });
  tap.close();
});
