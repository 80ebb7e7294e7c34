// Datagrams → HTTP: the real gor-replay, with a limit and in order, in front of nginx. The floors are undici alone and raw sockets
// alone: the same requests, as many connections, the same staging.
import { Worker } from './children.mjs';
import { countColumn, liveBench } from './live-bench.mjs';
import { Nginx } from './nginx.mjs';
import { startReplay } from './programs.mjs';
import { loadKindOf, rateInWords } from './rates.mjs';
import { measureWindows } from './windows.mjs';

const LIMIT_PER_SECOND = 100_000;
/** At full speed: sent at once, and so many at most may be on their way. */
const BATCH = 400;
const MOST_UNDER_WAY = 1_600;
const STALLED_AFTER_MS = 3_000;

/** @typedef {import('./live-bench.mjs').LiveRow} LiveRow */

/** The bench. */
export const datagramsHttp = liveBench({
  name: 'datagrams-http',
  title: 'Datagrams → HTTP',
  rates: ['8000', 'full'],
  columns: [countColumn('offered', 'offered'), countColumn('arrived', 'arrived')],
  rows: (rates) =>
    rates.flatMap((rate) => [
      ownRow('exact', rate),
      ownRow('undici', rate),
      clientRow('undici', rate),
      clientRow('socket', rate),
    ]),
});

/**
 * @param {'exact' | 'undici'} forwarder
 * @param {string} rate
 * @returns {LiveRow}
 */
function ownRow(forwarder, rate) {
  const kind = loadKindOf(rate);
  return {
    name: `${forwarder === 'exact' ? 'gor-replay' : 'with-undici'}-${rate}`,
    about: `gor-replay --forwarder ${forwarder}, in order, with a limit that is not reached; ${inWords(rate)}`,
    needs: ['nginx'],
    floor: `undici-${rate}`,
    measure: async (settings) => {
      const staging = await Nginx.start(settings.folder);
      const target = `http://127.0.0.1:${staging.port}|${LIMIT_PER_SECOND}`;
      const replay = await startReplay(['-f', target, '--forwarder', forwarder], settings);
      const source = await new Worker('record-source', { port: replay.port, kind: kind.kind }).up();
      const load = {
        before: 0,
        run: (/** @type {number} */ seconds) =>
          kind.rate === 'full' ? fullSpeed(source, staging, seconds) : steady(source, kind.rate, seconds),
      };
      const processes = { 'gor-replay': replay.child };
      const measured = await measureWindows({ settings, load, processes, progress: () => staging.requests() });
      await source.call('close');
      const arrived = await staging.requests();
      await replay.stop();
      return { ...measured, counts: { offered: measured.offered, arrived } };
    },
  };
}

/**
 * @param {Worker} source
 * @param {number} ratePerSecond
 * @param {number} seconds
 */
async function steady(source, ratePerSecond, seconds) {
  const requests = Math.ceil(ratePerSecond * seconds);
  await source.call('run', { count: requests, ratePerSecond });
  return { requests, seconds };
}

/**
 * Goes on as soon as what was sent has come through, so that nothing has to be let go of.
 * @param {Worker} source
 * @param {Nginx} staging
 * @param {number} seconds
 */
async function fullSpeed(source, staging, seconds) {
  const startMs = performance.now();
  const before = await staging.requests();
  let requests = 0;
  let arrived = 0;
  let movedMs = startMs;
  const elapsed = () => (performance.now() - startMs) / 1000;
  while (arrived < requests || elapsed() < seconds) {
    if (elapsed() < seconds && requests - arrived <= MOST_UNDER_WAY - BATCH) {
      await source.call('run', { count: BATCH, ratePerSecond: null });
      requests += BATCH;
    }
    const now = (await staging.requests()) - before;
    if (now > arrived) movedMs = performance.now();
    else if (performance.now() - movedMs > STALLED_AFTER_MS) break; // what is missing is lost, and shows as such
    arrived = now;
  }
  return { requests, seconds: elapsed() };
}

/**
 * @param {'undici' | 'socket'} which
 * @param {string} rate
 * @returns {LiveRow}
 */
function clientRow(which, rate) {
  const kind = loadKindOf(rate);
  const what = which === 'undici' ? 'Pool.dispatch of undici alone' : 'raw sockets, answers not parsed';
  return {
    name: `${which}-${rate}`,
    about: `the floor: ${what}; ${inWords(rate)}`,
    needs: ['nginx'],
    measure: async (settings) => {
      const staging = await Nginx.start(settings.folder);
      const client = await new Worker(`${which}-client`, { port: staging.port, kind: kind.kind }).up();
      const run = async (/** @type {number} */ seconds) => {
        const { sent, seconds: took } = await client.call('run', { rate: kind.rate, seconds });
        return { requests: sent, seconds: took };
      };
      const progress = () => staging.requests();
      const processes = { [which]: client };
      const measured = await measureWindows({ settings, load: { before: 0, run }, processes, progress });
      return { ...measured, counts: { offered: measured.offered, arrived: await staging.requests() } };
    },
  };
}

/** @param {string} rate */
function inWords(rate) {
  return rate === 'full' ? 'GETs, as fast as they are answered' : rateInWords(rate);
}
