// The header of a gzip member, byte by byte, so that it may be cut anywhere; none of it is kept. RFC 1952, section 2.3.

const magic = [0x1f, 0x8b] as const;
const deflate = 8;
const flagBits = { headerChecksum: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 } as const;
const fixedLength = 10;
const place = { method: 2, flags: 3 } as const;

/** Whether a file begins with a gzip member. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === magic[0] && bytes[1] === magic[1];
}

/** Finds the end of one header. */
export class GzipHeader {
  /** How many bytes were taken. */
  #count = 0;
  #flags = 0;
  /** Of the extra field: its two length bytes, then how much of it is to come. */
  #extraLengthBytes = 2;
  #extraLength = 0;
  #checksumBytes = 2;

  /** Takes the next byte. `whole`: it was the last one; `not-gzip`: there is no header, or one of another kind. */
  take(byte: number): 'more' | 'whole' | 'not-gzip' {
    const at = this.#count;
    this.#count++;
    if (at < fixedLength) {
      if (at < magic.length && byte !== magic[at]) return 'not-gzip';
      if (at === place.method && byte !== deflate) return 'not-gzip';
      if (at === place.flags && (byte & flagBits.reserved) !== 0) return 'not-gzip';
      if (at === place.flags) this.#flags = byte;
      return at === fixedLength - 1 && this.#isWhole() ? 'whole' : 'more';
    }
    this.#takeOptional(byte);
    return this.#isWhole() ? 'whole' : 'more';
  }

  /** The optional parts in their order; the flag of each goes when its last byte has come. */
  #takeOptional(byte: number): void {
    if ((this.#flags & flagBits.extra) !== 0) {
      if (this.#extraLengthBytes > 0) {
        this.#extraLength |= byte << (this.#extraLengthBytes === 2 ? 0 : 8);
        this.#extraLengthBytes--;
      } else {
        this.#extraLength--;
      }
      if (this.#extraLengthBytes === 0 && this.#extraLength === 0) this.#flags &= ~flagBits.extra;
    } else if ((this.#flags & flagBits.name) !== 0) {
      if (byte === 0) this.#flags &= ~flagBits.name;
    } else if ((this.#flags & flagBits.comment) !== 0) {
      if (byte === 0) this.#flags &= ~flagBits.comment;
    } else {
      this.#checksumBytes--;
      if (this.#checksumBytes === 0) this.#flags &= ~flagBits.headerChecksum;
    }
  }

  #isWhole(): boolean {
    return (this.#flags & (flagBits.extra | flagBits.name | flagBits.comment | flagBits.headerChecksum)) === 0;
  }
}
