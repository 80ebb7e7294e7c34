// Another address for a receiver that is silent: when one is looked for, and which one comes next.
// docs/wire-protocol.md, "Sender", silence.

import { addressesOf, type ConnectedSocket, connectToFirst, type SocketHandlers } from './connected-socket.ts';
import type { UdpSenderOptions } from './udp-sender-options.ts';

/** A receiver that is silent for so long is looked for at its other addresses, and then again each so often. */
const LOOK_AFTER_MS = 3000;
const LOOK_INTERVAL_MS = 5000;
/** An address that refuses is left, but not within this time of the last one that did: less than from probe to probe. */
const LEAVE_INTERVAL_MS = 200;

/** What a search is told, and whom it tells. */
export interface SearchOptions {
  readonly target: Pick<UdpSenderOptions, 'host' | 'port' | 'resolve'>;
  /** Of the sockets that it makes. */
  readonly handlers: SocketHandlers;
  /** Whether another address is still wanted: the receiver may have come back while a name was resolved. */
  readonly isWanted: () => boolean;
  /** Takes a socket to another address; its owner closes it. */
  readonly onFound: (socket: ConnectedSocket) => void;
}

/** Owner of a name's addresses, and of the time of the last look. One look at a time; times never go back. */
export class AddressSearch {
  readonly #options: SearchOptions;
  readonly #resolutions = { tried: 0, failed: 0 };
  #addresses: readonly string[] = [];
  #lookedMs = Number.NEGATIVE_INFINITY;
  #leftMs = Number.NEGATIVE_INFINITY;
  #isBusy = false;

  constructor(options: SearchOptions) {
    this.#options = options;
  }

  /** How often the name was resolved, and how often that gave no address to go to. */
  counters(): { readonly tried: number; readonly failed: number } {
    return { ...this.#resolutions };
  }

  /**
   * The receiver has been silent since then: where it is time the name is resolved again, and the address behind
   * `present` taken; `present` itself only where `hasFailed`, sends to it fail.
   */
  advance(sinceMs: number, present: string, hasFailed: boolean, nowMs: number): void {
    if (this.#isBusy || nowMs < Math.max(sinceMs + LOOK_AFTER_MS, this.#lookedMs + LOOK_INTERVAL_MS)) return;
    this.#lookedMs = nowMs;
    this.#isBusy = true;
    void this.#look(present, hasFailed);
  }

  /** The address refuses, and the receiver has been silent since then: the next one of those that are known is taken. */
  refused(sinceMs: number, present: string, nowMs: number): void {
    if (this.#isBusy || nowMs < Math.max(sinceMs + LOOK_AFTER_MS, this.#leftMs + LEAVE_INTERVAL_MS)) return;
    if (this.#addresses.length < 2) return;
    this.#leftMs = nowMs;
    this.#isBusy = true;
    void this.#leave(present);
  }

  async #look(present: string, hasFailed: boolean): Promise<void> {
    const { host, resolve } = this.#options.target;
    this.#resolutions.tried++;
    try {
      this.#addresses = await addressesOf(host, resolve);
      await this.#connectBehind(present, hasFailed);
    } catch {
      this.#resolutions.failed++; // the present address is kept, and it is tried again
    }
    this.#isBusy = false;
  }

  async #leave(present: string): Promise<void> {
    try {
      await this.#connectBehind(present, false);
    } catch {
      // There is no way to the others: the present address is kept until the next look.
    }
    this.#isBusy = false;
  }

  async #connectBehind(present: string, withPresent: boolean): Promise<void> {
    const behind = this.#addresses.indexOf(present) + 1;
    const others = [...this.#addresses.slice(behind), ...this.#addresses.slice(0, behind)];
    const candidates = others.filter((address) => address !== present || withPresent);
    const { target, handlers, isWanted, onFound } = this.#options;
    if (candidates.length === 0 || !isWanted()) return;
    const socket = await connectToFirst(candidates, target, handlers);
    if (isWanted()) onFound(socket);
    else await socket.close();
  }
}
