// The time stamps of pcapng: 64-bit ticks of any power of ten or two, as integer microseconds, rounded down, exact.
// draft-ietf-opsawg-pcapng, if_tsresol and if_tsoffset. No BigInt: it would be an allocation a packet.

const twoTo32 = 2 ** 32;
/** 10^6 = 2^6 * 15,625: what microseconds have of other primes than two, and how many twos. */
const oddPartOfMillion = 15_625;
const twosOfMillion = 6;
/** With a divisor up to this, remainder * 2^32 stays below 2^53. */
const maxDigitsAtOnce = 6;
/** if_tsresol: the top bit tells powers of two from powers of ten. */
const powerOfTwo = 0x80;

/** Converts the ticks of one interface. */
export class TickScale {
  readonly #isBinary: boolean;
  /** Powers of two: a tick is 15,625 * 2^-shift µs. */
  readonly #shift: number;
  /** Powers of ten: microseconds are ticks * multiplier, or ticks / divisor / secondDivisor. */
  readonly #multiplier: number;
  readonly #divisor: number;
  readonly #secondDivisor: number;
  readonly #offsetUs: number;

  /**
   * `resolution` is the byte of if_tsresol: 6 are microseconds, 9 nanoseconds, 0x80 + 10 are units of 2^-10 s.
   * `offsetHigh` and `offsetLow` are the two halves of if_tsoffset, signed seconds that are added.
   */
  constructor(resolution = 6, offsetHigh = 0, offsetLow = 0) {
    const exponent = resolution & ~powerOfTwo;
    this.#isBinary = (resolution & powerOfTwo) !== 0;
    this.#shift = exponent - twosOfMillion;
    this.#multiplier = 10 ** Math.max(0, 6 - exponent);
    const digits = Math.max(0, exponent - 6);
    this.#divisor = 10 ** Math.min(digits, maxDigitsAtOnce);
    this.#secondDivisor = 10 ** Math.max(0, digits - maxDigitsAtOnce);
    this.#offsetUs = bounded(((offsetHigh | 0) * twoTo32 + offsetLow) * 1_000_000);
  }

  /**
   * Microseconds since 1970 of the ticks `high * 2^32 + low`, rounded down. What a double cannot say exactly (after the
   * year 2255) is given as the largest integer that it can, `Number.MAX_SAFE_INTEGER`.
   */
  toMicroseconds(high: number, low: number): number {
    const us = this.#isBinary ? this.#fromBinary(high, low) : this.#fromDecimal(high, low);
    return this.#offsetUs === 0 ? us : bounded(us + this.#offsetUs);
  }

  #fromDecimal(high: number, low: number): number {
    if (this.#divisor === 1) return bounded((high * twoTo32 + low) * this.#multiplier);
    // Long division with digits of 32 bits: neither dividend reaches 2^53, so both quotients are exact.
    const quotient = Math.floor(high / this.#divisor);
    const remainder = high - quotient * this.#divisor;
    const us = bounded(quotient * twoTo32 + Math.floor((remainder * twoTo32 + low) / this.#divisor));
    return this.#secondDivisor === 1 ? us : Math.floor(us / this.#secondDivisor);
  }

  #fromBinary(high: number, low: number): number {
    // ticks * 15,625 as upper * 2^32 + lower, then shifted; powers of two multiply and divide exactly.
    const lowProduct = low * oddPartOfMillion;
    const carry = Math.floor(lowProduct / twoTo32);
    const lower = lowProduct - carry * twoTo32;
    const upper = high * oddPartOfMillion + carry;
    const shift = this.#shift;
    if (shift > 32) return Math.floor(upper / 2 ** (shift - 32));
    return bounded(upper * 2 ** (32 - shift) + Math.floor(lower * 2 ** -shift));
  }
}

function bounded(us: number): number {
  return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, us));
}
