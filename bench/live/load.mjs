// Load on production: the bench's generator at a fixed rate, or wrk at full speed.
import { Worker } from './children.mjs';
import { runWrk } from './wrk.mjs';

const CONNECTIONS = 64;

/**
 * What a row runs under: `run` sends for so long and resolves when all is answered; `before` is what was sent already.
 * @typedef {{ before: number, run: (seconds: number) => Promise<Run> }} Load
 */
/** @typedef {{ requests: number, seconds: number, requestsOf?: Record<string, number>, p99Ms?: number }} Run */

/**
 * Connected, with nothing sent that is not in `run`'s count or in `before`.
 * @param {import('./rates.mjs').LoadKind} kind
 * @param {import('./nginx.mjs').Nginx} production
 * @returns {Promise<Load>}
 */
export async function openLoad({ kind, rate }, production) {
  if (rate === 'full') return { before: 0, run: (seconds) => fullSpeed(production, seconds) };
  const generator = new Worker('generator', { port: production.port, kind, connections: CONNECTIONS });
  await generator.up();
  return {
    before: 1, // by its answer the generator knows how long answers are
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
