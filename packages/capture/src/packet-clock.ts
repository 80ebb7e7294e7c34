// The time that silence is measured in: it follows the timestamps of the packets and never goes back, though they may,
// where the clock of the host was set back or a file holds several captures one behind the other.

/** Timestamps this much earlier than the latest are late packets; earlier ones are of a clock that was set back. */
const toleranceUs = 60_000_000;

/** A clock out of timestamps. It differs from theirs by a shift that grows each time they go back. */
export class PacketClock {
  #nowUs = 0;
  #shiftUs = 0;

  get nowUs(): number {
    return this.#nowUs;
  }

  /** Takes the next timestamp; gives the clock's time, in integer microseconds. */
  follow(timestampUs: number): number {
    const shiftedUs = timestampUs + this.#shiftUs;
    if (shiftedUs >= this.#nowUs) this.#nowUs = shiftedUs;
    else if (this.#nowUs - shiftedUs > toleranceUs) this.#shiftUs = this.#nowUs - timestampUs;
    return this.#nowUs;
  }
}
