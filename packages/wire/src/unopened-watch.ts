// Tells, at most once a minute, that datagrams come that do not fit the keys, or that nobody confirms: as a rule a wrong key
// on one side, or reports that do not get back.

import type { KeyReject } from './keyring.ts';
import type { DatagramSource } from './reporter.ts';

/** A key that does not fit, or a session that does not name this receiver within 1 s. */
export type UnopenedReason = KeyReject | 'unconfirmed';

/** Datagrams that could not be opened, or not believed. */
export interface UnopenedNews {
  /** Of the last one. */
  readonly reason: UnopenedReason;
  /** Where the last one came from. */
  readonly from: DatagramSource;
  /** How many, whatever the reason and source, since it was told last. */
  readonly datagrams: number;
}

const INTERVAL_MS = 60_000;

/** Owner of what was not told yet. */
export class UnopenedWatch {
  readonly #onUnopened: ((news: UnopenedNews) => void) | undefined;
  #datagrams = 0;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(onUnopened: ((news: UnopenedNews) => void) | undefined) {
    this.#onUnopened = onUnopened;
  }

  /** Notes that datagrams of a session were held for too long. */
  readonly noteOverdue = (from: DatagramSource, nowMs: number): void => this.note('unconfirmed', from, nowMs);

  /** Notes one; the handler is called last. */
  note(reason: UnopenedReason, from: DatagramSource, nowMs: number): void {
    this.#datagrams++;
    if (nowMs - this.#lastMs < INTERVAL_MS) return;
    const datagrams = this.#datagrams;
    this.#datagrams = 0;
    this.#lastMs = nowMs;
    this.#onUnopened?.({ reason, from: { address: from.address, port: from.port }, datagrams });
  }
}
