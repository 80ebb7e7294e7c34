// The pcap-filter expression (pcap-filter(7)) for TCP ports.

/**
 * A pcap-filter expression that lets pass TCP over IPv4 and IPv6 with one of the ports on either side; no ports: all
 * TCP. `vlan: true` looks behind up to two VLAN tags too, which compiles for Ethernet only, not for Linux's `any`.
 */
export function portFilter(ports: readonly number[], { vlan = false }: { vlan?: boolean } = {}): string {
  const match = ports.length === 0 ? 'tcp' : ports.map((port) => `tcp port ${port}`).join(' or ');
  // Each `vlan` moves the offsets of all that follows it in the expression by one tag, so the untagged case comes first.
  return vlan ? `${match} or (vlan and (${match} or (vlan and (${match}))))` : match;
}
