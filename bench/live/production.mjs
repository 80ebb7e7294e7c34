// What production notices: wrk against nginx at full speed, alone and with a listener beside it, by turns in each pass. The
// listener sends to a socket that counts. Without a core of its own it takes what nginx and wrk would have had.
import { cpus } from 'node:os';
import { printRows, sorted, whole } from '../table.mjs';
import { endAll, Worker } from './children.mjs';
import { whyNot } from './live-bench.mjs';
import { Nginx } from './nginx.mjs';
import { startListen } from './programs.mjs';
import { startTcpdump } from './tcpdump.mjs';
import { runWrk } from './wrk.mjs';

const PASSES = 3;
const CONNECTIONS = 64;
const ALONE = 'alone';

/** @typedef {{ child: import('./children.mjs').Child, sink?: Worker, stop: () => Promise<unknown> }} Beside */

/**
 * @typedef {object} ProductionRow
 * @property {string} name
 * @property {string} about
 * @property {readonly string[]} needs
 * @property {(port: number, folder: string) => Promise<Beside | undefined>} start
 */

/** @type {readonly ProductionRow[]} */
const rows = [
  { name: ALONE, about: 'wrk against nginx, nobody listens', needs: ['nginx', 'wrk'], start: async () => undefined },
  .../** @type {const} */ (['ring', 'cap']).map((engine) => ({
    name: engine,
    about: `gor-listen --engine ${engine} beside it`,
    needs: ['nginx', 'wrk', 'capture'],
    start: (/** @type {number} */ port, /** @type {string} */ folder) => startListener(engine, port, folder),
  })),
  {
    name: 'tcpdump',
    about: 'tcpdump -w - to a pipe beside it: the floor',
    needs: ['nginx', 'wrk', 'capture', 'tcpdump'],
    start: (port) => startTcpdump({ port }),
  },
];

/** Shares are those of the whole machine, 0 to 1. @typedef {{ perSecond: number, p99Ms: number, share: number, sinkShare: number }} Pass */

/**
 * Medians of all passes; `slower` and `p99Ratio` are against `alone`, null where that was not measured.
 * @typedef {object} ProductionFigures
 * @property {string} name
 * @property {string} about
 * @property {number} passes
 * @property {number} requestsPerSecond
 * @property {number} p99Ms
 * @property {number} listenerShare
 * @property {number} sinkShare
 * @property {number | null} slower
 * @property {number | null} p99Ratio
 */

/** @typedef {{ name: string, title: string, rows: (ProductionFigures | { name: string, about: string, missing: string })[] }} ProductionResult */

/** @type {import('../bench.mjs').Bench<ProductionResult>} */
export const production = {
  name: 'production',
  title: 'Production with a listener beside it',
  rowNames: () => rows.map(({ name }) => name),
  run: runBench,
  print: ({ title, rows }, { node, processor, cores, kernel }) => {
    console.log(`\n${title}; Node ${node}, Linux ${kernel}, ${cores} × ${processor}\n`);
    printRows(columns, /** @type {ProductionFigures[]} */ (rows));
  },
};

/**
 * @param {import('../bench.mjs').Settings} settings
 * @returns {Promise<ProductionResult>}
 */
async function runBench({ folder, seconds, passes = PASSES, only, say }) {
  const chosen = rows.filter(({ name }) => only?.includes(name) ?? true);
  const possible = chosen.filter(({ needs }) => whyNot(needs) === undefined);
  /** @type {Map<string, Pass[]>} */
  const measured = new Map(possible.map(({ name }) => [name, []]));
  try {
    for (let pass = 0; pass < passes; pass++) {
      say(`production: pass ${pass + 1} of ${passes}`);
      for (const row of possible) measured.get(row.name)?.push(await measure(row, folder, Math.ceil(seconds)));
    }
  } finally {
    await endAll();
  }
  const alone = mediansOf(measured.get(ALONE) ?? []);
  const results = chosen.map(({ name, about, needs }) => {
    const missing = whyNot(needs);
    if (missing !== undefined) return { name, about, missing };
    return { name, about, passes, ...figuresOf(mediansOf(measured.get(name) ?? []), alone) };
  });
  return { name: production.name, title: production.title, rows: results };
}

/**
 * Servers of its own for each measuring, the first second of all this not measured.
 * @param {ProductionRow} row
 * @param {string} folder
 * @param {number} seconds
 * @returns {Promise<Pass>}
 */
async function measure({ start }, folder, seconds) {
  const nginx = await Nginx.start(folder);
  const beside = await start(nginx.port, folder);
  const load = { port: nginx.port, connections: CONNECTIONS };
  await runWrk({ ...load, seconds: 1 });
  const before = [beside?.child.usage.cpuUs ?? 0, beside?.sink?.usage.cpuUs ?? 0];
  const { perSecond, p99Ms } = await runWrk({ ...load, seconds });
  const after = [beside?.child.usage.cpuUs ?? 0, beside?.sink?.usage.cpuUs ?? 0];
  const [share = 0, sinkShare = 0] = after.map((us, at) => (us - (before[at] ?? 0)) / (seconds * 1e6 * cpus().length));
  await beside?.stop();
  await beside?.sink?.stop();
  await nginx.child.stop();
  return { perSecond, p99Ms, share, sinkShare };
}

/**
 * @param {'ring' | 'cap'} engine
 * @param {number} port
 * @param {string} folder
 * @returns {Promise<Beside>}
 */
async function startListener(engine, port, folder) {
  const sink = await new Worker('datagram-sink').up();
  const to = ['-p', String(port), '-r', `127.0.0.1:${await sink.call('port')}`];
  const listen = await startListen(['--engine', engine, ...to], { folder });
  return { child: listen.child, sink, stop: () => listen.stop() };
}

/**
 * @param {readonly Pass[]} passes
 * @returns {Pass}
 */
function mediansOf(passes) {
  const median = (/** @type {keyof Pass} */ name) => sorted(passes.map((pass) => pass[name])).median;
  return {
    perSecond: median('perSecond'),
    p99Ms: median('p99Ms'),
    share: median('share'),
    sinkShare: median('sinkShare'),
  };
}

/**
 * @param {Pass} own
 * @param {Pass} alone
 */
function figuresOf({ perSecond, p99Ms, share, sinkShare }, alone) {
  const isKnown = alone.perSecond > 0;
  return {
    ...{ requestsPerSecond: perSecond, p99Ms, listenerShare: share, sinkShare },
    slower: isKnown ? 1 - perSecond / alone.perSecond : null,
    p99Ratio: isKnown ? p99Ms / alone.p99Ms : null,
  };
}

/** @type {readonly [string, (row: ProductionFigures) => string][]} */
const columns = [
  ['', ({ name }) => name],
  ['requests/s', ({ requestsPerSecond }) => whole(requestsPerSecond)],
  ['p99 ms', ({ p99Ms }) => p99Ms.toFixed(2)],
  ['production', ({ slower, name }) => (slower === null || name === ALONE ? '–' : percent(-slower, true))],
  ['p99', ({ p99Ratio, name }) => (p99Ratio === null || name === ALONE ? '–' : percent(p99Ratio - 1, true))],
  ['took of the machine', ({ listenerShare }) => percent(listenerShare, false)],
  ['the sink took', ({ sinkShare }) => percent(sinkShare, false)],
];

/**
 * @param {number} share
 * @param {boolean} isSigned
 */
function percent(share, isSigned) {
  return `${isSigned && share > 0 ? '+' : ''}${(share * 100).toFixed(1)} %`.replace('-', '−');
}
