// What a running process has used: CPU time of all its threads, and memory. Linux: proc(5), schedstat in nanoseconds where the
// kernel has it, else stat in ticks of 10 ms.
import { readdirSync, readFileSync } from 'node:fs';

const US_PER_TICK = 10_000;

/** @typedef {{ cpuUs: number, rssBytes: number, peakRssBytes: number }} Usage */

/**
 * The usage of a process until now; its threads must live on between two looks, as Node's do.
 * @param {number} pid
 * @returns {Usage}
 */
export function usageOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const [rssBytes, peakRssBytes] = [bytesIn(status, 'VmRSS'), bytesIn(status, 'VmHWM')];
  return { cpuUs: threadsUs(pid) ?? ticksUs(pid), rssBytes, peakRssBytes };
}

/** @param {number} pid */
function threadsUs(pid) {
  try {
    let sumNs = 0;
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      sumNs += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0]);
    }
    return sumNs > 0 ? sumNs / 1000 : undefined;
  } catch {
    return undefined; // a kernel without schedstat
  }
}

/** @param {number} pid */
function ticksUs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * US_PER_TICK;
}

/**
 * @param {string} status
 * @param {string} field
 */
function bytesIn(status, field) {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
}
