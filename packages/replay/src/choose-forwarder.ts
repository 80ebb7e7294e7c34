// Who carries a target's requests, as the options say, and what does not go with it.

import { ExactForwarder } from './exact-forwarder.ts';
import type { Destination, Forwarder } from './forwarder.ts';
import type { ResolvedOptions } from './options.ts';
import { UndiciForwarder } from './undici-forwarder.ts';

/** Throws a TypeError for a forwarder that is none, or that cannot do what the other options ask for. */
export function checkForwarder({ forwarder, sessions, keepOrder }: ResolvedOptions): void {
  if (typeof forwarder !== 'function' && forwarder !== 'exact' && forwarder !== 'undici') {
    throw new TypeError(`forwarder is ${forwarder}; it must be "exact", "undici" or a function that makes one`);
  }
  if (sessions && forwarder === 'undici') {
    throw new TypeError('sessions needs the exact forwarder: undici shares its sockets between connections');
  }
  if (sessions && !keepOrder) {
    throw new TypeError('sessions needs keepOrder: a connection carries one request after the other');
  }
}

/** The forwarder of one target. */
export function forwarderOf(chosen: ResolvedOptions['forwarder'], destination: Destination): Forwarder {
  if (typeof chosen === 'function') return chosen(destination);
  return chosen === 'undici' ? new UndiciForwarder(destination) : new ExactForwarder(destination);
}
