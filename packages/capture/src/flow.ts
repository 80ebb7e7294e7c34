// The key of a flow (one direction of one TCP connection), and what it says in text. Text is made once a connection.

const ipv4KeyLength = 12;
const ipv4Length = 4;
const ipv6Length = 16;
const portLength = 2;

/** One end of a connection. */
export interface Endpoint {
  /** Dotted IPv4, or IPv6 in the form of RFC 5952, without brackets. */
  readonly address: string;
  readonly port: number;
}

/**
 * The key of a flow: Latin-1 text of the bytes of source address, source port, destination address, destination port.
 * The addresses stand in the bytes one behind the other from `addressesAt`, the ports from `portsAt`.
 */
export function flowKey(bytes: Uint8Array, addressesAt: number, addressLength: number, portsAt: number): string {
  if (addressLength === ipv4Length) {
    const a = addressesAt;
    const p = portsAt;
    // biome-ignore format: source and destination, a line each
    return String.fromCharCode(
      bytes[a]!, bytes[a + 1]!, bytes[a + 2]!, bytes[a + 3]!, bytes[p]!, bytes[p + 1]!,
      bytes[a + 4]!, bytes[a + 5]!, bytes[a + 6]!, bytes[a + 7]!, bytes[p + 2]!, bytes[p + 3]!,
    );
  }
  return ipv6FlowKey(bytes, addressesAt, portsAt);
}

/** By itself, so that the one above stays short enough to be compiled into its caller. */
function ipv6FlowKey(bytes: Uint8Array, addressesAt: number, portsAt: number): string {
  const destinationAt = addressesAt + ipv6Length;
  return (
    eightBytes(bytes, addressesAt) +
    eightBytes(bytes, addressesAt + 8) +
    String.fromCharCode(bytes[portsAt]!, bytes[portsAt + 1]!) +
    eightBytes(bytes, destinationAt) +
    eightBytes(bytes, destinationAt + 8) +
    String.fromCharCode(bytes[portsAt + 2]!, bytes[portsAt + 3]!)
  );
}

/** The key of the same connection's other direction. */
export function reverseFlow(flow: string): string {
  const half = flow.length / 2;
  return flow.slice(half) + flow.slice(0, half);
}

/** Where a flow comes from. */
export function flowSource(flow: string): Endpoint {
  return endpoint(flow.slice(0, flow.length / 2));
}

/** Where a flow goes to. */
export function flowDestination(flow: string): Endpoint {
  return endpoint(flow.slice(flow.length / 2));
}

function endpoint(half: string): Endpoint {
  const portAt = half.length - portLength;
  const port = half.charCodeAt(portAt) * 256 + half.charCodeAt(portAt + 1);
  const address = half.slice(0, portAt);
  return { address: half.length * 2 === ipv4KeyLength ? ipv4Text(address) : ipv6Text(address), port };
}

function ipv4Text(address: string): string {
  return Array.from(address, (byte) => byte.charCodeAt(0)).join('.');
}

/** RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups as `::`. */
function ipv6Text(address: string): string {
  const groups = Array.from({ length: ipv6Length / 2 }, (_, index) =>
    (address.charCodeAt(index * 2) * 256 + address.charCodeAt(index * 2 + 1)).toString(16),
  );
  let longestAt = 0;
  let longest = 1;
  for (let at = 0; at < groups.length; at++) {
    let length = 0;
    while (groups[at + length] === '0') length++;
    if (length > longest) [longestAt, longest] = [at, length];
  }
  if (longest === 1) return groups.join(':');
  return `${groups.slice(0, longestAt).join(':')}::${groups.slice(longestAt + longest).join(':')}`;
}

function eightBytes(bytes: Uint8Array, at: number): string {
  // biome-ignore format: one line is easier to check
  return String.fromCharCode(
    bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!, bytes[at + 4]!, bytes[at + 5]!, bytes[at + 6]!, bytes[at + 7]!,
  );
}
