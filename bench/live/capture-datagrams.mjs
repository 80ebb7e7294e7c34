// Capture → datagrams: the real gor-listen, sending to a socket that counts. The floor is the same capture sending nothing, and
// node:dgram alone sending as many datagrams.
import { Worker } from './children.mjs';
import { countColumn, liveBench } from './live-bench.mjs';
import { startListen } from './programs.mjs';
import { loadKindOf, rateInWords } from './rates.mjs';
import { needsOf, openTraffic } from './traffic.mjs';
import { measureWindows } from './windows.mjs';

const DATAGRAM_BYTES = 1_200;
/** Where no row before has told: two requests of 500 bytes fit into one. */
const DATAGRAMS_PER_REQUEST = 0.5;

/** @typedef {import('./live-bench.mjs').LiveRow} LiveRow */

/** The bench. */
export const captureDatagrams = liveBench({
  name: 'capture-datagrams',
  title: 'Capture → datagrams',
  rates: ['8000', '50000'],
  columns: [
    ['datagrams/request', ({ counts, offered }) => (Number(counts['datagrams']) / offered).toFixed(2)],
    countColumn('kernel drops', 'kernelDrops'),
    countColumn('lost', 'lost'),
    countColumn('datagrams lost', 'datagramsLost'),
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
    about: `gor-listen --engine ${engine} -r to a socket that counts; ${rateInWords(rate)}`,
    needs: needsOf(kind),
    floor: `floor-${rate}`,
    measure: async (settings) => {
      const { port, namespace, open } = await openTraffic(kind, settings.folder);
      const sink = await new Worker('datagram-sink', {}, { namespace }).up();
      const args = ['--engine', engine, '-p', String(port), '-r', `127.0.0.1:${await sink.call('port')}`];
      const listen = await startListen(args, { folder: settings.folder, namespace });
      const processes = { 'gor-listen': listen.child };
      const progress = () => sink.call('count');
      const measured = await measureWindows({ settings, load: await open(), processes, progress });
      const { captured, sent, frames, replayServers } = await listen.stop();
      const datagrams = replayServers.reduce((sum, server) => sum + server.datagrams, 0);
      const counts = {
        captured,
        kernelDrops: frames.kernelDrops,
        lost: Math.max(0, measured.offered - sent),
        datagrams,
      };
      return { ...measured, counts: { ...counts, datagramsLost: datagrams - (await sink.call('count')) } };
    },
  };
}

/**
 * @param {string} rate
 * @returns {LiveRow}
 */
function floorRow(rate) {
  const kind = loadKindOf(rate);
  return {
    name: `floor-${rate}`,
    about: `the floor: listen() with the engine ring, nothing sent, and as many bare datagrams; ${rateInWords(rate)}`,
    needs: needsOf(kind),
    measure: async (settings) => {
      const { port, namespace, open } = await openTraffic(kind, settings.folder);
      const sink = await new Worker('datagram-sink', {}, { namespace }).up();
      const start = { port: await sink.call('port'), datagramBytes: DATAGRAM_BYTES };
      const source = await new Worker('datagram-source', start, { namespace }).up();
      const listener = await new Worker('null-listener', { engine: 'ring', port }, { namespace }).up();
      const { before, run } = await open();
      const own = settings.earlier.get(`ring-${rate}`);
      const share = own === undefined ? DATAGRAMS_PER_REQUEST : Number(own.counts['datagrams']) / own.offered;
      const ratePerSecond = kind.rate === 'full' ? (own?.requestsPerSecond ?? 0) : kind.rate;
      const datagrams = { ratePerSecond: ratePerSecond * share };
      const both = async (/** @type {number} */ seconds) => {
        const count = Math.ceil(datagrams.ratePerSecond * seconds);
        const [done] = await Promise.all([run(seconds), source.call('run', { ...datagrams, count })]);
        return done;
      };
      const processes = { listener, source };
      const progress = () => listener.call('count');
      const measured = await measureWindows({ settings, load: { before, run: both }, processes, progress });
      const { captured, frames } = /** @type {import('gor-listen').ListenLedger} */ (await listener.call('end'));
      const counts = { captured, kernelDrops: frames.kernelDrops, lost: Math.max(0, measured.offered - captured) };
      return { ...measured, counts: { ...counts, datagrams: Math.round(measured.offered * share) } };
    },
  };
}
