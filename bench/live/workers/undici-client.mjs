// undici alone: the same requests over as many connections, by Pool.dispatch, and nothing else.
import { Pool } from '../../../packages/replay/node_modules/undici/index.js'; // the one that @gor/replay takes
import { startArgument, takeCalls } from './calls.mjs';
import { partsOf, runLoad } from './client-load.mjs';

const { port, kind, connections } = { connections: 64, ...startArgument() };
const { method, path, headers, body } = partsOf(kind, `127.0.0.1:${port}`);
const pool = new Pool(`http://127.0.0.1:${port}`, { connections, pipelining: 1, allowH2: false });

takeCalls({ run: (/** @type {any} */ { rate, seconds }) => runLoad({ rate, seconds, connections }, send) });

/** @param {(error?: Error) => void} done */
function send(done) {
  pool.dispatch(
    { method, path, headers, body },
    {
      onConnect: () => {},
      onHeaders: () => true,
      onData: () => true,
      onComplete: () => done(),
      onError: done,
    },
  );
}
