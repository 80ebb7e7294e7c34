// Every bench, in the order in which they run.
import { reading } from './reading.mjs';

/** @type {readonly import('./bench.mjs').Bench[]} */
export const benches = [reading];
