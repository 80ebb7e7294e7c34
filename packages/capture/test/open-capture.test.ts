// Live capture on loopback, where the engine loads and capturing is permitted; elsewhere these tests are skipped.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, type TestContext, test } from 'vitest';
import { isInstalled } from '../../../test/kit/rights.ts';
import { CaptureError, type Connection, type Direction, type Frame, FrameDecoder, TcpAssembler } from '../src/index.ts';
import { type LiveCapture, type OpenCaptureOptions, openCapture } from '../src/open-capture.ts';

/** Opens a capture; skips the test where that is not possible here. */
async function openOrSkip(context: TestContext, options: OpenCaptureOptions): Promise<LiveCapture> {
  try {
    return await openCapture(options);
  } catch (error) {
    if (error instanceof CaptureError && (error.code === 'no-permission' || error.code === 'no-engine')) {
      return context.skip(error.message);
    }
    throw error;
  }
}

/** Sends bytes to a server that sends them back, until both sides have closed; returns the server's port. */
async function echo(host: string, bytes: Uint8Array, onPort: (port: number) => Promise<void>): Promise<void> {
  const server = createServer((socket) => socket.pipe(socket)).listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  try {
    await onPort(address.port);
    const socket = connect(address.port, host).resume();
    socket.end(bytes);
    await once(socket, 'close');
  } finally {
    server.close();
  }
}

for (const [engine, host, interfaceName] of [
  ['ring', '127.0.0.1', 'any'],
  ['ring', '127.0.0.1', 'lo'],
  ['ring', '::1', 'any'],
  ['ring', '::1', 'lo'],
  ['cap', '127.0.0.1', 'any'],
  ['cap', '127.0.0.1', 'lo'],
  ['cap', '::1', 'any'],
  ['cap', '::1', 'lo'],
] as const) {
  test(`${engine}: a connection over ${host} is captured on ${interfaceName} whole, once, and as incoming`, async (context) => {
    const connections: Connection[] = [];
    const directions = new Set<Direction>();
    const received = { client: 0, server: 0 };
    const handler = (side: 'client' | 'server') => ({
      data: (bytes: Uint8Array) => {
        received[side] += bytes.length;
      },
      gap: () => expect.unreachable('nothing is lost on loopback'),
      end: () => {},
    });
    const assembler = new TcpAssembler({
      onConnection: (connection) => {
        connections.push(connection);
        return { client: handler('client'), server: handler('server') };
      },
    });
    const decoder = new FrameDecoder({
      onSegment: (segment) => {
        directions.add(segment.direction);
        assembler.push(segment);
      },
    });
    let capture: LiveCapture | undefined;
    await echo(host, new Uint8Array(300_000), async (port) => {
      const onFrame = (frame: Frame) => decoder.push(frame);
      capture = await openOrSkip(context, { engine, interfaces: [interfaceName], ports: [port], onFrame });
    });
    await capture?.close();
    await capture?.close();
    const framesAtClose = capture?.counters().frames;
    assembler.close();

    expect(connections).toMatchObject([{ client: { address: host }, server: { address: host }, rolesFrom: 'syn' }]);
    expect(received).toEqual({ client: 300_000, server: 300_000 });
    expect([...directions]).toEqual(['loopback']);
    expect(assembler.counters()).toMatchObject({ connectionsEnded: { fin: 1 } });
    // The kernel may send some of it again, but never all.
    expect(assembler.counters().duplicateBytes).toBeLessThan(300_000);
    expect(capture).toMatchObject({ engine, interfaces: [interfaceName], tellsDirection: true });
    expect(framesAtClose).toBe(decoder.counters().seen);
  });
}

for (const engine of ['ring', 'cap'] as const) {
  test(`${engine}: an interface that is not there is named, with those that are`, async (context) => {
    const opening = openOrSkip(context, { engine, interfaces: ['nosuch0'], onFrame: () => {} });
    await expect(opening).rejects.toMatchObject({
      code: 'no-such-interface',
      message: expect.stringMatching(/nosuch0.* lo/),
    });
  });
}

test('a filter that does not compile is refused', async (context) => {
  const opening = openOrSkip(context, { interfaces: ['lo'], filter: 'tcp prot 80', onFrame: () => {} });
  await expect(opening).rejects.toMatchObject({
    code: 'bad-filter',
    message: expect.stringContaining('"tcp prot 80"'),
  });
});

test('a filter about the link layer is for cap: auto takes it and says why, ring refuses', async (context) => {
  context.skip(process.platform !== 'linux', 'the engine ring is for Linux only');
  context.skip(!isInstalled('tcpdump'), 'tcpdump is not installed');
  const filter = 'ether[12:2] = 0x800 and tcp port 9';
  await using capture = await openOrSkip(context, { interfaces: ['lo'], filter, onFrame: () => {} });
  expect(capture).toMatchObject({ engine: 'cap', filters: [filter] });
  expect(capture.note).toMatch(/^engine cap, because: The filter .* link layer/);
  const refused = openCapture({ engine: 'ring', filter, onFrame: () => {} });
  await expect(refused).rejects.toMatchObject({
    code: 'bad-filter',
    message: expect.stringContaining('engine cap takes it'),
  });
});

test('an interface is captured once, whatever it is called', async (context) => {
  await using capture = await openOrSkip(context, {
    engine: 'ring',
    interfaces: ['lo:1', 'lo', 'lo'],
    onFrame: () => {},
  });
  expect(capture.interfaces).toEqual(['lo:1']);
  expect(capture.filters).toHaveLength(1);
});

test('misuse is refused', async () => {
  await expect(openCapture({ interfaces: [], onFrame: () => {} })).rejects.toThrow(RangeError);
  await expect(openCapture({ bufferBytes: 0, onFrame: () => {} })).rejects.toThrow(/bufferBytes: 0/);
  await expect(openCapture({ isPromiscuous: true, onFrame: () => {} })).rejects.toThrow(/isPromiscuous: true.*"any"/);
});
