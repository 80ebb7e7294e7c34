// What the wire costs: sealing, and 500-byte requests sent and received, each beside the same work done by node:crypto and
// node:dgram alone, in the same process, by turns.
import { printRows } from '../table.mjs';
import { endAll, Worker } from './children.mjs';
import { whyNot } from './live-bench.mjs';

const PASSES = 3;
const DATAGRAMS_PER_SECOND = 200_000;
const SENT_PER_SECOND = 50_000;
const RECEIVED_PER_SECOND = 40_000;
const WARM_UP_SECONDS = 0.3;

/**
 * What one pass cost, in microseconds for each datagram or request; `floor` did the same with nothing of ours.
 * @typedef {{ ours: number, floor: number, datagramsPerRequest?: number }} Pass
 */

/**
 * @typedef {object} WireRow
 * @property {string} name
 * @property {string} about
 * @property {'datagram' | 'request'} unit
 * @property {() => Promise<(seconds: number) => Promise<Pass>>} start gives what runs a pass
 */

/**
 * Costs are those of the best pass of each side, in µs of CPU; `differenceUs` is between them, `timesFloor` their ratio.
 * @typedef {object} Figures
 * @property {string} name
 * @property {string} about
 * @property {string} unit
 * @property {number} passes
 * @property {number} cpuUs
 * @property {number} floorUs
 * @property {number} timesFloor
 * @property {number} differenceUs
 * @property {number | null} datagramsPerRequest
 */

/** @typedef {{ name: string, about: string, missing: string }} Missing */

/** @type {readonly WireRow[]} */
const rows = [
  {
    name: 'seal',
    about: 'a datagram of 1,200 bytes; the floor: node:crypto',
    unit: 'datagram',
    start: sealing('seal'),
  },
  { name: 'open', about: 'the same; the floor: node:crypto', unit: 'datagram', start: sealing('open') },
  {
    name: 'send',
    about: 'openUdpSender; the floor: node:dgram, a datagram for two requests',
    unit: 'request',
    start: sending(false),
  },
  {
    name: 'send-sealed',
    about: 'with a key; the floor: node:dgram and node:crypto, a datagram of 1,200 bytes for two requests',
    unit: 'request',
    start: sending(true),
  },
  {
    name: 'receive',
    about: 'openUdpReceiver; the floor: node:dgram, a datagram for two requests',
    unit: 'request',
    start: receiving(false),
  },
  {
    name: 'receive-sealed',
    about: 'with a key; the floor: node:dgram and node:crypto, a datagram of 1,200 bytes for two requests',
    unit: 'request',
    start: receiving(true),
  },
];

/** @type {import('../bench.mjs').Bench<{ name: string, title: string, rows: (Figures | Missing)[] }>} */
export const wire = {
  name: 'wire',
  title: 'The wire',
  rowNames: () => rows.map(({ name }) => name),
  run: async ({ only, passes = PASSES, seconds, say }) => {
    const results = [];
    for (const row of rows.filter(({ name }) => only?.includes(name) ?? true)) {
      const { name, about } = row;
      const missing = whyNot([]);
      say(`wire: ${name}`);
      results.push(missing === undefined ? await measure(row, passes, seconds) : { name, about, missing });
    }
    return { name: 'wire', title: 'The wire', rows: results };
  },
  print: ({ title, rows }, { node, processor, cores, kernel }) => {
    console.log(`\n${title}; Node ${node}, Linux ${kernel}, ${cores} × ${processor}\n`);
    printRows(columns, rows);
  },
};

/**
 * @param {WireRow} row
 * @param {number} passes
 * @param {number} seconds
 * @returns {Promise<Figures>}
 */
async function measure({ name, about, unit, start }, passes, seconds) {
  try {
    const run = await start();
    await run(Math.min(WARM_UP_SECONDS, seconds));
    const measured = [];
    for (let pass = 0; pass < passes; pass++) measured.push(await run(seconds));
    const [cpuUs, floorUs] = [best(measured.map(({ ours }) => ours)), best(measured.map(({ floor }) => floor))];
    const datagramsPerRequest = measured.at(-1)?.datagramsPerRequest ?? null;
    const figures = { passes, cpuUs, floorUs, timesFloor: cpuUs / floorUs, differenceUs: cpuUs - floorUs };
    return { name, about, unit, ...figures, datagramsPerRequest };
  } finally {
    await endAll();
  }
}

/**
 * @param {'seal' | 'open'} what
 * @returns {WireRow['start']}
 */
function sealing(what) {
  return async () => {
    const worker = await new Worker('sealing-costs').up();
    return async (seconds) => {
      const count = wholeCount(DATAGRAMS_PER_SECOND, seconds);
      const [ours, floor] = await byTurns(
        () => worker.call(what, { count }),
        () => worker.call(`${what}Floor`, { count }),
      );
      return { floor: floor.cpuUs / count, ours: ours.cpuUs / count };
    };
  };
}

/**
 * @param {boolean} sealed
 * @returns {WireRow['start']}
 */
function sending(sealed) {
  return async () => {
    const sink = await new Worker('datagram-sink').up();
    const worker = await new Worker('sending-costs', { port: await sink.call('port'), sealed }).up();
    return async (seconds) => {
      const count = wholeCount(SENT_PER_SECOND, seconds);
      const [ours, floor] = await byTurns(
        () => worker.call('ours', { count }),
        () => worker.call('floor', { count }),
      );
      const { datagramsPerRequest } = ours;
      return { floor: floor.cpuUs / count, ours: ours.cpuUs / count, datagramsPerRequest };
    };
  };
}

/**
 * @param {boolean} sealed
 * @returns {WireRow['start']}
 */
function receiving(sealed) {
  return async () => {
    const receiver = await new Worker('receiving-costs', { sealed }).up();
    const ports = await receiver.call('ports');
    const source = await new Worker('record-source', { port: ports.ours, kind: 'get', sealed }).up();
    const datagram = sealed ? { datagram: await receiver.call('datagram') } : { datagramBytes: 1104 };
    const bare = await new Worker('datagram-source', { port: ports.floor, ...datagram }).up();
    return async (seconds) => {
      const count = wholeCount(RECEIVED_PER_SECOND, seconds);
      const [ours, floor] = await byTurns(
        async () => {
          await receiver.call('begin');
          await source.call('run', { count, ratePerSecond: RECEIVED_PER_SECOND });
          return receiver.call('end', { requests: count });
        },
        async () => {
          await receiver.call('begin');
          await bare.call('run', { count: count / 2, ratePerSecond: RECEIVED_PER_SECOND / 2 });
          return receiver.call('end', { datagrams: count / 2 });
        },
      );
      if (ours.requests === 0 || floor.datagrams === 0) throw new Error('nothing arrived');
      return { floor: floor.cpuUs / (2 * floor.datagrams), ours: ours.cpuUs / ours.requests };
    };
  };
}

let turn = 0;

/**
 * Both, the one that comes first changing each time: what goes before is no advantage.
 * @param {() => Promise<any>} ours
 * @param {() => Promise<any>} floor
 */
async function byTurns(ours, floor) {
  if (turn++ % 2 === 0) {
    const first = await floor();
    return [await ours(), first];
  }
  return [await ours(), await floor()];
}

/** @type {readonly (readonly [head: string, cell: (row: Figures) => string])[]} */
const columns = [
  ['', ({ name }) => name],
  ['CPU µs', ({ cpuUs }) => cpuUs.toFixed(2)],
  ['a', ({ unit }) => unit],
  ['floor', ({ floorUs }) => floorUs.toFixed(2)],
  ['× floor', ({ timesFloor }) => timesFloor.toFixed(2)],
  ['difference', ({ differenceUs }) => differenceUs.toFixed(2)],
  ['datagrams/request', ({ datagramsPerRequest }) => datagramsPerRequest?.toFixed(2) ?? '–'],
];

/**
 * An even number of what comes in so many seconds.
 * @param {number} perSecond
 * @param {number} seconds
 */
function wholeCount(perSecond, seconds) {
  return 2 * Math.ceil((perSecond * seconds) / 2);
}

/** @param {readonly number[]} values */
function best(values) {
  return Math.min(...values);
}
