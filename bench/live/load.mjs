// Load on production: the bench's generator at a fixed rate, or wrk at full speed.
import { Worker } from './children.mjs';
import { runWrk } from './wrk.mjs';

const CONNECTIONS = 64;

/** @typedef {{ kind: import('./requests.mjs').RequestKind, rate: number | 'full' }} LoadKind */

/**
 * What a row runs under: `run` sends for so long and resolves when all is answered.
 * @typedef {{ run: (seconds: number) => Promise<{ requests: number, seconds: number, p99Ms?: number }> }} Load
 */

/**
 * @param {LoadKind} kind
 * @param {import('./nginx.mjs').Nginx} production
 * @returns {Promise<Load>}
 */
export async function openLoad({ kind, rate }, production) {
  if (rate === 'full') return { run: (seconds) => fullSpeed(production, seconds) };
  const generator = new Worker('generator', { port: production.port, kind, connections: CONNECTIONS });
  await generator.up();
  return {
    run: async (seconds) => {
      const done = await generator.call('run', { count: Math.ceil(rate * seconds), ratePerSecond: rate });
      return { requests: done.sent, seconds: done.seconds };
    },
  };
}

/**
 * nginx counts what wrk sent, as wrk leaves out what was under way when it stopped.
 * @param {import('./nginx.mjs').Nginx} production
 * @param {number} seconds whole ones at least
 */
async function fullSpeed(production, seconds) {
  const before = await production.requests();
  const wholeSeconds = Math.max(1, Math.ceil(seconds));
  const { p99Ms } = await runWrk({ port: production.port, seconds: wholeSeconds, connections: CONNECTIONS });
  return { requests: (await production.requests()) - before, seconds: wholeSeconds, p99Ms };
}
