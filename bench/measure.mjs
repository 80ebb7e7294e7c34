// Measures one row of a bench in a process of its own: what is ours in one warm process, pass by pass; a program in a new
// process for each pass. CPU is user and system time of the process with all its threads.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const PASSES_PROGRAM = fileURLToPath(new URL('passes.mjs', import.meta.url));
const LOOK_EVERY_MS = 5;
/** Prints user and system seconds of the command behind it, whose own complaints go to descriptor 3. */
const TIMED = 'TIMEFORMAT="%3U %3S"; time "$@" >/dev/null 2>&3';

/** @typedef {{ wallMs: number, cpuMs: number }} Pass */
/** @typedef {{ passes: Pass[], peakRssBytes: number | undefined }} Measured */

/**
 * Measures a function of ours: one pass to warm up, then so many more.
 * @param {string} bench
 * @param {string} row
 * @param {import('./http-capture.mjs').Traffic} traffic
 * @param {number} passes
 * @returns {Promise<Measured>}
 */
export async function measureOwn(bench, row, traffic, passes) {
  const args = [PASSES_PROGRAM, bench, row, JSON.stringify(traffic), String(passes)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = once(child, 'close');
  const [output, complaints, [code]] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  if (code !== 0) throw new Error(`${bench} ${row} failed:\n${complaints}`);
  return JSON.parse(output);
}

/**
 * Measures a program: once to warm up, unless it is to run only once, then so many times.
 * @param {readonly string[]} command
 * @param {number} passes
 * @returns {Promise<Measured>}
 */
export async function measureCommand(command, passes) {
  if (passes > 1) await runOnce(command);
  const runs = [];
  for (let pass = 0; pass < passes; pass++) runs.push(await runOnce(command));
  const peaks = runs.map(({ peakRssBytes }) => peakRssBytes).filter((bytes) => bytes > 0);
  return {
    passes: runs.map(({ wallMs, cpuMs }) => ({ wallMs, cpuMs })),
    peakRssBytes: peaks.length === 0 ? undefined : Math.max(...peaks),
  };
}

/** @param {readonly string[]} command */
async function runOnce(command) {
  const startedMs = performance.now();
  const child = spawn('bash', ['-c', TIMED, 'bash', ...command], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
  });
  let peakRssBytes = 0;
  const look = setInterval(() => {
    peakRssBytes = Math.max(peakRssBytes, peakRssOfChild(child.pid));
  }, LOOK_EVERY_MS);
  const closed = once(child, 'close');
  const [timed, complaints] = /** @type {import('node:stream').Readable[]} */ (child.stdio.slice(2));
  const [times, said, [code]] = await Promise.all([text(timed), text(complaints), closed]);
  clearInterval(look);
  if (code !== 0) throw new Error(`${command.join(' ')}\nended with exit code ${code}:\n${said}`);
  const wallMs = performance.now() - startedMs;
  const [user = 0, system = 0] = times.trim().split(' ').map(Number);
  return { wallMs, cpuMs: (user + system) * 1000, peakRssBytes };
}

/**
 * The most that the one child of a process ever held, 0 where the system does not tell.
 * @param {number | undefined} pid
 */
function peakRssOfChild(pid) {
  try {
    const child = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child}/status`, 'utf8'))?.[1];
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    return 0; // not started yet, over already, or no Linux
  }
}
