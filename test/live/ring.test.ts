// The engine ring on this machine's kernel: nothing lost, nothing twice, what is dropped counted to the packet, and
// nothing left behind however it ends.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { type Frame, FrameDecoder, TcpAssembler } from '@gor/capture';
import { type LiveCapture, type OpenCaptureOptions, openCapture } from '@gor/capture/open-capture';
import { expect, test } from 'vitest';
import { freePort } from '../kit/free-port.ts';
import { needs } from '../kit/rights.ts';

const root = new URL('../..', import.meta.url).pathname;

/** Server and client in one process: arguments are the port, the bytes, and how often, with 0 for ever. */
const traffic = `
  const net = require('node:net');
  const [port, bytes, times] = process.argv.slice(1).map(Number);
  let count = 0;
  const send = () => net.connect(port, '127.0.0.1').on('close', () => (++count === times ? server.close() : send())).end(Buffer.alloc(bytes));
  const server = net.createServer((socket) => socket.resume()).listen(port, '127.0.0.1', send);
  if (times === 0) process.stdin.resume().on('end', () => process.exit());
`;

/** The start of a script that runs dist, as a process or a thread. */
const script = `import { openCapture } from '@gor/capture/open-capture';`;

function openRing(options: Omit<OpenCaptureOptions, 'engine'>): Promise<LiveCapture> {
  return openCapture({ engine: 'ring', ...options });
}

test('20 MB over loopback arrive whole, in packets of 64 KiB', async (context) => {
  needs(context, 'capture');
  const port = await freePort();
  let longest = 0;
  const decoder = new FrameDecoder({ onSegment: (segment) => assembler.push(segment) });
  const assembler = new TcpAssembler({
    onConnection: () => ({ client: { data: () => {}, gap: () => expect.unreachable('a gap'), end: () => {} } }),
  });
  const onFrame = (frame: Frame) => {
    longest = Math.max(longest, frame.end - frame.start);
    decoder.push(frame);
  };
  const capture = await openRing({ interfaces: ['lo'], ports: [port], onFrame });
  // This process reads nothing meanwhile: all of it waits in the ring when the capture is closed.
  spawnSync(process.execPath, ['-e', traffic, `${port}`, '20000000', '1']);
  await capture.close();
  assembler.close();
  expect(capture.counters()).toEqual({ frames: decoder.counters().seen, cut: 0, kernelDrops: 0, interfaceDowns: 0 });
  expect(assembler.counters()).toMatchObject({ deliveredBytes: 20_000_000, gapBytes: 0, connections: 1 });
  expect(longest).toBe(65_535);
});

test('what a small ring drops is counted to the packet', async (context) => {
  needs(context, 'capture');
  const port = await freePort();
  const options = { interfaces: ['lo'], ports: [port], onFrame: () => {} };
  await using large = await openRing({ ...options, bufferBytes: 128 * 1024 * 1024 });
  await using small = await openRing({ ...options, bufferBytes: 1 });
  spawnSync(process.execPath, ['-e', traffic, `${port}`, '300000', '40']);
  await Promise.all([large.close(), small.close()]);
  const { frames, kernelDrops = 0 } = small.counters();
  expect(large.counters().kernelDrops).toBe(0);
  expect(kernelDrops).toBeGreaterThan(0);
  expect(frames + kernelDrops).toBe(large.counters().frames);
});

test('opened and closed 200 times under traffic, nothing is left', async (context) => {
  needs(context, 'capture');
  const port = await freePort();
  const child = spawn(process.execPath, ['-e', traffic, `${port}`, '20000', '0']);
  const descriptorsBefore = readdirSync('/proc/self/fd').length;
  let frames = 0;
  let counted = 0;
  const options = { interfaces: ['lo'], ports: [port], bufferBytes: 2 ** 20, onFrame: () => frames++ };
  for (let batch = 0; batch < 10; batch++) {
    const captures = await Promise.all(Array.from({ length: 20 }, () => openRing(options)));
    await Promise.all(captures.map((capture) => capture.close()));
    counted += captures.reduce((sum, capture) => sum + capture.counters().frames, 0);
  }
  child.stdin.end();
  await once(child, 'exit');
  expect(frames).toBe(counted);
  expect(frames).toBeGreaterThan(0);
  expect(readFileSync('/proc/self/maps', 'latin1')).not.toContain('socket:');
  expect(readdirSync('/proc/self/fd').length).toBeLessThan(descriptorsBefore + 10);
});

test('what a handler throws is an uncaught exception, and costs no other frame', async (context) => {
  needs(context, 'capture');
  const port = await freePort();
  const { stdout } = runScript(`${script}
    import { spawnSync } from 'node:child_process';
    let uncaught = 0, calls = 0;
    process.on('uncaughtException', (error) => { if (error.message === 'third') uncaught++; });
    const onFrame = () => { if (++calls === 3) throw new Error('third'); };
    const capture = await openCapture({ engine: 'ring', interfaces: ['lo'], ports: [${port}], onFrame });
    spawnSync(process.execPath, ['-e', ${JSON.stringify(traffic)}, '${port}', '300000', '1']);
    await capture.close();
    const { frames, kernelDrops } = capture.counters();
    console.log(JSON.stringify({ uncaught, missed: frames - calls, kernelDrops, isEnough: calls > 8 }));`);
  expect(JSON.parse(stdout)).toEqual({ uncaught: 1, missed: 0, kernelDrops: 0, isEnough: true });
});

test('threads capture side by side, and one that ends without closing leaves nothing', async (context) => {
  needs(context, 'capture');
  const port = await freePort();
  const child = spawn(process.execPath, ['-e', traffic, `${port}`, '20000', '0']);
  const source = `${script}
    import { parentPort } from 'node:worker_threads';
    await openCapture({ engine: 'ring', interfaces: ['lo'], ports: [${port}], onFrame: () => parentPort.postMessage(1) });`;
  const url = new URL(`data:text/javascript,${encodeURIComponent(withResolvedImports(source))}`);
  const workers = [new Worker(url), new Worker(url)];
  let ownFrames = 0;
  await using _own = await openRing({ interfaces: ['lo'], ports: [port], onFrame: () => ownFrames++ });
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  await Promise.all(workers.map((worker) => worker.terminate()));
  const mappings = readFileSync('/proc/self/maps', 'latin1').match(/socket:/g);
  child.stdin.end();
  await once(child, 'exit');
  expect(mappings).toHaveLength(1);
  expect(ownFrames).toBeGreaterThan(0);
});

test('a process that does not close its capture ends all the same where it is told to', (context) => {
  needs(context, 'capture');
  const ended = runScript(`${script}
    await openCapture({ engine: 'ring', onFrame: () => {} });
    setTimeout(() => process.exit(7), 50);`);
  expect(ended.status).toBe(7);
});

test('without the right to capture, the ways to get it are named', (context) => {
  needs(context, 'capture');
  const { stdout } = runScript(`${script}
    const opened = await openCapture({ engine: 'ring', onFrame: () => {} });
    await opened.close(); // loads the addon: another user may not be allowed to read it
    process.setuid(65534);
    for (const engine of ['ring', 'auto']) {
      await openCapture({ engine, onFrame: () => {} }).catch(({ code, message }) => console.log(code, message));
    }`);
  expect(stdout).toMatch(/^(no-permission .*EPERM.*sudo.*AmbientCapabilities=CAP_NET_RAW.*NET_RAW.*\n){2}$/);
  expect(stdout).not.toContain('setcap');
});

function runScript(source: string): { readonly stdout: string; readonly status: number | null } {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    cwd: root,
    encoding: 'utf8',
    timeout: 20_000,
  });
  expect(stderr).toBe('');
  return { stdout, status };
}

/** A module from a data: URL cannot import by a package's name. */
function withResolvedImports(source: string): string {
  return source.replace("'@gor/capture/open-capture'", `'file://${root}packages/capture/dist/open-capture.js'`);
}
