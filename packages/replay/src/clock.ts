// Time for everything in this package. The only file that reads the machine's clock or sets its timers.

/** Monotonic time and timers. A test's virtual clock has the same shape. */
export interface Clock {
  /** Milliseconds, with fractions, that never go back. */
  readonly nowMs: () => number;
  /** Calls back once, `delayMs` (0 or more) from now, never before this returns; returns the function that cancels. */
  readonly schedule: (delayMs: number, callback: () => void) => () => void;
}

/** The machine's monotonic clock: `performance.now()`, so `performance.timeOrigin` added gives the time of day. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  schedule: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
