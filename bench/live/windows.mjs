// A row's measuring: a load that warms up, then one window after the other, each with what every process used in it.
import { pause } from './children.mjs';

const LOOK_EVERY_MS = 20;
const QUIET_LOOKS = 4;
const QUIET_WITHIN_MS = 5_000;
const MIB = 1024 * 1024;

/** @typedef {import('./children.mjs').Child} Child */

/**
 * `cpuUs` is by the processes' names; `requestsOf` has those that a process did not do all requests of.
 * @typedef {{ requests: number, seconds: number, cpuUs: Record<string, number>, requestsOf: Record<string, number>, delayMs?: Delay }} Window
 */
/** @typedef {{ p50: number, p99: number, max: number }} Delay */

/**
 * What a row gives: its windows, all that was offered to it, warming up included, and the most memory of each process.
 * @typedef {{ windows: Window[], offered: number, peakMiB: Record<string, number> }} Measured
 */

/**
 * Runs the load once to warm up and then `passes` times.
 * @param {object} scenario
 * @param {{ seconds: number, passes: number, warmUpSeconds: number }} scenario.settings
 * @param {import('./load.mjs').Load} scenario.load
 * @param {Readonly<Record<string, Child>>} scenario.processes whose use is measured
 * @param {() => Promise<number>} scenario.progress a count that stands still when all that was sent has gone through
 * @param {() => Promise<unknown>} [scenario.begin] called before each window
 * @param {() => Promise<Delay | undefined>} [scenario.delay] called behind each window
 * @param {() => Promise<Record<string, number>>} [scenario.ownRequests] called behind each window: see Window
 * @returns {Promise<Measured>}
 */
export async function measureWindows({ settings, load, processes, progress, begin, delay, ownRequests }) {
  const { requests: warming } = await load.run(settings.warmUpSeconds);
  await quiet(progress);
  let offered = load.before + warming;
  const windows = [];
  for (let pass = 0; pass < settings.passes; pass++) {
    await begin?.();
    const before = usages(processes);
    const { requests, seconds, requestsOf = {} } = await load.run(settings.seconds);
    await quiet(progress);
    const after = usages(processes);
    const cpuUs = Object.fromEntries(
      Object.keys(processes).map((name) => [name, (after[name]?.cpuUs ?? 0) - (before[name]?.cpuUs ?? 0)]),
    );
    const delayMs = await delay?.();
    offered += requests;
    const window = { requests, seconds, cpuUs, requestsOf: { ...requestsOf, ...(await ownRequests?.()) } };
    windows.push(delayMs === undefined ? window : { ...window, delayMs });
  }
  const peaks = Object.entries(usages(processes)).map(([name, { peakRssBytes }]) => [name, peakRssBytes / MIB]);
  return { windows, offered, peakMiB: Object.fromEntries(peaks) };
}

/**
 * Resolves when the count stands still.
 * @param {() => Promise<number>} progress
 */
async function quiet(progress) {
  const deadlineMs = performance.now() + QUIET_WITHIN_MS;
  let last = await progress();
  for (let looks = 0; looks < QUIET_LOOKS && performance.now() < deadlineMs; ) {
    await pause(LOOK_EVERY_MS);
    const now = await progress();
    looks = now === last ? looks + 1 : 0;
    last = now;
  }
}

/** @param {Readonly<Record<string, Child>>} processes */
function usages(processes) {
  return Object.fromEntries(Object.entries(processes).map(([name, child]) => [name, child.usage]));
}
