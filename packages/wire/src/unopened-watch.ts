// Tells that datagrams come that do not fit the keys, or that nobody confirms: as a rule a wrong key on one side, or reports
// that do not get back. At most once a minute for each reason and source, so that a scanner hides no listener, and four times
// a minute in all.

import type { KeyReject } from './keyring.ts';
import type { DatagramSource } from './reporter.ts';

/** A key that does not fit, or a session that does not name this receiver within 1 s. */
export type UnopenedReason = KeyReject | 'unconfirmed';

/** Datagrams that could not be opened, or not believed, of one source for one reason. */
export interface UnopenedNews {
  readonly reason: UnopenedReason;
  /** Where the last one came from. */
  readonly from: DatagramSource;
  /** How many since this source was told of last, for this reason. */
  readonly datagrams: number;
}

const INTERVAL_MS = 60_000;
const TOLD_AN_INTERVAL = 4;
const MAX_SOURCES = 16;

interface UnopenedSource {
  readonly key: string;
  readonly reason: UnopenedReason;
  readonly address: string;
  port: number;
  /** Since it was told of last, and in all. */
  datagrams: number;
  total: number;
  seenMs: number;
  toldMs: number;
}

/** Owner of what was not told yet. */
export class UnopenedWatch {
  readonly #onUnopened: ((news: UnopenedNews) => void) | undefined;
  readonly #sources = new Map<string, UnopenedSource>();
  /** When something was told in the last minute. */
  #toldMs: number[] = [];

  constructor(onUnopened: ((news: UnopenedNews) => void) | undefined) {
    this.#onUnopened = onUnopened;
  }

  /** Notes that datagrams of a session were held for too long. */
  readonly noteOverdue = (from: DatagramSource, nowMs: number): void => this.note('unconfirmed', from, nowMs);

  /** Notes one; the handler is called last, with the source that has most to be told of. */
  note(reason: UnopenedReason, { address, port }: DatagramSource, nowMs: number): void {
    const source = this.#sourceOf(reason, address, nowMs);
    source.port = port;
    source.datagrams++;
    source.total++;
    source.seenMs = nowMs;
    this.#toldMs = this.#toldMs.filter((toldMs) => nowMs - toldMs < INTERVAL_MS);
    if (this.#toldMs.length >= TOLD_AN_INTERVAL) return;
    const most = this.#most(nowMs);
    if (most === undefined) return;
    const { datagrams } = most;
    most.datagrams = 0;
    most.toldMs = nowMs;
    this.#toldMs.push(nowMs);
    const from = { address: most.address, port: most.port };
    this.#onUnopened?.({ reason: most.reason, from, datagrams });
  }

  #sourceOf(reason: UnopenedReason, address: string, nowMs: number): UnopenedSource {
    const key = `${reason} ${address}`;
    const known = this.#sources.get(key);
    if (known !== undefined) return known;
    if (this.#sources.size >= MAX_SOURCES) this.#forgetOne(nowMs);
    const toldMs = Number.NEGATIVE_INFINITY;
    const source = { key, reason, address, port: 0, datagrams: 0, total: 0, seenMs: nowMs, toldMs };
    this.#sources.set(key, source);
    return source;
  }

  #most(nowMs: number): UnopenedSource | undefined {
    let most: UnopenedSource | undefined;
    for (const source of this.#sources.values()) {
      if (source.datagrams === 0 || nowMs - source.toldMs < INTERVAL_MS) continue;
      if (most === undefined || source.datagrams > most.datagrams) most = source;
    }
    return most;
  }

  /** One that is silent, else of those that sent least the youngest: who makes up sources drives out what they made up. */
  #forgetOne(nowMs: number): void {
    let least: UnopenedSource | undefined;
    for (const source of this.#sources.values()) {
      const total = nowMs - source.seenMs >= INTERVAL_MS ? 0 : source.total;
      if (least === undefined || total <= least.total) least = { ...source, total };
    }
    if (least !== undefined) this.#sources.delete(least.key);
  }
}
