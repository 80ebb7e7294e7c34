// One timer that stands at the earliest moment asked for. It may go off too early, never too late: whoever is woken
// looks at the clock and sets it again.

import type { Clock } from './clock.ts';

/** Timers of Node.js go off at once where they are set for longer. */
const MOST_MS = 2 ** 31 - 1;

/** The one timer of a target. */
export class Alarm {
  readonly #clock: Clock;
  readonly #onAlarm: () => void;
  #cancel: (() => void) | undefined;
  #atMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, onAlarm: () => void) {
    this.#clock = clock;
    this.#onAlarm = onAlarm;
  }

  /** Sees to it that it goes off at `atMs` or before; `Infinity` asks for nothing. */
  setAtLatest(atMs: number, nowMs: number): void {
    if (atMs >= this.#atMs) return;
    this.clear();
    this.#atMs = atMs;
    this.#cancel = this.#clock.schedule(Math.min(MOST_MS, Math.max(0, atMs - nowMs)), this.#ring);
  }

  clear(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#atMs = Number.POSITIVE_INFINITY;
  }

  readonly #ring = (): void => {
    this.#cancel = undefined;
    this.#atMs = Number.POSITIVE_INFINITY;
    this.#onAlarm();
  };
}
