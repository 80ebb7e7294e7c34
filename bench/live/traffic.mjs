// The traffic of the capture benches: on loopback, a generator or wrk against nginx; above what those reach on a small machine,
// frames that come in over a veth pair.
import { FRAMES_PORT, framesLoad } from './frames-load.mjs';
import { openLoad } from './load.mjs';
import { Nginx } from './nginx.mjs';
import { VethPair } from './veth-pair.mjs';

const FRAMES_ABOVE = 20_000;

/**
 * Where to capture; what captures has to be there before the load is opened, so that it sees connections from their start.
 * @typedef {object} Traffic
 * @property {number} port
 * @property {string} interfaceName where each packet is once
 * @property {string | undefined} namespace
 * @property {() => Promise<import('./load.mjs').Load>} open
 */

/**
 * @param {import('./rates.mjs').LoadKind} kind
 * @param {string} folder
 * @returns {Promise<Traffic>}
 */
export async function openTraffic(kind, folder) {
  if (comesAsFrames(kind)) {
    const pair = new VethPair();
    const rate = Number(kind.rate);
    const where = { port: FRAMES_PORT, interfaceName: pair.to, namespace: pair.receiver };
    return { ...where, open: async () => framesLoad({ folder, pair, rate }) };
  }
  const nginx = await Nginx.start(folder);
  return { port: nginx.port, interfaceName: 'lo', namespace: undefined, open: () => openLoad(kind, nginx) };
}

/**
 * The programs and rights that this takes.
 * @param {import('./rates.mjs').LoadKind} kind
 */
export function needsOf(kind) {
  if (comesAsFrames(kind)) return ['capture', 'root', 'ip', 'tcpreplay'];
  return ['capture', 'nginx', ...(kind.rate === 'full' ? ['wrk'] : [])];
}

/** @param {import('./rates.mjs').LoadKind} kind */
export function comesAsFrames({ rate }) {
  return rate !== 'full' && rate > FRAMES_ABOVE;
}
