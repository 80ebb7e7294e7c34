// A clock that stands still while the process does. After a pause timers run before sockets are read: what came meanwhile
// must not count as silence only because it has not been read yet.

/** More than there is between two looks at the clock of a process that runs. */
const MOST_MS = 300;

/** Milliseconds that never go back, and go on by at most 300 from one look to the next. */
export class ProcessClock {
  #systemMs: number;
  #nowMs: number;

  /** It begins as the system's. */
  constructor(systemMs: number) {
    this.#systemMs = systemMs;
    this.#nowMs = systemMs;
  }

  /** The time when the system's, which never goes back, is this. To be called at least each 250 ms. */
  at(systemMs: number): number {
    this.#nowMs += Math.min(MOST_MS, systemMs - this.#systemMs);
    this.#systemMs = systemMs;
    return this.#nowMs;
  }
}
