// Who carries a target's requests, as the options say, and what does not go with it.

import { ExactForwarder } from './exact-forwarder.ts';
import type { Destination, Forwarder } from './forwarder.ts';
import type { ReplayerOptions } from './replayer-options.ts';
import { UndiciForwarder } from './undici-forwarder.ts';

/** Throws a TypeError for a forwarder that is none, or that cannot do what the other options ask for. */
export function checkForwarder({ forwarder, sessions }: ReplayerOptions): void {
  if (typeof forwarder !== 'function' && forwarder !== 'exact' && forwarder !== 'undici') {
    throw new TypeError(`forwarder is ${forwarder}; it must be "exact", "undici" or a function that makes one`);
  }
  if (sessions === true && forwarder === 'undici') {
    throw new TypeError('sessions is true and forwarder is "undici"; it must be "exact" or a function that makes one');
  }
}

/** The forwarder of one target. */
export function forwarderOf(chosen: NonNullable<ReplayerOptions['forwarder']>, destination: Destination): Forwarder {
  if (typeof chosen === 'function') return chosen(destination);
  return chosen === 'undici' ? new UndiciForwarder(destination) : new ExactForwarder(destination);
}
