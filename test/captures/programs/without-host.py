"""Takes out of a pcapng file what it says of the machine: hardware and system. without-host.py FILE."""
import struct
import sys

SECTION, INTERFACE = 0x0A0D0D0A, 1
# https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html: shb_hardware, shb_os; if_os, if_hardware
TOLD = {SECTION: (2, 3), INTERFACE: (12, 15)}
OPTIONS_AT = {SECTION: 24, INTERFACE: 16}


def without(block):
    kind = struct.unpack_from("<I", block)[0]
    if kind not in TOLD:
        return block
    kept, at, end = block[: OPTIONS_AT[kind]], OPTIONS_AT[kind], len(block) - 4
    while at < end:
        code, length = struct.unpack_from("<HH", block, at)
        following = at + 4 + (length + 3) // 4 * 4
        if code not in TOLD[kind]:
            kept += block[at:following]
        at = following
    total = struct.pack("<I", len(kept) + 4)
    return kept[:4] + total + kept[8:] + total


with open(sys.argv[1], "rb") as file:
    data = file.read()
blocks, at = [], 0
while at < len(data):
    length = struct.unpack_from("<I", data, at + 4)[0]
    blocks.append(without(data[at : at + length]))
    at += length
with open(sys.argv[1], "wb") as file:
    file.write(b"".join(blocks))
