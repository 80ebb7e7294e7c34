// Which of the last 65,536 sequences were seen: bounded memory (8 KiB), no duplicate passes twice.

/** How far back a datagram may come late, in sequences. */
export const WINDOW_SEQUENCES = 65_536;

const WORDS = WINDOW_SEQUENCES / 32;

/** A sliding bitmap: bit `sequence mod 65,536`. */
export class SequenceWindow {
  readonly #bits = new Uint32Array(WORDS);
  #highest = 0;

  /** The highest sequence marked; 0 before the first. */
  get highest(): number {
    return this.#highest;
  }

  check(sequence: number): 'new' | 'duplicate' | 'too-old' {
    if (sequence > this.#highest) return 'new';
    if (this.#highest - sequence >= WINDOW_SEQUENCES) return 'too-old';
    const bit = sequence % WINDOW_SEQUENCES;
    return (this.#bits[bit >>> 5]! & (1 << (bit & 31))) === 0 ? 'new' : 'duplicate';
  }

  /** Marks a sequence that check called `new`. */
  mark(sequence: number): void {
    if (sequence > this.#highest) this.#slideTo(sequence);
    const bit = sequence % WINDOW_SEQUENCES;
    this.#bits[bit >>> 5]! |= 1 << (bit & 31);
  }

  #slideTo(sequence: number): void {
    if (sequence - this.#highest >= WINDOW_SEQUENCES) {
      this.#bits.fill(0);
    } else {
      let entering = this.#highest + 1;
      while (entering <= sequence) {
        const bit = entering % WINDOW_SEQUENCES;
        const isWord = (bit & 31) === 0 && sequence - entering >= 31;
        if (isWord) this.#bits[bit >>> 5] = 0;
        else this.#bits[bit >>> 5]! &= ~(1 << (bit & 31));
        entering += isWord ? 32 : 1;
      }
    }
    this.#highest = sequence;
  }
}
