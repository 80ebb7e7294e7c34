// The memory that is in use in this process: what a full collection leaves.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Objects and array buffers, in MB, after a full collection. */
export function usedMb(): number {
  collect();
  collect(); // array buffers go with the second
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 1024 / 1024;
}
