// What outgoing requests to one target have in common, and what both forwarders know about a target's URL.

import type { Destination } from './forwarder.ts';

/** Header by which a listener knows a replayed request and leaves it alone. */
export const markName = 'Gor-Replayed';
/** The mark's value. */
export const markValue = '1';

/** What outgoing requests to one target have in common. */
export interface OutgoingSettings {
  /** The target's host and port as Host says them. */
  readonly authority: string;
  /** Without a trailing slash; empty for none. */
  readonly basePath: string;
  readonly originalHost: boolean;
  readonly mark: boolean;
  /** Leaves Connection as captured: what goes out is the connection that it was about. */
  readonly sessions: boolean;
}

/** Read out of a destination. */
export function outgoingSettingsOf({ url, originalHost, mark, sessions }: Destination): OutgoingSettings {
  const { host, pathname } = new URL(url);
  return { authority: host, basePath: pathname.replace(/\/+$/, ''), originalHost, mark, sessions };
}
