// Since when a stream has waited for the hole at its front, and when that is long enough.

import type { TcpLimits } from './options.ts';

/** The times of one hole, in integer microseconds. */
export class Hole {
  /** The sequence number at which the hole begins. */
  readonly at: number;
  #sinceUs: number;
  #ackedUs: number | undefined;

  constructor(at: number, sinceUs: number) {
    this.at = at;
    this.#sinceUs = sinceUs;
  }

  /** The receiver acknowledged bytes in the hole: they arrived there, and were only not captured. */
  acknowledge(nowUs: number): void {
    this.#ackedUs ??= nowUs;
  }

  /** Why the hole is to be given up now; undefined while it is not. */
  dueReason(nowUs: number, { holeTimeoutMs, ackedHoleTimeoutMs }: TcpLimits): 'timeout' | 'acked' | undefined {
    // A clock that was set back must not make the hole wait for it to catch up.
    this.#sinceUs = Math.min(this.#sinceUs, nowUs);
    if (nowUs - this.#sinceUs >= holeTimeoutMs * 1000) return 'timeout';
    if (this.#ackedUs === undefined) return undefined;
    this.#ackedUs = Math.min(this.#ackedUs, nowUs);
    return nowUs - this.#ackedUs >= ackedHoleTimeoutMs * 1000 ? 'acked' : undefined;
  }
}
