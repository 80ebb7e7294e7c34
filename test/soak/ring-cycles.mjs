// Opens and closes the engine ring of the package at argv[2] in every way there is, `argv[3]` times in all, amid traffic
// over loopback. Run under sanitizers by ring-sanitizers.test.ts, which says what for.
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const AT_ONCE = 20;
const BUFFER_BYTES = 2 ** 20;

const [folder = '', times = 0] = isMainThread ? [process.argv[2], Number(process.argv[3])] : workerData;
const { openCapture } = await import(pathToFileURL(join(folder, 'dist/open-capture.js')).href);
const { Ring, interfaces, interfaceIndex } = createRequire(import.meta.url)(join(folder, 'build/ring.node'));

let frames = 0;
const options = { engine: 'ring', interfaces: ['lo'], bufferBytes: BUFFER_BYTES, onFrame: () => frames++ };

/**
 * Ways to end a capture.
 * @type {((capture: import('@gor/capture/open-capture').LiveCapture) => Promise<void>)[]}
 */
const endings = [
  (capture) => capture.close(),
  async (capture) => {
    await turn();
    await Promise.all([capture.close(), capture.close()]);
  },
  async (capture) => {
    capture.counters();
    await capture[Symbol.asyncDispose]();
  },
];

/** @param {number} number */
async function cycle(number) {
  if (number % 4 === 3) return closedWithin(number);
  const capture = await openCapture(number % 2 === 0 ? options : { ...options, interfaces: ['any'] });
  await endings[number % endings.length]?.(capture);
}

/**
 * A ring that is closed by its own handler: by the first block, or by the second, or when it has been bound again.
 * @param {number} number
 */
async function closedWithin(number) {
  const everything = Uint8Array.from([6, 0, 0, 0, 255, 255, 255, 255]);
  await new Promise((resolve) => {
    let blocks = 0;
    const onBlock = () => {
      if (number % 8 === 3) ring.bind(interfaceIndex('lo'));
      if (++blocks <= number % 3) return ring.statistics();
      ring.close();
      resolve(undefined);
    };
    const ring = new Ring(number % 2 === 0 ? 0 : 1, everything, 65_536, 4, 1, number % 5 === 0, onBlock, () => {});
    ring.interfaceState();
  });
}

/** Opens that fail, each at another call, and calls that are refused. */
function refused() {
  const everything = Uint8Array.from([6, 0, 0, 0, 255, 255, 255, 255]);
  const none = () => {};
  const rows = [
    [999_999, everything, 65_536, 4, 10, false, none, none],
    [999_999, everything, 65_536, 4, 10, true, none, none],
    [1, Uint8Array.from([255, 255, 0, 0, 0, 0, 0, 0]), 65_536, 4, 10, false, none, none],
    [1, new Uint8Array(8 * 65_537), 65_536, 4, 10, false, none, none],
    [1, everything, 65_537, 4, 10, false, none, none],
    [1, everything, 65_536, 0, 10, false, none, none],
    [1, everything, 65_536, 4, 10, false, none],
    [1, everything, 65_536, 4, 10, false, none, undefined],
    [1, 'x', 65_536, 4, 10, false, none, none],
  ];
  for (const row of rows) mustThrow(() => new Ring(...row));
  mustThrow(() => Ring(...rows[0]));
  mustThrow(() => interfaceIndex(7));
  if (interfaceIndex('x'.repeat(1000)) !== 0 || interfaceIndex('lo\0') !== 0) throw new Error('a name that is none');
  const ring = new Ring(0, everything, 65_536, 4, 10, false, none, none);
  mustThrow(() => ring.bind('x'));
  mustThrow(() => ring.bind(999_999));
  mustThrow(() => ring.bind.call({}, 1));
  interfaces();
  ring.stop();
  ring.close();
  for (const call of ['close', 'stop', 'statistics', 'interfaceState']) mustThrow(() => ring[call]());
}

/** @param {() => void} call */
function mustThrow(call) {
  try {
    call();
  } catch {
    return; // as it must
  }
  throw new Error(`not refused: ${call}`);
}

/** Connections over loopback until it is told to stop. */
async function startTraffic() {
  const server = createServer((socket) => socket.resume().on('error', () => {})).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  let isOver = false;
  const send = () => {
    if (isOver) return;
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {}).on('close', () => setImmediate(send));
    socket.end(Buffer.alloc(20_000));
  };
  send();
  return () => {
    isOver = true;
    server.close();
  };
}

if (!isMainThread) {
  for (let number = 0; number < times; number++) await cycle(number);
  await openCapture(options); // left open: the thread's end closes it
  parentPort?.postMessage(frames);
} else {
  const stopTraffic = await startTraffic();
  refused();
  for (let number = 0; number < times; number += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => cycle(number + at)));
  }
  for (let round = 0; round < 5; round++) {
    const worker = new Worker(new URL(import.meta.url), { workerData: [folder, 5] });
    await once(worker, 'message');
    await worker.terminate();
  }
  stopTraffic();
  for (let round = 0; round < 5; round++) {
    globalThis.gc?.();
    await turn();
  }
  console.log(`cycled ${times} times, ${frames} frames`);
  await openCapture(options);
  process.exit(0); // not closed
}
