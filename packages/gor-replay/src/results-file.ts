// Outcomes as JSON lines in a file, written behind the replay's back: a slow disk loses lines, counted, and never stalls it.
import { createWriteStream, openSync, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import type { Outcome } from '@gor/replay';

/** The bytes that may wait for the disk. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** One open results file. */
export class ResultsFile {
  readonly #stream: WriteStream;
  #lost = 0;
  #failure: Error | undefined;

  private constructor(stream: WriteStream, onFailure: (error: Error) => void) {
    this.#stream = stream;
    stream.on('error', (error) => {
      this.#failure = error;
      onFailure(error);
    });
  }

  /** Creates or empties the file. Throws where it cannot be opened; `onFailure` is called once, where writing fails later. */
  static open(path: string, onFailure: (error: Error) => void): ResultsFile {
    try {
      return new ResultsFile(createWriteStream(path, { fd: openSync(path, 'w') }), onFailure);
    } catch (error) {
      throw new Error(`--results: cannot write ${path}: ${(error as Error).message}`, { cause: error });
    }
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
