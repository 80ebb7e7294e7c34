// Leases from Bottleneck: one job is one lease, because a job costs far more than a
// request. Reads the global clock (Bottleneck does), so nothing but leases may depend on it.

import Bottleneck from 'bottleneck';
import type { LeaseSource } from './lease-stock.ts';

/**
 * Bottleneck rounds to milliseconds and starts jobs a little late. The exact bound is the limit's own; a lease that came
 * late would be missing from the mean, so leases come this much faster than the rate.
 */
const HEADROOM = 1.02;

/** A local limiter that grants one lease of `leaseTokens` every `leaseTokens / ratePerSecond` seconds, the first at once. */
export class BottleneckLease implements LeaseSource {
  readonly #limiter: Bottleneck;
  #closed = false;

  constructor(ratePerSecond: number, leaseTokens: number) {
    this.#limiter = new Bottleneck({ minTime: ((leaseTokens / ratePerSecond) * 1000) / HEADROOM });
  }

  /** Grants all that is asked for. The first lease may be a whole stock; the following must be `leaseTokens`. */
  readonly lease = async (tokens: number): Promise<number> => {
    if (this.#closed) return 0;
    try {
      return await this.#limiter.schedule(() => Promise.resolve(tokens));
    } catch {
      // stop() rejects the jobs that waited: their lease has no use any more.
      return 0;
    }
  };

  readonly close = async (): Promise<void> => {
    if (this.#closed) return;
    this.#closed = true;
    await this.#limiter.stop({ dropWaitingJobs: true });
    await this.#limiter.disconnect();
  };
}
