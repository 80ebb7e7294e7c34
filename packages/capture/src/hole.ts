// Since when a stream has waited for what lacks at its front, and when that is long enough.

import type { TcpLimits } from './options.ts';

/**
 * What a stream waits for:
 * - `start`: bytes before the first ones seen, where no handshake told the start; there may be none.
 * - `cut`: bytes that the capture cut off a frame; another copy may hold them.
 * - `lost`: bytes before those that came.
 */
export type HoleKind = 'start' | 'cut' | 'lost';

/** The times of one hole, in integer microseconds. */
export class Hole {
  readonly kind: HoleKind;
  /** The sequence number at which the hole begins. */
  readonly at: number;
  #sinceUs: number;
  #ackedUs: number | undefined;

  constructor(kind: HoleKind, at: number, sinceUs: number, ackedUs: number | undefined) {
    this.kind = kind;
    this.at = at;
    this.#sinceUs = sinceUs;
    this.#ackedUs = ackedUs;
  }

  /** Since when the stream has waited for it. */
  get sinceUs(): number {
    return this.#sinceUs;
  }

  /** The receiver acknowledged bytes in the hole: they arrived there, and were only not captured. */
  acknowledge(nowUs: number): void {
    this.#ackedUs ??= nowUs;
  }

  /** Why the hole is to be given up now; undefined while it is not. */
  dueReason(nowUs: number, limits: TcpLimits): 'start' | 'cut' | 'acked' | 'timeout' | undefined {
    // A clock that was set back must not make the hole wait for it to catch up.
    this.#sinceUs = Math.min(this.#sinceUs, nowUs);
    const waitedUs = nowUs - this.#sinceUs;
    if (this.kind === 'start') return waitedUs >= limits.startWaitMs * 1000 ? 'start' : undefined;
    if (this.kind === 'cut' && waitedUs >= limits.ackedHoleTimeoutMs * 1000) return 'cut';
    if (waitedUs >= limits.holeTimeoutMs * 1000) return 'timeout';
    if (this.#ackedUs === undefined) return undefined;
    this.#ackedUs = Math.min(this.#ackedUs, nowUs);
    return nowUs - this.#ackedUs >= limits.ackedHoleTimeoutMs * 1000 ? 'acked' : undefined;
  }
}
