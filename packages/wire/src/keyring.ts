// The keys that a receiver takes: which of them a datagram names, and why it is refused where it names none of them.
// docs/wire-protocol.md, "Sealing".

import { isSameKey, type WireKey } from './sealing.ts';

/**
 * Why a datagram is refused by its key: `sealed` (there are no keys here), `not-sealed` (there are, and it is plaintext), `unknown-key`
 * (it names none of them), `forged` (it is not authentic under the key that it names).
 */
export type KeyReject = 'sealed' | 'not-sealed' | 'unknown-key' | 'forged';

/** Owner of a receiver's keys. */
export class Keyring {
  #keys = new Map<number, WireKey>();

  constructor(keys: readonly WireKey[]) {
    this.set(keys);
  }

  /** Replaces the keys; throws a TypeError where two have one id, since datagrams could not tell them apart. */
  set(keys: readonly WireKey[]): void {
    const byId = new Map<number, WireKey>();
    for (const key of keys) {
      if (byId.has(key.id)) throw new TypeError(`keys must differ in their ids; two have the id ${key.id}`);
      byId.set(key.id, key);
    }
    this.#keys = byId;
  }

  /** The key of that id, undefined for plaintext where there are no keys, or the reason against. */
  find(keyId: number): WireKey | undefined | KeyReject {
    if (this.#keys.size === 0) return keyId === 0 ? undefined : 'sealed';
    return keyId === 0 ? 'not-sealed' : (this.#keys.get(keyId) ?? 'unknown-key');
  }

  /** Whether this very key is still there; undefined, plaintext, is where there are none. */
  has(key: WireKey | undefined): boolean {
    return key === undefined ? this.#keys.size === 0 : isSameKey(this.#keys.get(key.id), key);
  }
}
