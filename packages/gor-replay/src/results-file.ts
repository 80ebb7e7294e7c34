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

  private constructor(stream: WriteStream) {
    this.#stream = stream;
    stream.on('error', (error) => {
      this.#failure = error;
    });
  }

  /** Creates or empties the file. Throws where it cannot be written. */
  static open(path: string): ResultsFile {
    try {
      return new ResultsFile(createWriteStream(path, { fd: openSync(path, 'w') }));
    } catch (error) {
      throw new Error(`--results: cannot write ${path}: ${(error as Error).message}`, { cause: error });
    }
  }

  /** Outcomes that were not written. */
  get lost(): number {
    return this.#lost;
  }

  /** Why nothing is written any more, if so. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  write(outcome: Outcome): void {
    if (this.#failure !== undefined || this.#stream.writableLength > MAX_WAITING_BYTES) this.#lost += 1;
    else this.#stream.write(`${JSON.stringify(outcome)}\n`);
  }

  /** Resolves when all is written. */
  async close(): Promise<void> {
    this.#stream.end();
    await finished(this.#stream).catch(() => {}); // kept in `failure`
  }
}
