// How datagrams are sealed and opened: AES-256-GCM by node:crypto under a key derived for each session and direction.
// Pure computation: no randomness comes from here. docs/wire-protocol.md, "Sealing".

import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { DATAGRAM_HEADER_BYTES, SEQUENCE_AT } from './datagram.ts';

/** Bytes of a key as a key file holds it. */
export const KEY_BYTES = 32;

const TAG_BYTES = 16;
const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
/** The nonce is four zero bytes and the sequence. */
const SEQUENCE_IN_NONCE = NONCE_BYTES - 8;

/** A key that sender and receiver share, and the number by which datagrams name it. */
export interface WireKey {
  /** 1 to 65,535, derived from the key. */
  readonly id: number;
  /** 32 bytes. */
  readonly bytes: Uint8Array;
}

/** Seals and opens the datagrams of one session in one direction, in place. */
export interface Sealing {
  /** The header's key id; 0 is plaintext. */
  readonly keyId: number;
  /** Bytes that sealing adds at a datagram's end. */
  readonly overheadBytes: number;
  /** Seals header and body, which stand in the bytes; `overheadBytes` are free at the end. Never twice with one sequence. */
  readonly seal: (datagram: Uint8Array) => void;
  /** The datagram without what sealing added, a view of the same bytes, its body opened in place; undefined where it is not authentic. */
  readonly open: (datagram: Uint8Array) => Uint8Array | undefined;
}

/** No sealing: whoever reaches the receiver's port can read and write records. */
export const plaintext: Sealing = {
  keyId: 0,
  overheadBytes: 0,
  seal: () => undefined,
  open: (datagram) => datagram,
};

/** Whether both are one key, or both none: an id says too little. Not for comparing with what an attacker guesses. */
export function isSameKey(a: WireKey | undefined, b: WireKey | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  for (let at = 0; at < KEY_BYTES; at++) if (a.bytes[at] !== b.bytes[at]) return false;
  return true;
}

/** Throws a RangeError unless there are 32 bytes. */
export function wireKey(bytes: Uint8Array): WireKey {
  if (bytes.length !== KEY_BYTES) throw new RangeError(`a key has ${KEY_BYTES} bytes, not ${bytes.length}`);
  const copy = Uint8Array.from(bytes);
  const [high = 0, low = 0] = derive(copy, '', 'gor wire 1 key id', 2);
  return { id: (high << 8) | low || 1, bytes: copy };
}

/** For what the session's sender sends. `session`: 16 hexadecimal digits. */
export function recordSealing(key: WireKey, session: string): Sealing {
  return new GcmSealing(key.id, derive(key.bytes, session, 'gor wire 1 records', KEY_BYTES));
}

/** For what the receiver of that id, 16 hexadecimal digits, reports to the session's sender. */
export function reportSealing(key: WireKey, session: string, receiver: string): Sealing {
  return new GcmSealing(key.id, derive(key.bytes, session + receiver, 'gor wire 1 reports', KEY_BYTES));
}

/** What node:crypto reads beside the body is copied into views that stay: making one costs more than copying 32 bytes. */
class GcmSealing implements Sealing {
  readonly keyId: number;
  readonly overheadBytes = TAG_BYTES;
  readonly #key: Uint8Array;
  readonly #nonce = new Uint8Array(NONCE_BYTES);
  readonly #header = new Uint8Array(DATAGRAM_HEADER_BYTES);
  readonly #tag = new Uint8Array(TAG_BYTES);

  constructor(keyId: number, key: Uint8Array) {
    this.keyId = keyId;
    this.#key = key;
  }

  readonly seal = (datagram: Uint8Array): void => {
    const tagAt = datagram.length - TAG_BYTES;
    this.#takeHeader(datagram);
    const cipher = createCipheriv(CIPHER, this.#key, this.#nonce);
    cipher.setAAD(this.#header);
    datagram.set(cipher.update(datagram.subarray(DATAGRAM_HEADER_BYTES, tagAt)), DATAGRAM_HEADER_BYTES);
    cipher.final();
    datagram.set(cipher.getAuthTag(), tagAt);
  };

  readonly open = (datagram: Uint8Array): Uint8Array | undefined => {
    const tagAt = datagram.length - TAG_BYTES;
    if (tagAt < DATAGRAM_HEADER_BYTES) return undefined;
    this.#takeHeader(datagram);
    for (let at = 0; at < TAG_BYTES; at++) this.#tag[at] = datagram[tagAt + at]!;
    const decipher = createDecipheriv(CIPHER, this.#key, this.#nonce);
    decipher.setAAD(this.#header);
    decipher.setAuthTag(this.#tag);
    const body = decipher.update(datagram.subarray(DATAGRAM_HEADER_BYTES, tagAt));
    try {
      decipher.final();
    } catch {
      return undefined; // GCM's way to say that tag and bytes do not fit
    }
    datagram.set(body, DATAGRAM_HEADER_BYTES);
    return datagram.subarray(0, tagAt);
  };

  #takeHeader(datagram: Uint8Array): void {
    for (let at = 0; at < DATAGRAM_HEADER_BYTES; at++) this.#header[at] = datagram[at]!;
    for (let at = 0; at < 8; at++) this.#nonce[SEQUENCE_IN_NONCE + at] = datagram[SEQUENCE_AT + at]!;
  }
}

function derive(key: Uint8Array, hexSalt: string, info: string, length: number): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, hexBytes(hexSalt), info, length));
}

function hexBytes(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, at) => Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16));
}
