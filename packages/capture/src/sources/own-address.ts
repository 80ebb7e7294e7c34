// Which hardware address an interface has: by it, what this host sent is told from what it received.

import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';

/** The six bytes of the interface's own hardware address; undefined where it has none, or where it cannot be found out. */
export function ownHardwareAddress(interfaceName: string): Uint8Array | undefined {
  const text = networkInterfaces()[interfaceName]?.[0]?.mac ?? readLinuxAddress(interfaceName);
  const bytes = Uint8Array.from((text ?? '').trim().split(':'), (part) => Number.parseInt(part, 16));
  return bytes.length === 6 && bytes.some((byte) => byte !== 0) ? bytes : undefined;
}

/** Node names only interfaces that have an IP address; Linux knows the others too. */
function readLinuxAddress(interfaceName: string): string | undefined {
  try {
    return readFileSync(`/sys/class/net/${interfaceName}/address`, 'latin1');
  } catch {
    // Not Linux, or an interface such as `any` that has no address: the direction stays unknown.
    return undefined;
  }
}
