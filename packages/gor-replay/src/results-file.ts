// Outcomes as JSON lines in a file, written behind the replay's back: a slow disk loses lines, counted, and never stalls it.
import { createWriteStream, fstatSync, ftruncateSync, openSync, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import type { Outcome } from '@gor/replay';

/** The bytes that may wait for the disk. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** One open results file. */
export class ResultsFile {
  readonly #descriptor: number;
  readonly #stream: WriteStream;
  #lost = 0;
  #failure: Error | undefined;

  private constructor(descriptor: number, onFailure: (error: Error) => void) {
    this.#descriptor = descriptor;
    this.#stream = createWriteStream('', { fd: descriptor });
    this.#stream.on('error', (error) => {
      this.#failure = error;
      onFailure(error);
    });
  }

  /** Opens the file, and leaves what is in it. Throws where it cannot; `onFailure` is called once, where writing fails later. */
  static open(path: string, onFailure: (error: Error) => void): ResultsFile {
    try {
      return new ResultsFile(openSync(path, 'a'), onFailure);
    } catch (error) {
      throw new Error(`--results: cannot write ${path}: ${(error as Error).message}`, { cause: error });
    }
  }

  /** Empties the file: from now on it is this run's. */
  begin(): void {
    if (fstatSync(this.#descriptor).isFile()) ftruncateSync(this.#descriptor);
  }

  /** Outcomes that were not written. */
  get lost(): number {
    return this.#lost;
  }

  write(outcome: Outcome): void {
    if (this.#failure !== undefined || this.#stream.writableLength > MAX_WAITING_BYTES) this.#lost += 1;
    else this.#stream.write(`${JSON.stringify(outcome)}\n`, this.#onWritten);
  }

  readonly #onWritten = (error: Error | null | undefined): void => {
    if (error !== null && error !== undefined) this.#lost += 1;
  };

  /** Resolves when all is written. */
  async close(): Promise<void> {
    this.#stream.end();
    await finished(this.#stream).catch(() => {}); // was told when it happened
  }
}
