// Leases of one target out of a limit that several servers share. While the common authority can be reached, it grants;
// while it is away, this server grants itself the share that it last had. Time comes from the clock that it is given.

import type { Clock } from './clock.ts';
import { type LeaseSizes, type LeaseSource, leaseTokensAt, type SharedLimitLedger } from './lease-stock.ts';

/** Asks the common authority for tokens, as `LeaseSource.lease` does; a rejection waits for `goAlone`. */
export type SharedAuthority = (tokens: number) => Promise<number>;

interface Ask {
  readonly tokens: number;
  readonly resolve: (granted: number) => void;
  cancel: (() => void) | undefined;
}

/**
 * The sizes of leases of a shared limit. A tenth of a second's worth is what a server may send beyond its leases of one
 * second, so what it has at hand and asked for, together with the lease that a second's border cuts, must be no more.
 */
export function sharedSizesAt(ratePerSecond: number): LeaseSizes {
  const most = leaseTokensAt(ratePerSecond);
  const leaseTokens = Math.max(1, Math.floor(most / 4));
  return { leaseTokens, capacity: Math.max(1, most - leaseTokens) };
}

/** The lease source of one target; its owner says when the authority is there and when it is away. */
export class SharedLease implements LeaseSource {
  readonly sizes: LeaseSizes;
  readonly #ratePerSecond: number;
  readonly #clock: Clock;
  readonly #onClosed: () => void;
  readonly #asks = new Set<Ask>();
  #state: 'joining' | 'shared' | 'alone' = 'joining';
  #authority: SharedAuthority | undefined;
  #live = 1;
  #members: number | undefined;
  /** Tokens granted by the authority that are less than a whole one of this server's. */
  #credit = 0;
  /** When leases may begin, after the state changed. */
  #fromMs = 0;
  /** When the next lease of the own share is due, whoever granted the one before. */
  #nextMs = 0;
  #fallbacks = 0;
  #isClosed = false;

  /** `onClosed` is told once. */
  constructor(ratePerSecond: number, clock: Clock, onClosed: () => void = () => {}) {
    this.#onClosed = onClosed;
    this.#ratePerSecond = ratePerSecond;
    this.#clock = clock;
    this.sizes = sharedSizesAt(ratePerSecond);
  }

  /** Grants 1 to `tokens` of them, sooner or later; 0 once closed. */
  readonly lease = (tokens: number): Promise<number> => {
    if (this.#isClosed) return Promise.resolve(0);
    return new Promise((resolve) => {
      const ask: Ask = { tokens, resolve, cancel: undefined };
      this.#asks.add(ask);
      this.#serve(ask);
    });
  };

  readonly close = (): Promise<void> => {
    if (!this.#isClosed) this.#onClosed();
    this.#isClosed = true;
    this.#authority = undefined;
    for (const ask of this.#asks) this.#end(ask, 0);
    return Promise.resolve();
  };

  readonly ledger = (): SharedLimitLedger => ({
    state: this.#state === 'shared' ? 'shared' : 'alone',
    members: this.#members ?? 0,
    fallbacks: this.#fallbacks,
  });

  /**
   * How many servers share the limit: `live` are with the authority now, `members` are counted. The shares of those that
   * are counted but away are left to them: they may be sending without it.
   */
  share(live: number, members: number): void {
    this.#live = Math.min(live, members);
    this.#members = members;
  }

  /** The authority can be reached, and grants from `fromMs` on. */
  goShared(authority: SharedAuthority, fromMs: number): void {
    this.#change('shared', authority, fromMs);
  }

  /** The authority is away: from `fromMs` on this server sends its last share; nothing, where it never knew one. */
  goAlone(fromMs: number): void {
    if (this.#state === 'shared') this.#fallbacks += 1;
    this.#change('alone', undefined, fromMs);
  }

  #change(state: 'shared' | 'alone', authority: SharedAuthority | undefined, fromMs: number): void {
    if (this.#isClosed) return;
    this.#state = state;
    this.#authority = authority;
    this.#fromMs = fromMs;
    // What the own share had in mind for leases that were not given yet is void.
    this.#nextMs = Math.min(this.#nextMs, this.#clock.nowMs() + this.#shareMs(this.sizes.leaseTokens));
    for (const ask of this.#asks) {
      ask.cancel?.();
      ask.cancel = undefined;
      this.#serve(ask);
    }
  }

  #serve(ask: Ask): void {
    const nowMs = this.#clock.nowMs();
    if (this.#state === 'shared') {
      if (nowMs >= this.#fromMs) this.#askAuthority(ask);
      else ask.cancel = this.#clock.schedule(this.#fromMs - nowMs, () => this.#askAuthority(ask));
    } else if (this.#state === 'alone' && this.#members !== undefined) {
      const dueMs = Math.max(nowMs, this.#fromMs, this.#nextMs);
      this.#nextMs = dueMs + this.#shareMs(ask.tokens);
      ask.cancel = this.#clock.schedule(dueMs - nowMs, () => this.#end(ask, ask.tokens));
    }
  }

  #askAuthority(ask: Ask): void {
    const authority = this.#authority;
    ask.cancel = undefined;
    authority?.(ask.tokens).then(
      (granted) => {
        // What was granted by an authority that went away since is not used: this server has its own share then.
        if (granted > 0 && this.#authority === authority && this.#asks.has(ask)) this.#granted(ask, granted);
      },
      // Whoever speaks with the authority sees that it is away, and says so; the ask waits for that.
      () => {},
    );
  }

  #granted(ask: Ask, granted: number): void {
    this.#credit += (granted * this.#live) / (this.#members ?? 1);
    const tokens = Math.min(ask.tokens, Math.floor(this.#credit + 1e-9));
    if (tokens < 1) return this.#askAuthority(ask);
    this.#credit = Math.max(0, this.#credit - tokens);
    this.#nextMs = this.#clock.nowMs() + this.#shareMs(tokens);
    this.#end(ask, tokens);
  }

  #end(ask: Ask, granted: number): void {
    ask.cancel?.();
    this.#asks.delete(ask);
    ask.resolve(granted);
  }

  /** How long this server's share needs for so many tokens. */
  #shareMs(tokens: number): number {
    return (tokens * (this.#members ?? 1) * 1000) / this.#ratePerSecond;
  }
}
