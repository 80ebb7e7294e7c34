// What time means for a session: whether it is to be looked at closely, and when a closing one is over.
// docs/wire-protocol.md, "Session".

import type { Session } from './session.ts';

/** Whether something of the session is due soon. */
export function isBusy({ missing, order, reports }: Session): boolean {
  return missing.count > 0 || order.isTracking || reports.isWanted;
}

/** Whether a closing session ends: `graceMs` after its first final totals, twice that while something is missing. */
export function isOver({ closingSinceMs, missing, order }: Session, nowMs: number, graceMs: number): boolean {
  const isComplete = missing.count === 0 && order.isEmpty;
  return nowMs - closingSinceMs >= (isComplete ? graceMs : 2 * graceMs);
}
