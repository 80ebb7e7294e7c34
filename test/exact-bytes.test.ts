// Every request of the corpus and of llhttp's vectors, through the exact forwarder to a raw TCP server: what arrives is what
// was captured, byte for byte, but for the changes that `outgoingChanges.exact` lists, made here by other means.
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { FrameDecoder, readCapture, TcpAssembler } from '@gor/capture';
import { bodyOf, HttpConnection, MemoryBudget, parseRequest, RequestParser, roleOf } from '@gor/http';
import { createReplayer, type ReplayRequest } from '@gor/replay';
import { expect, test } from 'vitest';
import { corpusFolder, readCorpus } from './kit/corpus.ts';
import { asLatin1 } from './kit/every-split.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';

test('every request of the corpus', async (context) => {
  const corpus = readCorpus();
  if (corpus === undefined) return context.skip(`there is no corpus in ${corpusFolder}: set GOR_CORPUS`);
  const captured: Uint8Array[] = [];
  for (const { capture } of corpus) {
    const budget = new MemoryBudget();
    const assembler = new TcpAssembler({
      roleOf,
      onConnection: () => {
        const http = new HttpConnection({
          budget,
          onRequest: ({ bytes }) => captured.push(bytes.slice()),
          onReject: () => {},
        });
        return { client: http.client, server: http.server };
      },
      limits: { holeTimeoutMs: 30_000 },
    });
    const decoder = new FrameDecoder({ onSegment: (segment) => assembler.push(segment) });
    for await (const batch of readCapture(capture)) for (const frame of batch) decoder.push(frame);
    assembler.close();
  }
  expect(captured.length).toBeGreaterThan(500);
  await expectExact(captured);
});

test('every request of the llhttp vectors', async (context) => {
  const file = join(corpusFolder, 'llhttp-vectors.json');
  if (!existsSync(file)) return context.skip(`there is no ${file}: set GOR_CORPUS`);
  const { vectors }: { vectors: { type: string; inputBase64: string }[] } = JSON.parse(readFileSync(file, 'utf8'));
  const captured: Uint8Array[] = [];
  for (const { type, inputBase64 } of vectors) {
    if (type !== 'request') continue;
    const parser = new RequestParser({
      onRequest: ({ bytes }) => captured.push(bytes.slice()),
      onReject: () => {},
    });
    parser.push(Uint8Array.from(Buffer.from(inputBase64, 'base64')), 0);
    parser.end(0);
  }
  expect(captured.length).toBeGreaterThan(100);
  await expectExact(captured);
});

/** Sends them one after the other, and compares what each brings to the server. */
async function expectExact(captured: readonly Uint8Array[]): Promise<void> {
  await using server = await openServer();
  await using replayer = createReplayer({
    targets: [`http://127.0.0.1:${server.port}`],
    maxWaitingBytes: Number.POSITIVE_INFINITY,
    timeoutMs: 10_000,
  });
  let skipped = 0;
  for (const [connection, bytes] of captured.entries()) {
    const request = requestOf(bytes, connection);
    const isSkipped = request.method === 'CONNECT' || asksToUpgrade(asLatin1(bytes.subarray(0, request.bodyStart)));
    if (isSkipped) skipped += 1;
    const expected = isSkipped ? '' : changed(asLatin1(bytes), request.bodyStart!, `127.0.0.1:${server.port}`);
    server.expect(expected.length);
    replayer.send(request);
    await replayer.drain();
    if (server.received() !== expected) expect(server.received()).toBe(expected);
  }
  const ledger = replayer.ledger().targets[0]!;
  expect(ledger).toMatchObject({
    received: captured.length,
    answered: captured.length - skipped,
    failed: {},
    limited: {},
  });
  const { connect = 0, upgrade = 0, ...others } = ledger.skipped;
  expect([connect + upgrade, others]).toEqual([skipped, {}]);
}

function requestOf(bytes: Uint8Array, connection: number): ReplayRequest {
  const parsed = parseRequest(bytes);
  if (typeof parsed === 'string') throw new Error(parsed);
  return { ...parsed, connection, body: bodyOf(parsed) };
}

/** What the list says, line by line. */
function changed(text: string, bodyStart: number, authority: string): string {
  const head = text.slice(0, bodyStart);
  const emptyLine = /\r?\n$/.exec(head)![0];
  const [requestLine = '', ...fields] = head
    .slice(0, head.length - emptyLine.length)
    .replaceAll(/[ \t]*\r?\n[ \t]+/g, ' ')
    .split(/(?<=\n)/);
  const outgoing = fields.map((line) => {
    if (/^host[ \t]*:/i.test(line)) return line.replace(/(?<=:[ \t]*)(?![ \t]).*?(?=[ \t]*\r?\n$)/s, authority);
    if (!/^connection[ \t]*:/i.test(line)) return line;
    return line.replaceAll(/(?<=[:,][ \t]*)close(?=[ \t]*(,|\r?\n))/gi, 'keep-alive');
  });
  const isKept =
    !/HTTP\/1\.0[ \t]*\r?\n$/.test(requestLine) || fields.some((line) => /^connection[ \t]*(:|\r?\n)/i.test(line));
  const isMarked = fields.some((line) => /^gor-replayed[ \t]*(:|\r?\n)/i.test(line));
  const added = [isKept ? '' : 'Connection: keep-alive\r\n', isMarked ? '' : 'Gor-Replayed: 1\r\n'];
  return [requestLine, ...outgoing, ...added, emptyLine, text.slice(bodyStart)].join('');
}

function asksToUpgrade(folded: string): boolean {
  const head = folded.replaceAll(/\r?\n[ \t]+/g, ' ');
  return /^connection[ \t]*:(.*,)?[ \t]*upgrade[ \t]*(,|\r?$)/im.test(head) && /^upgrade[ \t]*(:|\r?$)/im.test(head);
}

interface ByteServer extends AsyncDisposable {
  readonly port: number;
  /** Forgets what came, and answers once so many bytes have come. */
  readonly expect: (bytes: number) => void;
  readonly received: () => string;
}

async function openServer(): Promise<ByteServer> {
  const sockets = new Set<Socket>();
  let received = '';
  let expected = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.setEncoding('latin1').on('data', (text) => {
      const before = received.length;
      received += String(text);
      if (before < expected && received.length >= expected) socket.write(ANSWER);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    expect: (bytes) => {
      received = '';
      expected = bytes;
    },
    received: () => received,
    [Symbol.asyncDispose]: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
