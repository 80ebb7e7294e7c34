// How many bytes may be sent again: a share of what is sent, saved up to a bound, so that repair never starves new
// datagrams. docs/wire-protocol.md, "Reports, and sending again".

const FIRST_BYTES = 256 * 1024;
const MOST_BYTES = Math.floor(1.6 * 1024 * 1024);

/** A store of bytes; no time in it. */
export class ResendBudget {
  readonly #share: number;
  #bytes = FIRST_BYTES;

  /** `share`: of the bytes sent for the first time, 0 to 1. */
  constructor(share: number) {
    this.#share = share;
  }

  /** Notes that so many bytes were sent for the first time. */
  earn(bytes: number): void {
    this.#bytes = Math.min(MOST_BYTES, this.#bytes + bytes * this.#share);
  }

  /** True where so many bytes may be sent again; they are then taken as sent. */
  take(bytes: number): boolean {
    if (bytes > this.#bytes) return false;
    this.#bytes -= bytes;
    return true;
  }
}
