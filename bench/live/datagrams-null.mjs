// Datagrams → null: what gor-replay does before a request is forwarded. The floor is node:dgram receiving the same datagrams.
import { Worker } from './children.mjs';
import { countColumn, liveBench } from './live-bench.mjs';
import { loadKindOf, rateInWords } from './rates.mjs';
import { measureWindows } from './windows.mjs';

/** @typedef {import('./live-bench.mjs').LiveRow} LiveRow */

/** The bench. */
export const datagramsNull = liveBench({
  name: 'datagrams-null',
  title: 'Datagrams → null',
  rates: ['8000', '25000'],
  columns: [
    ['datagrams/request', ({ counts, offered }) => (Number(counts['datagrams']) / offered).toFixed(2)],
    countColumn('lost', 'lost'),
  ],
  rows: (rates) => rates.flatMap((rate) => [row('receiver', rate), row('dgram', rate)]),
});

const about = {
  receiver: 'openUdpReceiver, and each request parsed',
  dgram: 'the floor: node:dgram receiving the same datagrams',
};

/**
 * @param {'receiver' | 'dgram'} which
 * @param {string} rate
 * @returns {LiveRow}
 */
function row(which, rate) {
  const kind = loadKindOf(rate);
  const ratePerSecond = kind.rate;
  if (ratePerSecond === 'full')
    throw new Error('--rates: datagrams-null has no full speed, as nothing would hold it back');
  return {
    name: `${which}-${rate}`,
    about: `${about[which]}; ${rateInWords(rate)}`,
    needs: [],
    ...(which === 'receiver' ? { floor: `dgram-${rate}` } : {}),
    measure: async (settings) => {
      const receiver = await new Worker(which === 'receiver' ? 'record-receiver' : 'datagram-sink').up();
      const source = await new Worker('record-source', { port: await receiver.call('port'), kind: kind.kind }).up();
      const run = async (/** @type {number} */ seconds) => {
        const requests = Math.ceil(ratePerSecond * seconds);
        const startMs = performance.now();
        await source.call('run', { count: requests, ratePerSecond });
        return { requests, seconds: (performance.now() - startMs) / 1000 };
      };
      const processes = { [which]: receiver };
      const progress = () => receiver.call('count');
      const measured = await measureWindows({ settings, load: { before: 0, run }, processes, progress });
      const [received, datagrams] = [await receiver.call('count'), await source.call('datagrams')];
      const lost = (which === 'receiver' ? measured.offered : datagrams) - received;
      return { ...measured, counts: { received, datagrams, lost } };
    },
  };
}
