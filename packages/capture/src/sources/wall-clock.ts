// The clock of engines that do not tell when a packet was captured.

/** Allowed distance from the system's clock before the finer one is set by it again. */
const toleranceMs = 2;

/** Integer microseconds since 1970, finer than the system's milliseconds, and following it where it is set. */
export function createWallClock(): () => number {
  let originMs = performance.timeOrigin;
  return () => {
    const systemMs = Date.now();
    let nowMs = originMs + performance.now();
    if (Math.abs(nowMs - systemMs) > toleranceMs) {
      originMs += systemMs - nowMs;
      nowMs = systemMs;
    }
    return Math.floor(nowMs * 1000);
  };
}
