// Lines about sessions at a bounded rate: whoever reaches the port can start as many sessions as they like.

const WINDOW_MS = 10_000;
const LINES_A_WINDOW = 20;

/** Lets the first lines of each ten seconds pass, and says how many it left out before. */
export class SessionLines {
  #windowStartMs = Number.NEGATIVE_INFINITY;
  #passed = 0;
  #leftOut = 0;

  /** The line to show, if any. `nowMs` is monotonic. */
  line(text: string, nowMs: number): string | undefined {
    if (nowMs - this.#windowStartMs >= WINDOW_MS) {
      this.#windowStartMs = nowMs;
      this.#passed = 0;
    }
    if (this.#passed === LINES_A_WINDOW) {
      this.#leftOut += 1;
      return undefined;
    }
    this.#passed += 1;
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    return leftOut === 0 ? text : `${text} (${leftOut} lines like this one left out before)`;
  }
}
