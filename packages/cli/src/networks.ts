// Networks and addresses as people type them: which datagrams are taken, and whether anybody else could read them.
import { BlockList, isIP } from 'node:net';
import { parseList } from './quantity.ts';
import { UsageError } from './usage-error.ts';

/** `10.0.0.0/8`, `192.0.2.7`, `2001:db8::/32`, several by comma, each once. Throws UsageError for anything else. */
export function parseNetworks(flag: string, text: string): string[] {
  const networks = parseList(flag, text);
  for (const network of networks) {
    const [, address = '', bits] = /^([0-9a-fA-F:.]+)(?:\/(\d{1,3}))?$/.exec(network) ?? [];
    const version = isIP(address);
    // ::ffff:10.0.0.0/104 is 10.0.0.0/8, and below 96 bits it is no network of IPv4.
    const fewest = /^::ffff:\d+\./i.test(address) ? 96 : 0;
    const most = version === 4 ? 32 : 128;
    if (version !== 0 && (bits === undefined || (Number(bits) >= fewest && Number(bits) <= most))) continue;
    throw new UsageError(`${flag}: "${network}" is neither an address nor a network such as 10.0.0.0/8`);
  }
  return [...new Set(networks)];
}

/** Addresses that are not one machine's. */
const nobodysOwn = new BlockList();
nobodysOwn.addAddress('0.0.0.0');
nobodysOwn.addAddress('255.255.255.255');
nobodysOwn.addSubnet('224.0.0.0', 4);
nobodysOwn.addAddress('::', 'ipv6');
nobodysOwn.addSubnet('ff00::', 8, 'ipv6');

/** Whether this IP address can be that of one machine: it is not the unspecified one, a multicast group, or the broadcast address. Names can. */
export function isOneMachine(host: string): boolean {
  const version = isIP(host);
  return version === 0 || !nobodysOwn.check(host, version === 6 ? 'ipv6' : 'ipv4');
}

/** Whether what is sent to this IP address, or taken at it, stays on this machine: 127.0.0.0/8 and ::1. */
export function isLoopback(address: string): boolean {
  return /^(::ffff:)?127\.\d+\.\d+\.\d+$/i.test(address) || address === '::1';
}
