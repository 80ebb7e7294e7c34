// Requests that no forwarder sends, known from the request alone.

import type { SkippedReason } from './reasons.ts';
import type { ReplayRequest } from './request.ts';

/** CONNECT and upgrades, which would end HTTP on the connection; `undefined` for all others. */
export function endsHttp({ method, headers }: ReplayRequest): SkippedReason | undefined {
  if (method === 'CONNECT') return 'connect';
  let hasUpgrade = false;
  let asksToUpgrade = false;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at]!;
    // The length first: most headers are told apart without making a lower-case copy of their names.
    if (name.length === 7 && name.toLowerCase() === 'upgrade') hasUpgrade = true;
    else if (name.length === 10 && name.toLowerCase() === 'connection') {
      asksToUpgrade ||= hasUpgradeOption(headers[at + 1]!);
    }
  }
  return hasUpgrade && asksToUpgrade ? 'upgrade' : undefined;
}

/** `upgrade` as one of the comma-separated options of Connection (RFC 9110, 7.6.1). */
function hasUpgradeOption(value: string): boolean {
  const lower = value.toLowerCase();
  return lower.includes('upgrade') && lower.split(',').some((option) => option.trim() === 'upgrade');
}
