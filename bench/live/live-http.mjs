// Live capture → HTTP: both programs as they are shipped, under default flags, production on one side and staging on the other.
// The floor is what cannot be saved: tcpdump for the capture, undici alone for the requests.
import { Worker } from './children.mjs';
import { countColumn, delayColumns, liveBench, processColumn } from './live-bench.mjs';
import { openLoad } from './load.mjs';
import { Nginx } from './nginx.mjs';
import { startListen, startReplay } from './programs.mjs';
import { loadKindOf, rateInWords } from './rates.mjs';
import { openStaging } from './staging.mjs';
import { startTcpdump } from './tcpdump.mjs';
import { measureWindows } from './windows.mjs';

/** @typedef {import('./live-bench.mjs').LiveRow} LiveRow */

/** The bench. */
export const liveHttp = liveBench({
  name: 'live-http',
  title: 'Live capture → HTTP',
  rates: ['2000', '8000', 'full', 'posts'],
  columns: [
    processColumn('gor-listen'),
    processColumn('gor-replay'),
    ...delayColumns,
    countColumn('offered', 'offered'),
    countColumn('captured', 'captured'),
    countColumn('arrived', 'arrived'),
    countColumn('kernel drops', 'kernelDrops'),
    countColumn('lost on the way', 'lostOnTheWay'),
    countColumn('let go', 'letGo'),
  ],
  rows: (rates) => rates.flatMap((rate) => [ownRow('ring', rate), ownRow('cap', rate), floorRow(rate)]),
});

/**
 * @param {'ring' | 'cap'} engine
 * @param {string} rate
 * @returns {LiveRow}
 */
function ownRow(engine, rate) {
  const kind = loadKindOf(rate);
  return {
    name: `${engine}-${rate}`,
    about: `gor-listen --engine ${engine} and gor-replay; ${rateInWords(rate)}`,
    needs: ['capture', 'nginx', ...(kind.rate === 'full' ? ['wrk'] : [])],
    floor: `floor-${rate}`,
    measure: async (settings) => {
      const production = await Nginx.start(settings.folder);
      const staging = await openStaging(kind, settings.folder);
      const replay = await startReplay(['-f', `http://127.0.0.1:${staging.port}`], settings);
      const to = ['-p', String(production.port), '-r', `127.0.0.1:${replay.port}`];
      const listen = await startListen(['--engine', engine, ...to], settings);
      let arrivedBefore = 0;
      const measured = await measureWindows({
        settings,
        load: await openLoad(kind, production),
        processes: { 'gor-listen': listen.child, 'gor-replay': replay.child },
        progress: staging.arrived,
        begin: async () => {
          await staging.begin();
          arrivedBefore = await staging.arrived();
        },
        delay: staging.delay,
        ownRequests: async () => ({ 'gor-replay': (await staging.arrived()) - arrivedBefore }),
      });
      const arrived = await staging.arrived();
      return { ...measured, counts: countsOf(measured.offered, arrived, await listen.stop(), await replay.stop()) };
    },
  };
}

/**
 * `lostOnTheWay` are requests that one program sent and the other never received; `letGo` those that one of the programs did not pass on, by its ledger.
 * @param {number} offered
 * @param {number} arrived
 * @param {import('gor-listen').ListenLedger} listened
 * @param {import('gor-replay').ReplayLedger} replayed
 */
function countsOf(offered, arrived, { captured, sent, dropped, frames }, { sessions, targets }) {
  const letGo = targets.reduce((sum, target) => sum + target.received - target.answered, sumOf(dropped));
  const lostOnTheWay = sessions.reduce((left, { received }) => left - received, sent);
  return { offered, captured, arrived, kernelDrops: frames.kernelDrops, lostOnTheWay, letGo };
}

/**
 * @param {string} rate
 * @returns {LiveRow}
 */
function floorRow(rate) {
  const kind = loadKindOf(rate);
  return {
    name: `floor-${rate}`,
    about: `the floor: tcpdump -w - to a pipe, and undici alone with as many requests; ${rateInWords(rate)}`,
    needs: ['capture', 'nginx', 'tcpdump', ...(kind.rate === 'full' ? ['wrk'] : [])],
    measure: async (settings) => {
      const production = await Nginx.start(settings.folder);
      const staging = await openStaging(kind, settings.folder);
      const tcpdump = await startTcpdump({ port: production.port });
      const undici = await new Worker('undici-client', { port: staging.port, kind: kind.kind }).up();
      const load = await openLoad(kind, production);
      const measured = await measureWindows({
        settings,
        load: { before: 0, run: (seconds) => runBoth(load, undici, kind.rate, seconds) }, // as undici counts
        processes: { tcpdump: tcpdump.child, undici },
        progress: staging.arrived,
      });
      const { kernelDrops } = await tcpdump.stop();
      return { ...measured, counts: { offered: measured.offered, arrived: await staging.arrived(), kernelDrops } };
    },
  };
}

/**
 * @param {import('./load.mjs').Load} load
 * @param {Worker} undici
 * @param {number | 'full'} rate
 * @param {number} seconds
 */
async function runBoth(load, undici, rate, seconds) {
  const [done, { sent }] = await Promise.all([load.run(seconds), undici.call('run', { rate, seconds })]);
  return { ...done, requestsOf: { undici: sent } };
}

/** @param {Readonly<Record<string, number>>} counts */
function sumOf(counts) {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
