// The seam where a datagram is sealed and opened. Version 1 of the code has `plaintext` only: no key, no extra bytes.
// Sealing adds a second object of this shape; encoder and decoder stay as they are (docs/wire-protocol.md, "Room").

/** How the bytes behind a datagram's header are protected. */
export interface Protection {
  /** The header's key id; 0 is plaintext. */
  readonly keyId: number;
  /** Bytes that sealing adds at a datagram's end. */
  readonly overheadBytes: number;
  /** Seals in place: header and body stand in the bytes, `overheadBytes` are free at the end. */
  readonly seal: (datagram: Uint8Array) => void;
  /** Header and open body, perhaps a view of what was given; undefined where it cannot be authenticated. */
  readonly open: (datagram: Uint8Array) => Uint8Array | undefined;
}

/** No protection: whoever reaches the receiver's port can read and write records. */
export const plaintext: Protection = {
  keyId: 0,
  overheadBytes: 0,
  seal: () => undefined,
  open: (datagram) => datagram,
};
