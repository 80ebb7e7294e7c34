// Tells, at most once a minute, that datagrams come that do not fit the keys: as a rule a wrong key on one side.

import type { KeyReject } from './keyring.ts';
import type { DatagramSource } from './reporter.ts';

/** Datagrams that could not be opened. */
export interface UnopenedNews {
  /** Of the last one. */
  readonly reason: KeyReject;
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

  /** Notes one; the handler is called last. */
  note(reason: KeyReject, from: DatagramSource, nowMs: number): void {
    this.#datagrams++;
    if (nowMs - this.#lastMs < INTERVAL_MS) return;
    const datagrams = this.#datagrams;
    this.#datagrams = 0;
    this.#lastMs = nowMs;
    this.#onUnopened?.({ reason, from: { address: from.address, port: from.port }, datagrams });
  }
}
