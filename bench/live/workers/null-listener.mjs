// The listener as it is shipped, with nobody behind it: live capture down to whole requests, which are only counted.
import { listen } from 'gor-listen';
import { startArgument, takeCalls } from './calls.mjs';

const { engine, interfaces = ['any'], port } = startArgument();
let requests = 0;
const stop = new AbortController();
const ended = listen(
  {
    source: { kind: 'live', interfaces, engine, bufferBytes: 64 * 1024 * 1024 },
    ports: [port],
    filter: undefined,
    direction: 'in',
    replay: undefined,
    maxBodyBytes: 8 * 1024 * 1024,
  },
  {
    signal: stop.signal,
    onRequest: () => {
      requests += 1;
      return true;
    },
    onEvent: (event) => {
      if (event.type === 'failed') throw event.error;
      if (event.type === 'ready') takeCalls({ count: () => requests, end });
    },
  },
);
await ended;

/** Ends as the program does, and gives the ledger. */
async function end() {
  stop.abort();
  return ended;
}
