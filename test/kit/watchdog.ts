// Ends the process where an input hangs: a loop without end can be stopped from another thread only, and no test's
// timeout can.
import { Worker } from 'node:worker_threads';

/** What the other thread runs: it says which input it was, on stderr, and ends the process. */
const WATCH = `
  const { workerData: { state, what, limitMs } } = require('node:worker_threads');
  const { writeSync } = require('node:fs');
  let last = -1;
  for (;;) {
    Atomics.wait(state, 1, 0, limitMs);
    if (Atomics.load(state, 1) !== 0) break;
    const input = Atomics.load(state, 0);
    if (input === last) {
      writeSync(2, what + ', input ' + input + ': no end after ' + limitMs + ' ms\\n');
      process.kill(process.pid, 'SIGKILL');
    }
    last = input;
  }
`;

/** Watches that inputs follow each other; `what` names the run, its seed included. */
export class Watchdog {
  readonly #state = new Int32Array(new SharedArrayBuffer(8));

  constructor(what: string, limitMs = 10_000) {
    new Worker(WATCH, { eval: true, workerData: { state: this.#state, what, limitMs } }).unref();
  }

  /** The next input begins. */
  begin(input: number): void {
    Atomics.store(this.#state, 0, input);
  }

  [Symbol.dispose](): void {
    Atomics.store(this.#state, 1, 1);
    Atomics.notify(this.#state, 1);
  }
}
