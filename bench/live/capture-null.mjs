// Capture → null: live capture down to whole requests, which nobody gets. The floor is tcpdump writing the same packets to a pipe.
import { Worker } from './children.mjs';
import { countColumn, liveBench } from './live-bench.mjs';
import { loadKindOf, rateInWords } from './rates.mjs';
import { startTcpdump } from './tcpdump.mjs';
import { needsOf, openTraffic } from './traffic.mjs';
import { measureWindows } from './windows.mjs';

/** @typedef {import('./live-bench.mjs').LiveRow} LiveRow */

/** The bench. */
export const captureNull = liveBench({
  name: 'capture-null',
  title: 'Capture → null',
  rates: ['2000', '8000', '50000', 'full', 'posts'],
  columns: [countColumn('kernel drops', 'kernelDrops'), countColumn('lost', 'lost')],
  rows: (rates) => rates.flatMap((rate) => [ownRow('ring', rate), ownRow('cap', rate), tcpdumpRow(rate)]),
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
    about: `listen() with the engine ${engine}, nothing sent; ${rateInWords(rate)}`,
    needs: needsOf(kind),
    floor: `tcpdump-${rate}`,
    measure: async (settings) => {
      const { port, namespace, open } = await openTraffic(kind, settings.folder);
      const listener = await new Worker('null-listener', { engine, port }, { namespace }).up();
      const progress = () => listener.call('count');
      const measured = await measureWindows({ settings, load: await open(), processes: { listener }, progress });
      const { captured, frames, dropped } = /** @type {import('gor-listen').ListenLedger} */ (
        await listener.call('end')
      );
      const lost =
        Math.max(0, measured.offered - captured) + Object.values(dropped).reduce((sum, count) => sum + count, 0);
      return { ...measured, counts: { captured, kernelDrops: frames.kernelDrops, lost } };
    },
  };
}

/**
 * @param {string} rate
 * @returns {LiveRow}
 */
function tcpdumpRow(rate) {
  const kind = loadKindOf(rate);
  return {
    name: `tcpdump-${rate}`,
    about: `the floor: tcpdump -w - to a pipe; ${rateInWords(rate)}`,
    needs: [...needsOf(kind), 'tcpdump'],
    measure: async (settings) => {
      const { open, ...where } = await openTraffic(kind, settings.folder);
      const tcpdump = await startTcpdump(where);
      const processes = { tcpdump: tcpdump.child };
      const measured = await measureWindows({ settings, load: await open(), processes, progress: tcpdump.progress });
      const { kernelDrops } = await tcpdump.stop();
      return { ...measured, counts: { kernelDrops } };
    },
  };
}
