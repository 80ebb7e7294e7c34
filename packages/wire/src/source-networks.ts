// The networks whose datagrams a receiver takes. An IPv4 address in IPv6 (RFC 4291 §2.5.5.2) counts as IPv4.

import { BlockList, isIP } from 'node:net';

const MAX_REMEMBERED = 64;
const MAPPED = /^::ffff:(?=\d+\.)/i;
const MAPPED_BITS = 96;

/** Some networks. */
export class SourceNetworks {
  readonly #list = new BlockList();
  /** The last addresses that were looked up. */
  readonly #known = new Map<string, boolean>();

  /** Each as `10.0.0.0/8`, `2001:db8::/32`, or one address; throws a TypeError that names what is none. */
  constructor(networks: readonly string[]) {
    for (const network of networks) this.#add(network);
  }

  /** Whether the address, as node:dgram gives it, lies in one of the networks. */
  has(address: string): boolean {
    const known = this.#known.get(address);
    if (known !== undefined) return known;
    const plain = address.replace(/%.*$/, '').replace(MAPPED, '');
    const family = isIP(plain);
    const isIn = family !== 0 && this.#list.check(plain, family === 6 ? 'ipv6' : 'ipv4');
    if (this.#known.size >= MAX_REMEMBERED) this.#known.clear();
    this.#known.set(address, isIn);
    return isIn;
  }

  #add(network: string): void {
    const [, given = '', length] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(network) ?? [];
    const plain = given.replace(MAPPED, '');
    const family = isIP(plain);
    const addressBits = family === 6 ? 128 : 32;
    const skippedBits = plain === given ? 0 : MAPPED_BITS;
    const bits = length === undefined ? addressBits : Number(length) - skippedBits;
    if (family === 0 || bits < 0 || bits > addressBits) {
      throw new TypeError(
        `from must be networks as 10.0.0.0/8 or 2001:db8::/32, or addresses, not ${JSON.stringify(network)}`,
      );
    }
    this.#list.addSubnet(plain, bits, family === 6 ? 'ipv6' : 'ipv4');
  }
}
