#!/usr/bin/env bash
# PyPI dpkt 1.9.8, scapy 2.8.0, python-pcapng 2.1.1
#
# Each interface of a pcapng file has a clock of its own: a resolution (if_tsresol, microseconds if absent) and an
# offset in seconds to add (if_tsoffset). Merging captures creates files with two interfaces of different resolution.
# - dpkt uses the first interface's resolution for all: a packet of the second one, taken in the same microsecond, gets
#   a time a thousand times as large.
# - scapy and python-pcapng ignore the offset: here the packet is an hour early. dpkt adds it.
#
# Seen:
#   two resolutions, both packets at 1700000000.25: dpkt 1700000000.25 1700000000250.00
#   two resolutions, both packets at 1700000000.25: scapy 1700000000.25 1700000000.25
#   two resolutions, both packets at 1700000000.25: python-pcapng 1700000000.25 1700000000.25
#   offset of an hour, packet at 1700000000.25: dpkt 1700000000.25
#   offset of an hour, packet at 1700000000.25: scapy 1699996400.25
#   offset of an hour, packet at 1700000000.25: python-pcapng 1699996400.25
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check dpkt==1.9.8 scapy==2.8.0 python-pcapng==2.1.1

cat > expected <<'EOF'
two resolutions, both packets at 1700000000.25: dpkt 1700000000.25 1700000000250.00
two resolutions, both packets at 1700000000.25: scapy 1700000000.25 1700000000.25
two resolutions, both packets at 1700000000.25: python-pcapng 1700000000.25 1700000000.25
offset of an hour, packet at 1700000000.25: dpkt 1700000000.25
offset of an hour, packet at 1700000000.25: scapy 1699996400.25
offset of an hour, packet at 1700000000.25: python-pcapng 1699996400.25
EOF

cat > try.py <<'EOF'
import struct
import dpkt
from pcapng import FileScanner
from pcapng.blocks import EnhancedPacket
from scapy.utils import rdpcap

def block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)

def option(code, value):
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)

def section():
    return block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))

def interface(*options):
    ended = b"".join(options) + option(0, b"") if options else b""
    return block(1, struct.pack("<HHI", 1, 0, 65535) + ended)

def packet(index, ticks):
    frame = bytes(12) + b"\x08\x00" + bytes(46)
    return block(6, struct.pack("<IIIII", index, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame)) + frame)

NANOSECONDS = option(9, b"\x09")
AT = 1700000000

files = {
    "two resolutions, both packets at 1700000000.25":
        section() + interface() + interface(NANOSECONDS)
        + packet(0, AT * 10**6 + 250_000) + packet(1, AT * 10**9 + 250_000_000),
    "offset of an hour, packet at 1700000000.25":
        section() + interface(option(14, struct.pack("<q", 3600))) + packet(0, (AT - 3600) * 10**6 + 250_000),
}

for what, data in files.items():
    with open("a.pcapng", "wb") as f:
        f.write(data)
    with open("a.pcapng", "rb") as f:
        print(what + ": dpkt", *[f"{at:.2f}" for at, _ in dpkt.pcapng.Reader(f)])
    print(what + ": scapy", *[f"{p.time:.2f}" for p in rdpcap("a.pcapng")])
    with open("a.pcapng", "rb") as f:
        print(what + ": python-pcapng", *[f"{b.timestamp:.2f}" for b in FileScanner(f) if isinstance(b, EnhancedPacket)])
EOF

timeout -k 5 60 venv/bin/python try.py | tee seen
diff expected seen && echo "as described"
