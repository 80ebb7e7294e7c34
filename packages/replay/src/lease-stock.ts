// Tokens leased ahead from whoever has the quota's authority, so that no request waits for it. Knows no time.

/** The quota's authority, local or shared. One lease is permission for many requests. */
export interface LeaseSource {
  /** Asks for up to `tokens`; resolves with how many are granted (0 to `tokens`) when they may be used. */
  readonly lease: (tokens: number) => Promise<number>;
  /** Lets go of timers and connections; leases that still wait resolve with 0. May be called twice. */
  readonly close: () => Promise<void>;
  /** How much is leased, where the authority is shared with others; else a tenth of a second's worth, of a second's. */
  readonly sizes?: LeaseSizes;
  /** Where the authority is shared: how that stands, for the target's ledger. */
  readonly ledger?: () => SharedLimitLedger;
}

/** How much is leased from a shared authority. */
export interface LeaseSizes {
  /** Tokens of each lease asked for. */
  readonly leaseTokens: number;
  /** Most tokens at hand and asked for together. */
  readonly capacity: number;
}

/** How a target stands with the other servers that share its limit. */
export interface SharedLimitLedger {
  /** `shared`: leases come from the common authority. `alone`: it is away, and after 1.5 s a fair share is sent without it; before the first time, nothing. */
  readonly state: 'shared' | 'alone';
  /** Servers among which the limit is divided, as last known, this one included; 0 before that was ever known. */
  readonly members: number;
  /** How many times the authority went away. */
  readonly fallbacks: number;
}

/** A lease is a tenth of a second's worth: few enough for Bottleneck, small enough to share. */
const LEASES_PER_SECOND = 10;

/** Always one lease is asked for ahead of the one that runs, else its own latency would be missing from the mean. */
const LEASES_AHEAD = 2;

/**
 * Leases that the stock holds beyond a second's worth: tokens come a lease at a time and a lease late, and a burst right after
 * another second's must not wait for that. The bound is the limit's own.
 */
const SPARE_LEASES = 2;

/** Tokens in one ordinary lease at a rate. */
export function leaseTokensAt(ratePerSecond: number): number {
  return Math.max(1, Math.ceil(ratePerSecond / LEASES_PER_SECOND));
}

/** One second's worth of tokens at hand, and two leases, all of which the first lease asks for; less where the source says so. */
export class LeaseStock {
  readonly #source: LeaseSource;
  readonly #capacity: number;
  readonly #leaseTokens: number;
  readonly #onRefill: () => void;
  #available = 0;
  #asked = 0;
  #leases = 0;

  /** `onRefill` is called after each lease that brought tokens, never from within `take`. */
  constructor(source: LeaseSource, ratePerSecond: number, onRefill: () => void) {
    this.#source = source;
    this.#leaseTokens = source.sizes?.leaseTokens ?? leaseTokensAt(ratePerSecond);
    this.#capacity = source.sizes?.capacity ?? Math.ceil(ratePerSecond) + SPARE_LEASES * this.#leaseTokens;
    this.#onRefill = onRefill;
    this.#ask(source.sizes?.leaseTokens ?? this.#capacity);
  }

  /** Tokens at hand. */
  get available(): number {
    return this.#available;
  }

  /** Takes one token; false where there is none, and then a lease is under way that ends with `onRefill`. */
  take(): boolean {
    const had = this.#available > 0;
    if (had) this.#available -= 1;
    this.#refill();
    return had;
  }

  #refill(): void {
    while (this.#leases < LEASES_AHEAD && this.#capacity - this.#available - this.#asked >= this.#leaseTokens) {
      this.#ask(this.#leaseTokens);
    }
  }

  #ask(tokens: number): void {
    this.#asked += tokens;
    this.#leases += 1;
    this.#source.lease(tokens).then(
      (granted) => this.#granted(tokens, granted),
      // An authority that cannot be reached grants nothing; the next request asks it again.
      () => this.#granted(tokens, 0),
    );
  }

  #granted(asked: number, granted: number): void {
    this.#asked -= asked;
    this.#leases -= 1;
    if (granted <= 0) return;
    this.#available += granted;
    this.#refill();
    this.#onRefill();
  }
}
