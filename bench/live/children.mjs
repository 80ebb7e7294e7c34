// The processes of a scenario: programs, and workers of the bench that are called over IPC. Whatever happens, they end with it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { usageOf } from './usage.mjs';

const WORKERS = new URL('workers/', import.meta.url);
const READY_WITHIN_MS = 15_000;
const STOPPED_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 10;
const LAST_WORDS = 2_000;

/** @type {Set<Child>} */
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill();
});

/** One process: what it said, what it used. */
export class Child {
  stdout = '';
  stderr = '';
  /** @type {Promise<void>} */
  ended;
  /** @protected */
  process;
  #name;

  /**
   * @param {string} name for messages
   * @param {readonly string[]} command
   * @param {{ namespace?: string | undefined, ipc?: boolean }} [options] the network namespace to run in
   */
  constructor(name, command, { namespace, ipc = false } = {}) {
    const [program = '', ...args] = namespace === undefined ? command : ['ip', 'netns', 'exec', namespace, ...command];
    this.#name = name;
    this.process = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe', ...(ipc ? /** @type {const} */ (['ipc']) : [])],
      env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin`, LC_ALL: 'C' },
    });
    this.process.stdout?.setEncoding('utf8').on('data', (text) => {
      this.stdout += text;
    });
    this.process.stderr?.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
    });
    running.add(this);
    this.ended = once(this.process, 'close').then(() => void running.delete(this));
    this.ended.catch(() => running.delete(this)); // a program that is not there: whoever waits for it is told
  }

  /** CPU time and memory until now. `ip netns exec` becomes the program, so the number is its own. */
  get usage() {
    return usageOf(this.process.pid ?? 0);
  }

  get isRunning() {
    return running.has(this);
  }

  /**
   * Waits for the line on stderr that says it is ready.
   * @param {RegExp} pattern
   */
  async ready(pattern) {
    const deadlineMs = performance.now() + READY_WITHIN_MS;
    for (;;) {
      const match = pattern.exec(this.stderr);
      if (match !== null) return match;
      await Promise.race([this.ended, pause(LOOK_EVERY_MS)]);
      if (!this.isRunning) throw this.failure('ended before it was ready');
      if (performance.now() > deadlineMs) throw this.failure('did not get ready');
    }
  }

  /**
   * Ends it with a signal and waits until it has.
   * @param {NodeJS.Signals} [signal]
   */
  async stop(signal = 'SIGTERM') {
    if (!this.isRunning) return;
    this.process.kill(signal);
    await Promise.race([this.ended, pause(STOPPED_WITHIN_MS, false)]);
    if (this.isRunning) throw this.failure(`did not end with ${signal}`);
  }

  kill() {
    this.process.kill('SIGKILL');
  }

  /** @param {string} what */
  failure(what) {
    return new Error(`${this.#name} ${what}:\n${this.stderr.slice(-LAST_WORDS)}`);
  }
}

/** A worker of the bench: a file in workers/ whose functions are called. */
export class Worker extends Child {
  /** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void }>} */
  #calls = new Map();
  #count = 0;
  #isUp;

  /**
   * @param {string} name of the file
   * @param {unknown} [argument] what it is started with
   * @param {{ namespace?: string | undefined }} [options]
   */
  constructor(name, argument = {}, options = {}) {
    const file = fileURLToPath(new URL(`${name}.mjs`, WORKERS));
    super(name, [process.execPath, file, JSON.stringify(argument)], { ...options, ipc: true });
    this.#isUp = once(this.process, 'message');
    this.process.on('message', (/** @type {any} */ { number, value, error }) => {
      const call = this.#calls.get(number);
      this.#calls.delete(number);
      if (error === undefined) call?.resolve(value);
      else call?.reject(this.failure(`failed: ${error}`));
    });
    void this.ended.then(() => {
      for (const { reject } of this.#calls.values()) reject(this.failure('ended'));
    });
  }

  /** Waits until it takes calls. */
  async up() {
    await Promise.race([this.#isUp, this.ended]);
    if (!this.isRunning) throw this.failure('ended before it was ready');
    return this;
  }

  /**
   * Calls one of its functions and gives what it returned.
   * @param {string} name
   * @param {unknown} [argument]
   * @returns {Promise<any>}
   */
  call(name, argument) {
    const number = ++this.#count;
    return new Promise((resolve, reject) => {
      this.#calls.set(number, { resolve, reject });
      this.process.send({ number, name, argument }, (error) => {
        if (error !== null) reject(this.failure(`cannot be called: ${error.message}`));
      });
    });
  }
}

/** Ends every process that still runs, and waits until they have. */
export async function endAll() {
  const children = [...running];
  for (const child of children) child.kill();
  await Promise.allSettled(children.map(({ ended }) => ended));
}

/**
 * @param {number} ms
 * @param {boolean} [keepsRunning] false: what is over does not wait for it
 * @returns {Promise<void>}
 */
export function pause(ms, keepsRunning = true) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    if (!keepsRunning) timer.unref();
  });
}
