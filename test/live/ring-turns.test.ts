// The engine ring under more traffic than its handler takes: timers get their turn, closing drains to the packet, and no
// packet enters that the filter does not let pass.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type LiveCapture, type OpenCaptureOptions, openCapture } from '@gor/capture/open-capture';
import type { ListenLedger } from 'gor-listen';
import { expect, type TestContext, test } from 'vitest';
import { freePort } from '../kit/free-port.ts';
import { needs } from '../kit/rights.ts';
import { expectListenBalance, startListen } from './programs.ts';

const MIB = 2 ** 20;
/** Datagrams over IPv4 loopback to a port where nobody listens: arguments are the port, the bytes, how many; 0 is for ever. */
const flood = `
  const [port, bytes, count] = process.argv.slice(1).map(Number);
  const socket = require('node:dgram').createSocket('udp4');
  const data = Buffer.alloc(bytes);
  let sent = 0;
  const next = () => {
    if (count > 0 && sent >= count) return socket.close();
    for (let batch = 0; batch < 50; batch++) socket.send(data, port, '127.0.0.1', () => { if (++sent % 50 === 0) next(); });
  };
  socket.on('error', () => {});
  next();
`;
/** Server and client of TCP in one process: the port, the bytes, how often; 0 is for ever. */
const traffic = `
  const net = require('node:net');
  const [port, bytes, times] = process.argv.slice(1).map(Number);
  let count = 0;
  const send = () => net.connect(port, '127.0.0.1').on('close', () => (++count === times ? server.close() : send())).end(Buffer.alloc(bytes));
  const server = net.createServer((socket) => socket.resume()).listen(port, '127.0.0.1', send);
`;

function openRing(options: Partial<OpenCaptureOptions>): Promise<LiveCapture> {
  return openCapture({ engine: 'ring', interfaces: ['lo'], onFrame: () => {}, ...options });
}

function run(source: string, ...args: number[]): void {
  const { status, stderr } = spawnSync(process.execPath, ['-e', source, ...args.map(String)], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

function busy(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until; );
}

/** Captures datagrams to a port: what a filter expression is for. */
function datagramsTo(context: TestContext, port: number): Partial<OpenCaptureOptions> {
  needs(context, 'capture', 'tcpdump');
  return { filter: `udp dst port ${port}` };
}

test('while a slow handler works through a full ring, timers and immediates get their turn', async (context) => {
  const port = await freePort();
  const filter = datagramsTo(context, port);
  let frames = 0;
  // 1.2 KB a packet make some 190 of a block, which then costs 10 ms.
  const onFrame = () => {
    frames++;
    busy(0.05);
  };
  const capture = await openRing({ ...filter, bufferBytes: 16 * MIB, onFrame });
  run(flood, port, 1_200, 10_000); // the ring holds all of it, unread
  let longestMs = 0;
  let immediates = 0;
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - lastMs);
    lastMs = nowMs;
  }, 10);
  const again = () => {
    immediates++;
    if (frames < 10_000) setImmediate(again);
  };
  again();
  await new Promise((resolve) => setTimeout(resolve, 250));
  const whileRunning = frames;
  await capture.close(); // most is still unread: the timer goes on while it drains
  clearInterval(timer);
  expect(capture.counters()).toMatchObject({ frames: 10_000, kernelDrops: 0 });
  expect(frames).toBe(10_000);
  expect(whileRunning).toBeGreaterThan(1_000);
  expect(whileRunning).toBeLessThan(9_000);
  expect(immediates).toBeGreaterThan(20);
  // A block, a turn's time, and the timer's own 10 ms: without bounds it would be 500.
  expect(longestMs, `${immediates} immediates`).toBeLessThan(80);
});

test('several rings that are closed under full traffic lose no packet and count what they drop', async (context) => {
  const port = await freePort();
  const options = datagramsTo(context, port);
  const child = spawn(process.execPath, ['-e', flood, `${port}`, '100', '0']);
  try {
    const counts = [0, 0, 0, 0];
    const open = (index: number) => {
      const onFrame = () => {
        counts[index]!++;
      };
      return openRing({ ...options, onFrame, interfaces: index % 2 === 0 ? ['lo'] : ['any'], bufferBytes: 64 * MIB });
    };
    const captures = await Promise.all(counts.map((_, index) => open(index)));
    await new Promise((resolve) => setTimeout(resolve, 500));
    await Promise.all(captures.map((capture) => capture.close()));
    const atClose = [...counts];
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(counts).toEqual(atClose);
    for (const [index, capture] of captures.entries()) {
      expect(capture.counters()).toMatchObject({ frames: counts[index], kernelDrops: 0 });
      expect(counts[index]).toBeGreaterThan(1_000);
    }
  } finally {
    await end(child);
  }
});

test('closing within the handler, twice, and again from outside, is one close that drains', async (context) => {
  const port = await freePort();
  const options = datagramsTo(context, port);
  let frames = 0;
  let closing: Promise<unknown> | undefined;
  const capture: LiveCapture = await openRing({
    ...options,
    bufferBytes: 16 * MIB,
    onFrame: () => {
      if (++frames === 10) closing = Promise.all([capture.close(), capture.close()]);
    },
  });
  run(flood, port, 1_200, 3_000);
  while (closing === undefined) await new Promise(setImmediate);
  await Promise.all([closing, capture.close()]);
  await capture.close();
  expect(frames).toBe(3_000);
  expect(capture.counters()).toMatchObject({ frames: 3_000, kernelDrops: 0 });
});

test('a capture that fails to open on its second interface gives no frame of the first', async (context) => {
  needs(context, 'capture');
  let frames = 0;
  const opening = openRing({ interfaces: ['lo', 'nosuch0'], onFrame: () => frames++ });
  await expect(opening).rejects.toMatchObject({ code: 'no-such-interface' });
  run(traffic, await freePort(), 1_000, 1);
  expect(frames).toBe(0);
});

test('opened 100 times amid other traffic, nothing of it enters', async (context) => {
  needs(context, 'capture');
  const [port, unused] = [await freePort(), await freePort()];
  const child = spawn(process.execPath, ['-e', flood, `${port}`, '100', '0']);
  try {
    let frames = 0;
    let drops = 0;
    for (let round = 0; round < 100; round++) {
      const capture = await openRing({ ports: [unused], bufferBytes: 1, onFrame: () => frames++ });
      if (round % 10 === 0) await capture.close();
      else await Promise.all([new Promise(setImmediate), capture.close()]);
      drops += capture.counters().kernelDrops ?? 0;
      expect(capture.counters().frames).toBe(0);
    }
    expect({ frames, drops }).toEqual({ frames: 0, drops: 0 });
  } finally {
    await end(child);
  }
});

test('what gor-listen with a tiny buffer does not see, its ledger counts, to the packet', async (context) => {
  needs(context, 'capture');
  const port = await freePort();
  const start = (...args: string[]) => startListen('-i', 'lo', '-p', `${port}`, '--engine', 'ring', '--print', ...args);
  const large = await start('--buffer-size', '256mb');
  const small = await start('--buffer-size', '64kb');
  small.program.signal('SIGSTOP'); // it is late for all of it
  run(traffic, port, 300_000, 100);
  small.program.signal('SIGCONT');
  const ledgers: ListenLedger[] = [await large.stop(), await small.stop()];
  ledgers.forEach(expectListenBalance);
  const [all, few] = ledgers.map(({ frames }) => frames);
  expect(all?.kernelDrops).toBe(0);
  expect(few?.kernelDrops).toBeGreaterThan(0);
  expect((few?.seen ?? 0) + (few?.kernelDrops ?? 0)).toBe(all?.seen);
});
