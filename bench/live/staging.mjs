// Staging: at a given rate the bench's own server, which notes delays; at full speed, where it would be in the way, nginx.
import { Worker } from './children.mjs';
import { Nginx } from './nginx.mjs';

/**
 * `begin` forgets the delays noted so far.
 * @typedef {object} Staging
 * @property {number} port
 * @property {() => Promise<number>} arrived
 * @property {() => Promise<unknown>} begin
 * @property {() => Promise<import('./windows.mjs').Delay | undefined>} delay
 */

/**
 * @param {{ rate: number | 'full' }} kind
 * @param {string} folder
 * @returns {Promise<Staging>}
 */
export async function openStaging({ rate }, folder) {
  if (rate === 'full') {
    const nginx = await Nginx.start(folder);
    return { port: nginx.port, arrived: () => nginx.requests(), begin: async () => {}, delay: async () => undefined };
  }
  const server = await new Worker('staging').up();
  return {
    port: await server.call('port'),
    arrived: () => server.call('arrived'),
    begin: () => server.call('begin'),
    delay: () => server.call('delay'),
  };
}
