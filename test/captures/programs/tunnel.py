"""An end of a tunnel in user space, for kernels without the module: tunnel.py KIND LOCAL REMOTE INTERFACE.

It makes the TUN interface gor0; what is routed into it leaves as KIND to REMOTE, and the reverse. The outer packets are
made by the kernel (raw and UDP sockets), so they are fragmented as the route says; Ethernet kinds leave by INTERFACE.
`reorder` is no tunnel: bare IP over UDP port 9999, in which of four packets the first leaves last and the second twice.
"""
import fcntl
import os
import select
import socket
import struct
import sys

KIND, LOCAL, REMOTE, INTERFACE = sys.argv[1:5]
IS_V6 = ":" in LOCAL
FAMILY = socket.AF_INET6 if IS_V6 else socket.AF_INET
SERVER_MAC, CLIENT_MAC = bytes.fromhex("020000000002"), bytes.fromhex("020000000001")


def ethertype_of(packet):
    return 0x86DD if packet[0] >> 4 == 6 else 0x0800


# Each kind: protocol or port, what stands before the inner packet, how many bytes of it to take off again.
RAW = {  # IP protocol number
    "ipip": (4, lambda p: b"", 0),  # RFC 2003; over IPv6 RFC 2473
    "ip6": (41, lambda p: b"", 0),  # RFC 4213; over IPv6 RFC 2473
    "gre": (47, lambda p: struct.pack("!HH", 0, ethertype_of(p)), 4),  # RFC 2784
    "gre-key": (47, lambda p: struct.pack("!HHII", 0x3000, ethertype_of(p), 7, 1), 12),  # RFC 2890: key and sequence
}
UDP = {  # port
    "geneve": (6081, lambda p: struct.pack("!BBHI", 0, 0, ethertype_of(p), 5 << 8), 8),  # RFC 8926
    "geneve-options": (6081, lambda p: struct.pack("!BBHIHBBI", 2, 0, ethertype_of(p), 5 << 8, 0x0101, 0x80, 1, 42), 16),
    "teredo": (3544, lambda p: b"", 0),  # RFC 4380
    "reorder": (9999, lambda p: b"", 0),
}
ETHERNET = {
    "vlan": lambda p: struct.pack("!HHH", 0x8100, 5, ethertype_of(p)),  # IEEE 802.1Q
    "qinq": lambda p: struct.pack("!HHHHH", 0x88A8, 5, 0x8100, 6, ethertype_of(p)),  # IEEE 802.1ad
    "mpls": lambda p: struct.pack("!HII", 0x8847, (16 << 12) | 64, (17 << 12) | 0x100 | 64),  # RFC 3032: two labels
    "pppoe": lambda p: struct.pack("!HBBHHH", 0x8864, 0x11, 0, 9, len(p) + 2, 0x57 if p[0] >> 4 == 6 else 0x21),  # RFC 2516
}


def open_socket():
    """The socket to the other end, and how a packet is sent and taken."""
    if KIND in RAW:
        number, before, length = RAW[KIND]
        outer = socket.socket(FAMILY, socket.SOCK_RAW, number)
        may_fragment(outer)
        outer.bind((LOCAL, 0))
        received_head = 0 if IS_V6 else 20  # IPv4 raw sockets give the IP header too
        return outer, lambda p: outer.sendto(before(p) + p, (REMOTE, 0)), lambda m: m[received_head + length :]
    if KIND in UDP:
        port, before, length = UDP[KIND]
        outer = socket.socket(FAMILY, socket.SOCK_DGRAM)
        may_fragment(outer)
        outer.bind((LOCAL, port))
        return outer, lambda p: outer.sendto(before(p) + p, (REMOTE, port)), lambda m: m[length:]
    outer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
    outer.bind((INTERFACE, 0x0003))
    me, other = (CLIENT_MAC, SERVER_MAC) if LOCAL.endswith("1") else (SERVER_MAC, CLIENT_MAC)
    shortest = ETHERNET[KIND](b"\x45" + bytes(39))
    is_ours = lambda m: m[:6] == me and m[12:14] == shortest[:2]
    # The kernel takes the outer VLAN tag out of what AF_PACKET gives.
    length = len(shortest)
    if KIND in ("vlan", "qinq"):
        is_ours = lambda m: m[:6] == me and (m[12:14] in (b"\x08\x00", b"\x86\xdd") if KIND == "vlan" else m[12:14] == b"\x81\x00")
        length -= 4
    return outer, lambda p: outer.send(other + me + ETHERNET[KIND](p) + p), lambda m: m[12 + length :] if is_ours(m) else b""


def may_fragment(outer):
    outer.setsockopt(*((socket.IPPROTO_IPV6, 23, 0) if IS_V6 else (socket.IPPROTO_IP, 10, 0)))  # IP(V6)_MTU_DISCOVER: DONT


held = []


def reordered(packet):
    """The order in which packets leave, where order is to be broken."""
    if KIND != "reorder" or len(packet) < 200:
        return [packet]
    held.append(packet)
    if len(held) < 4:
        return []
    first, second, third, fourth = held
    held.clear()
    return [second, fourth, third, first, second]


tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH", b"gor0", 0x0001 | 0x1000))  # TUNSETIFF: IFF_TUN, IFF_NO_PI
outer, send, take = open_socket()
print("ready", flush=True)
while True:
    ready, _, _ = select.select([tun, outer], [], [], 0.03)
    if not ready and held:
        for packet in reversed(held):
            send(packet)
        held.clear()
    if tun in ready:
        for packet in reordered(os.read(tun, 65536)):
            send(packet)
    if outer in ready:
        packet = take(outer.recv(65536))
        try:
            os.write(tun, packet)
        except OSError:  # it is not up yet, or this is no IP packet
            pass
