// What a program says and where: data to stdout, everything else to stderr; how much, by --quiet and --verbose.
// What waits for a slow reader of stdout is bounded; beyond it lines are refused, for the caller to count.
import type { Writable } from 'node:stream';
import { type LineOutput, StatsLine } from './stats-line.ts';

/** How much a program says: `quiet` warnings and errors only, `verbose` details too. */
export type Verbosity = 'quiet' | 'normal' | 'verbose';

/** The bytes that may wait for the reader of stdout. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** The one place through which a program speaks. Lines are whole: a live line of statistics never cuts into them. */
export class ProgramOutput {
  readonly #name: string;
  readonly #stdout: Writable;
  readonly #lines: StatsLine;
  readonly #verbosity: Verbosity;
  readonly #stdoutLost = new AbortController();

  constructor(name: string, stdout: Writable, stderr: LineOutput, verbosity: Verbosity) {
    this.#name = name;
    this.#stdout = stdout;
    this.#lines = new StatsLine(stderr);
    this.#verbosity = verbosity;
    stdout.on('error', (error) => this.#stdoutLost.abort(error));
  }

  /** Aborted when the reader of stdout has gone away (`| head`). */
  get stdoutLost(): AbortSignal {
    return this.#stdoutLost.signal;
  }

  /** A line of data on stdout; false, and not written, where too much waits or the reader is gone. */
  data(line: string): boolean {
    if (this.#stdout.writableLength > MAX_WAITING_BYTES || this.#stdoutLost.signal.aborted) return false;
    this.#stdout.write(`${line}\n`);
    return true;
  }

  /** A line of data that is too important to be left out, however slow the reader is. */
  lastData(line: string): void {
    if (!this.#stdoutLost.signal.aborted) this.#stdout.write(`${line}\n`);
  }

  /** Whether something still waits for the reader of stdout. */
  get isDataWaiting(): boolean {
    return this.#stdout.writableLength > 0 && !this.#stdoutLost.signal.aborted;
  }

  /** Resolves when the reader of stdout has taken what waits, or is gone. */
  async dataTaken(): Promise<void> {
    if (!this.#stdout.writableNeedDrain || this.#stdoutLost.signal.aborted) return;
    const stdout = this.#stdout;
    const { signal } = this.#stdoutLost;
    await new Promise<void>((resolve) => {
      const stopWaiting = (): void => {
        stdout.off('drain', stopWaiting).off('close', stopWaiting);
        signal.removeEventListener('abort', stopWaiting);
        resolve();
      };
      stdout.once('drain', stopWaiting).once('close', stopWaiting);
      signal.addEventListener('abort', stopWaiting);
    });
  }

  /** A line of the normal course of things. */
  say(line: string): void {
    if (this.#verbosity !== 'quiet') this.#lines.print(`${this.#name}: ${line}`);
  }

  /** A line without the program's name, for tables and lists. */
  sayPlain(line: string): void {
    if (this.#verbosity !== 'quiet') this.#lines.print(line);
  }

  /** Whether details are shown; where they are many, ask before making their lines. */
  get isVerbose(): boolean {
    return this.#verbosity === 'verbose';
  }

  /** A line that only --verbose shows. */
  detail(line: string): void {
    if (this.isVerbose) this.#lines.print(`${this.#name}: ${line}`);
  }

  /** A line that is shown even with --quiet. */
  warn(line: string): void {
    this.#lines.print(`${this.#name}: ${line}`);
  }

  /** The line of statistics. */
  stats(line: string): void {
    if (this.#verbosity !== 'quiet') this.#lines.show(`${this.#name}: ${line}`);
  }

  /** Ends the live line, if there is one. */
  end(): void {
    this.#lines.end();
  }
}
