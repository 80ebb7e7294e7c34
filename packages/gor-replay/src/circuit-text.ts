// What is said to people when a target does not answer, and when it does again: one line a change.
import { formatDuration } from '@gor/cli';
import type { CircuitChange } from '@gor/replay';

/** The line about a change. */
export function circuitText(change: CircuitChange): string {
  const { target } = change;
  if (change.isOpen) {
    return `target ${target}: no answer (${change.reason}); it gets one request a second until it answers, the others are skipped`;
  }
  const { openMs } = change;
  const rounded = openMs < 1000 ? Math.round(openMs) : Math.round(openMs / 1000) * 1000;
  return `target ${target}: answers again after ${formatDuration(rounded)}, and gets every request`;
}
