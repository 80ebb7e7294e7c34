// When shedding is worth a line: when it begins, while it changes every ten seconds, and when all is taken again.
import type { ShedCause } from './load-control.ts';

/** What is to be said of the connections that are shed. */
export interface ShedNotice {
  /** Of all connections, 0 to 255/256; 0: all are taken again. */
  readonly share: number;
  /** Whether none was shed before. */
  readonly begins: boolean;
  /** Why more are shed than last said; undefined where fewer are. */
  readonly cause: ShedCause | undefined;
}

const BETWEEN_MS = 10_000;

/** Follows the share. */
export class ShedNotices {
  #saidShare = 0;
  #saidMs = Number.NEGATIVE_INFINITY;
  #cause: ShedCause | undefined;

  /** The share as it is at a time (monotonic milliseconds), and why it went up, where it just did; what is to be said now. */
  note(nowMs: number, share: number, cause: ShedCause | undefined): ShedNotice | undefined {
    if (cause !== undefined) this.#cause = cause;
    const before = this.#saidShare;
    if (share === before) return undefined;
    const begins = before === 0;
    if (!begins && share > 0 && nowMs - this.#saidMs < BETWEEN_MS) return undefined;
    this.#saidShare = share;
    this.#saidMs = nowMs;
    return { share, begins, cause: share > before ? this.#cause : undefined };
  }
}
