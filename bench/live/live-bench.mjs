// A bench of running processes: each row starts what it needs, warms up, is measured in windows, and ends everything.
import { canCapture } from '../../scripts/setup/rights.mjs';
import { installCommand, isInPath } from '../../scripts/setup/system-packages.mjs';
import { printRows, sorted, whole } from '../table.mjs';
import { endAll } from './children.mjs';
import { removePairs } from './veth-pair.mjs';

const PASSES = 3;
const WARM_UP_SECONDS = 1;
/** Program to Debian package. */
const PACKAGES = /** @type {Readonly<Record<string, string>>} */ ({
  nginx: 'nginx-light',
  wrk: 'wrk',
  tcpdump: 'tcpdump',
  tcpreplay: 'tcpreplay',
  ip: 'iproute2',
});

/**
 * What a row gets: `earlier` are the figures of the rows before it.
 * @typedef {object} RowSettings
 * @property {string} folder
 * @property {number} seconds
 * @property {number} passes
 * @property {number} warmUpSeconds
 * @property {ReadonlyMap<string, Figures>} earlier
 */

/** @typedef {Readonly<Record<string, number | null>>} Counts null where it cannot be known */

/**
 * `needs` are programs, or `capture`, or `root`. `counts` are over the whole row, the warm-up included.
 * @typedef {object} LiveRow
 * @property {string} name
 * @property {string} about
 * @property {readonly string[]} needs
 * @property {string} [floor] the row that it is compared with
 * @property {(settings: RowSettings) => Promise<import('./windows.mjs').Measured & { counts: Counts }>} measure
 */

/**
 * `cpuUsPerRequest` is that of the best window, all processes together; `cpuUsPerRequestOf` of each of them in it. The delay is
 * the median window's, its `max` the worst of all. Memory is the most that each process ever had.
 * @typedef {object} Figures
 * @property {string} name
 * @property {string} about
 * @property {number} passes
 * @property {number} requestsPerSecond
 * @property {number} cpuUsPerRequest
 * @property {number} medianCpuUsPerRequest
 * @property {Readonly<Record<string, number>>} cpuUsPerRequestOf
 * @property {number | null} timesFloor
 * @property {number} offered
 * @property {Counts} counts
 * @property {import('./windows.mjs').Delay | null} delayMs
 * @property {Readonly<Record<string, number>>} peakMiB
 */

/** @typedef {{ name: string, about: string, missing: string }} Missing */
/** @typedef {{ name: string, title: string, rows: (Figures | Missing)[] }} LiveResult */
/** @typedef {readonly [head: string, cell: (row: Figures) => string]} Column */

/**
 * @param {object} definition
 * @param {string} definition.name
 * @param {string} definition.title
 * @param {readonly string[]} definition.rates where none are asked for
 * @param {(rates: readonly string[]) => readonly LiveRow[]} definition.rows
 * @param {readonly Column[]} definition.columns those beside the ones that every live bench has
 * @returns {import('../bench.mjs').Bench<LiveResult>}
 */
export function liveBench({ name, title, rates, rows, columns }) {
  const rowsAt = (/** @type {readonly string[] | undefined} */ asked) => rows(asked ?? rates);
  return {
    ...{ name, title },
    rowNames: (settings) => rowsAt(settings.rates).map((row) => row.name),
    run: async (settings) => ({ name, title, rows: await runRows(name, rowsAt(settings.rates), settings) }),
    print: (result, { node, processor, cores, kernel }) => {
      console.log(`\n${title}; Node ${node}, Linux ${kernel}, ${cores} × ${processor}\n`);
      printRows([...common, ...columns, memory], /** @type {Figures[]} */ (result.rows));
    },
  };
}

/**
 * @param {string} bench
 * @param {readonly LiveRow[]} rows
 * @param {import('../bench.mjs').Settings} settings
 */
async function runRows(bench, rows, { folder, seconds, passes = PASSES, only, say }) {
  /** @type {Map<string, Figures>} */
  const earlier = new Map();
  const results = [];
  for (const row of rows.filter(({ name }) => only?.includes(name) ?? true)) {
    const { name, about } = row;
    const missing = whyNot(row.needs);
    if (missing !== undefined) {
      results.push({ name, about, missing });
      continue;
    }
    say(`${bench}: ${name}`);
    const warmUpSeconds = Math.min(WARM_UP_SECONDS, 3 * seconds);
    const figures = figuresOf(row, await measure(row, { folder, seconds, passes, warmUpSeconds, earlier }));
    earlier.set(name, figures);
    results.push(figures);
  }
  return results.map((row) => ('missing' in row ? row : { ...row, timesFloor: timesFloor(row, rows, earlier) }));
}

/**
 * Nothing of a row is left running for the next one.
 * @param {LiveRow} row
 * @param {RowSettings} settings
 */
async function measure(row, settings) {
  try {
    return await row.measure(settings);
  } finally {
    await endAll();
    removePairs();
  }
}

/**
 * Why a row cannot be measured here.
 * @param {readonly string[]} needs
 */
export function whyNot(needs) {
  if (process.platform !== 'linux') return 'live benches read /proc: Linux only';
  if (needs.includes('capture') && !canCapture())
    return 'capturing needs the capability CAP_NET_RAW: sudo npm run bench';
  if (needs.includes('root') && process.getuid?.() !== 0)
    return 'making network namespaces needs root: sudo npm run bench';
  const missing = needs.flatMap((need) => (PACKAGES[need] === undefined || isInPath(need) ? [] : [PACKAGES[need]]));
  return missing.length === 0 ? undefined : `not installed: ${installCommand(missing)}`;
}

/**
 * @param {LiveRow} row
 * @param {import('./windows.mjs').Measured & { counts: Counts }} measured
 * @returns {Figures}
 */
function figuresOf({ name, about }, { windows, offered, peakMiB, counts }) {
  const costs = windows.map((window) => {
    const of = Object.entries(window.cpuUs).map(([process, cpuUs]) => {
      return /** @type {const} */ ([process, cpuUs / (window.requestsOf[process] ?? window.requests)]);
    });
    return { of: Object.fromEntries(of), together: of.reduce((sum, [, cost]) => sum + cost, 0) };
  });
  const { best, median } = sorted(costs.map(({ together }) => together));
  const delays = windows.flatMap(({ delayMs }) => (delayMs === undefined ? [] : [delayMs]));
  return {
    ...{ name, about, passes: windows.length, offered, counts, peakMiB },
    requestsPerSecond: sorted(windows.map(({ requests, seconds }) => requests / seconds)).median,
    cpuUsPerRequest: best,
    medianCpuUsPerRequest: median,
    cpuUsPerRequestOf: costs.find(({ together }) => together === best)?.of ?? {},
    timesFloor: null,
    delayMs: delays.length === 0 ? null : delayOf(delays),
  };
}

/** @param {readonly import('./windows.mjs').Delay[]} delays */
function delayOf(delays) {
  return {
    p50: sorted(delays.map(({ p50 }) => p50)).median,
    p99: sorted(delays.map(({ p99 }) => p99)).median,
    max: Math.max(...delays.map(({ max }) => max)),
  };
}

/**
 * @param {Figures} row
 * @param {readonly LiveRow[]} rows
 * @param {ReadonlyMap<string, Figures>} measured
 */
function timesFloor({ name, cpuUsPerRequest }, rows, measured) {
  const floor = measured.get(rows.find((row) => row.name === name)?.floor ?? '');
  return floor === undefined ? null : cpuUsPerRequest / floor.cpuUsPerRequest;
}

/** @type {readonly Column[]} */
const common = [
  ['', ({ name }) => name],
  ['requests/s', ({ requestsPerSecond }) => whole(requestsPerSecond)],
  ['CPU µs/request', ({ cpuUsPerRequest }) => cpuUsPerRequest.toFixed(2)],
  ['(median)', ({ medianCpuUsPerRequest }) => medianCpuUsPerRequest.toFixed(2)],
  ['× floor', ({ timesFloor }) => timesFloor?.toFixed(1) ?? '–'],
];

/** @type {Column} */
const memory = ['peak MiB', ({ peakMiB }) => Object.values(peakMiB).map(whole).join(' + ')];

/**
 * A column of a count; `–` where it is not known, or not counted in that row.
 * @param {string} head
 * @param {string} name
 * @returns {Column}
 */
export function countColumn(head, name) {
  return [head, ({ counts }) => (typeof counts[name] === 'number' ? whole(counts[name]) : '–')];
}

/**
 * A column of what one process took for a request.
 * @param {string} process
 * @returns {Column}
 */
export function processColumn(process) {
  return [process, ({ cpuUsPerRequestOf }) => cpuUsPerRequestOf[process]?.toFixed(2) ?? '–'];
}

/** @type {readonly Column[]} */
export const delayColumns = /** @type {const} */ (['p50', 'p99', 'max']).map((part) => [
  `${part} ms`,
  ({ delayMs }) => delayMs?.[part].toFixed(1) ?? '–',
]);
