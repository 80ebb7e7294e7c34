// The memory that unfinished messages of many parsers may hold together. When it is used up, the message longest without
// progress is given up, so a crowd of slow senders costs its own messages and not those that move.

import { checked } from './options.ts';

/** The bounds of a budget. */
export interface MemoryBudgetOptions {
  /** Most bytes that unfinished messages may have allocated. 0 or more; default 25,165,824 (24 MiB). */
  readonly limitBytes?: number;
  /** Most unfinished messages that may hold bytes, as each costs some hundred bytes beside them. Default 16,384. */
  readonly maxMessages?: number;
}

/** What is in force where nothing is given. */
export const budgetDefaults: Required<MemoryBudgetOptions> = { limitBytes: 24 * 1024 * 1024, maxMessages: 16_384 };

/** What the budget knows of a parser: how to take its message away. */
export interface MemoryHolder {
  /** Gives the message up without calling any handler. Returns what calls it, or undefined where there is nothing to tell. */
  readonly giveUp: (timestampUs: number) => (() => void) | undefined;
}

/** Shared by all parsers of one listener. Only parsers call its methods; owners read its numbers. */
export class MemoryBudget {
  readonly limitBytes: number;
  readonly maxMessages: number;
  #heldBytes = 0;
  #givenUp = 0;
  /** Longest without progress first. */
  readonly #holders = new Map<MemoryHolder, number>();
  readonly #unannounced: (() => void)[] = [];

  /** Throws RangeError for a limit out of its range. */
  constructor(options: MemoryBudgetOptions = {}) {
    this.limitBytes = checked('limitBytes', options.limitBytes ?? budgetDefaults.limitBytes, 0);
    this.maxMessages = checked('maxMessages', options.maxMessages ?? budgetDefaults.maxMessages, 0);
  }

  /** Bytes allocated by unfinished messages: at most `limitBytes` whenever no parser is at work. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Unfinished messages that hold bytes. */
  get heldMessages(): number {
    return this.#holders.size;
  }

  /** Messages given up so far to make room, whether or not they were known to be messages yet. */
  get givenUpMessages(): number {
    return this.#givenUp;
  }

  /** The holder's message made progress and now holds so many bytes. Makes room where that is too much. */
  hold(holder: MemoryHolder, bytes: number, timestampUs: number): void {
    this.release(holder);
    this.#holders.set(holder, bytes);
    this.#heldBytes += bytes;
    if (bytes > this.limitBytes) this.#giveUp(holder, timestampUs); // all others would have to go, and it would not help
    while (this.#heldBytes > this.limitBytes || this.#holders.size > this.maxMessages) this.#giveUpOldest(timestampUs);
  }

  /** The holder's message is done. */
  release(holder: MemoryHolder): void {
    const bytes = this.#holders.get(holder);
    if (bytes === undefined) return;
    this.#holders.delete(holder);
    this.#heldBytes -= bytes;
  }

  /** Tells the owners of given-up messages. Apart from `hold`, so that handlers run when no parser is in the middle of its work. */
  announce(): void {
    while (this.#unannounced.length > 0) {
      const announce = this.#unannounced.shift()!;
      announce();
    }
  }

  #giveUpOldest(timestampUs: number): void {
    for (const holder of this.#holders.keys()) {
      this.#giveUp(holder, timestampUs);
      return;
    }
  }

  #giveUp(holder: MemoryHolder, timestampUs: number): void {
    this.release(holder);
    this.#givenUp++;
    const announce = holder.giveUp(timestampUs);
    if (announce !== undefined) this.#unannounced.push(announce);
  }
}
