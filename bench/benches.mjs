// Every bench, in the order in which they run.
import { captureDatagrams } from './live/capture-datagrams.mjs';
import { captureNull } from './live/capture-null.mjs';
import { datagramsHttp } from './live/datagrams-http.mjs';
import { datagramsNull } from './live/datagrams-null.mjs';
import { liveHttp } from './live/live-http.mjs';
import { production } from './live/production.mjs';
import { wire } from './live/wire.mjs';
import { reading } from './reading.mjs';

/** @typedef {import('./bench.mjs').Bench} AnyBench */

/** @type {readonly AnyBench[]} */
export const benches = [
  reading,
  wire,
  captureNull,
  captureDatagrams,
  datagramsNull,
  datagramsHttp,
  liveHttp,
  production,
];
