// What only the whole listener shows, beyond the pipeline's tests: files that are read faster than they can be sent, a
// stdin that is silent, a reader who has stopped reading.
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ethernetFrame, ipv4Packet, pcapFile } from '../../../test/kit/packets.ts';
import { programPath } from '../../../test/kit/process.ts';
import { type ListenConfig, listen } from '../src/index.ts';

const REQUESTS = 400;
const FILE_HEADER_BYTES = 24;
/** Behind the record's, Ethernet's and IPv4's headers. */
const SOURCE_PORT_AT = 16 + 14 + 20;

const folder = mkdtempSync(join(tmpdir(), 'gor-listen-'));
const path = join(folder, 'large.pcap');
afterAll(() => rmSync(folder, { recursive: true }));

/** A capture of more bytes than the sender's queue may hold, each request on a connection of its own. */
beforeAll(async () => {
  const body = 'x'.repeat(60_000);
  const payload = `POST / HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const file = Buffer.from(pcapFile([{ bytes: ethernetFrame(ipv4Packet({ payload })) }]));
  const out = createWriteStream(path);
  out.write(file.subarray(0, FILE_HEADER_BYTES));
  for (let number = 0; number < REQUESTS; number++) {
    const record = Buffer.from(file.subarray(FILE_HEADER_BYTES));
    record.writeUInt16BE(10_000 + number, SOURCE_PORT_AT);
    out.write(record);
  }
  out.end();
  await once(out, 'close');
});

const config: ListenConfig = {
  source: { kind: 'file', path, speed: Number.POSITIVE_INFINITY },
  ports: [80],
  filter: undefined,
  direction: 'both',
  replay: undefined,
  maxBodyBytes: 1_000_000,
};

test('a file at full speed is read no faster than it can be sent: nothing is dropped', async () => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  const ledger = await listen({ ...config, replay: [{ host: '127.0.0.1', port }] });
  socket.close();
  expect(ledger).toMatchObject({ captured: REQUESTS, sent: REQUESTS, dropped: {} });
  expect(ledger.replayServers).toMatchObject([
    { replayServer: `127.0.0.1:${port}`, sent: REQUESTS, abandonedDatagrams: 0 },
  ]);
});

test('everything is open before the first frame is read, and then its caller is told', async () => {
  const told: string[] = [];
  await listen(config, {
    onOpen: () => told.push('open'),
    onEvent: ({ type }) => told.push(type),
    onRequest: () => told.push('request') > 0,
  });
  expect(told[0]).toBe('open');
  expect(told.filter((word) => word === 'open')).toHaveLength(1);
  expect(told.filter((word) => word === 'request')).toHaveLength(REQUESTS);
});

test('a caller who throws at that ends the listener before it reads anything', async () => {
  const told: string[] = [];
  const listening = listen(config, {
    onOpen: () => {
      throw new Error('not as root');
    },
    onEvent: ({ type }) => told.push(type),
    onRequest: () => told.push('request') > 0,
  });
  await expect(listening).rejects.toThrow('not as root');
  expect(told).toEqual([]);
});

test('an abort ends a listener whose reader takes nothing any more', async () => {
  const stop = new AbortController();
  const pause = () => {
    setImmediate(() => stop.abort());
    return new Promise<void>(() => {});
  };
  const { captured, sent, failure } = await listen(config, { signal: stop.signal, pause });
  expect(captured).toBeLessThan(REQUESTS);
  expect({ sent, failure }).toEqual({ sent: captured, failure: null });
});

test('SIGTERM ends a listener whose stdin says nothing', async () => {
  const child = spawn(process.execPath, [programPath('gor-listen'), '--pcap', '-', '--print']);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (stderr === '') child.kill('SIGTERM'); // the plan is printed: it waits for a capture to begin
    stderr += text;
  });
  const [code] = await once(child, 'close');
  expect(stderr).toMatch(/^captured +0$/m);
  expect(code).toBe(0);
});
