// The short line that says how a running program does: on a terminal one line that is rewritten, else a line each time.

/** Where lines go: `process.stderr`, or a test's own. */
export interface LineOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  /** Bytes that its reader has not taken yet. */
  readonly writableLength?: number;
  readonly write: (text: string) => unknown;
}

/** What may wait for a slow reader; lines beyond it are left out, and how many is said when there is room again. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** Writes whole lines, and below them, on a terminal, the live one. */
export class StatsLine {
  readonly #output: LineOutput;
  #live = '';
  #leftOut = 0;

  constructor(output: LineOutput) {
    this.#output = output;
  }

  /** Shows the line: in place on a terminal, appended elsewhere. */
  show(line: string): void {
    if (!this.#hasRoom()) return;
    if (this.#output.isTTY !== true) {
      this.#output.write(`${line}\n`);
      return;
    }
    const fitting = line.slice(0, Math.max(20, (this.#output.columns || 80) - 1));
    this.#output.write(`\r\x1b[K${fitting}`);
    this.#live = fitting;
  }

  /** Writes a line that stays, above the live one. */
  print(line: string): void {
    if (!this.#hasRoom()) return;
    if (this.#live === '') this.#output.write(`${line}\n`);
    else this.#output.write(`\r\x1b[K${line}\n${this.#live}`);
  }

  /** Ends the live line: what is written next starts on a line of its own. */
  end(): void {
    if (this.#live !== '') this.#output.write('\n');
    this.#live = '';
  }

  #hasRoom(): boolean {
    if ((this.#output.writableLength ?? 0) > MAX_WAITING_BYTES) {
      this.#leftOut += 1;
      return false;
    }
    if (this.#leftOut > 0) this.#output.write(`… ${this.#leftOut} lines left out: their reader was too slow\n`);
    this.#leftOut = 0;
    return true;
  }
}
