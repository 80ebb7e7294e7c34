// A program run as a process of its own: waits for its ready line, ends it as a user would, keeps what it said.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const READY_WITHIN_MS = 15_000;
const ENDED_WITHIN_MS = 30_000;

export class Program {
  /** What it printed on stdout, and on stderr. */
  stdout = '';
  stderr = '';
  #name;
  #child;
  #ended;

  /**
   * @param {string} name for messages
   * @param {readonly string[]} args
   * @param {string} command node, or what runs it
   */
  constructor(name, args, command = process.execPath) {
    this.#name = name;
    this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stdout.setEncoding('utf8').on('data', (text) => {
      this.stdout += text;
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
    });
    this.#ended = once(this.#child, 'close').then(([code]) => /** @type {number | null} */ (code));
  }

  /** Its process id. */
  get pid() {
    return this.#child.pid ?? 0;
  }

  /**
   * The match of the line on stderr that says the program is ready.
   * @param {RegExp} pattern
   * @returns {Promise<RegExpExecArray>}
   */
  async ready(pattern) {
    const deadlineMs = performance.now() + READY_WITHIN_MS;
    for (;;) {
      const match = pattern.exec(this.stderr);
      if (match !== null) return match;
      const isOver = await Promise.race([this.#ended.then(() => true), pause(20)]);
      if (isOver === true) throw new Error(`${this.#name} ended before it was ready:\n${this.stderr}`);
      if (performance.now() > deadlineMs) throw new Error(`${this.#name} did not get ready:\n${this.stderr}`);
    }
  }

  /** Waits until the program has ended by itself; rejects unless its exit code is 0. */
  async ended() {
    const code = await Promise.race([this.#ended, pause(ENDED_WITHIN_MS).then(() => undefined)]);
    if (code === 0) return;
    this.#child.kill('SIGKILL');
    throw new Error(
      `${this.#name} ended with ${code === undefined ? 'nothing' : `exit code ${code}`}:\n${this.stderr}`,
    );
  }

  /**
   * Sends it a signal.
   * @param {NodeJS.Signals} name
   */
  signal(name) {
    this.#child.kill(name);
  }

  /** Ends it with SIGTERM. */
  async stop() {
    this.signal('SIGTERM');
    await this.ended();
  }

  /** Ends it at once, without a word. */
  kill() {
    this.signal('SIGKILL');
  }
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
