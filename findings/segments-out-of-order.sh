#!/usr/bin/env bash
# Debian's tshark 4.0.17; PyPI pyshark 0.6, captures written by scapy 2.8.0
#
# Captures of one feed, twenty messages of 403 bytes in segments of 1000, as TCP cuts a busy stream. In some a segment
# comes late, as on any real network: overtaken by the next one, lost on its way and sent again, or sent again together
# with new data. The client's TCP put the segments in order, and the client got all twenty messages.
# Wireshark's setting for this, tcp.reassemble_out_of_order, is off by default. At a late segment tshark loses the frame
# boundaries, and takes the start of later segments for headers. From there to the end of the connection hardly a
# message appears, though the file has every byte. If each message has its own segment, only the late one is missing.
# The exit status is 0, and nothing is on standard error. pyshark runs tshark, so it does the same.
# With the setting, and in what `-z follow,tcp,raw` prints, all is there. If the capture itself missed a segment, the
# setting doesn't help, and follow,tcp has the messages that are whole.
#
# Seen, how many of 20 messages:
#   in order: tshark 20, pyshark 20, with the setting 20, in follow,tcp 20
#   two segments change places: tshark 2, pyshark 2, with the setting 20, in follow,tcp 20
#   a segment is lost and sent again: tshark 4, pyshark 4, with the setting 20, in follow,tcp 20
#   sent again with what is new: tshark 4, pyshark 4, with the setting 20, in follow,tcp 20
#   two segments of a message each change places: tshark 19, pyshark 19, with the setting 20, in follow,tcp 20
#   the capture has missed a segment: tshark 2, pyshark 2, with the setting 2, in follow,tcp 17
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # apt-get downloads as a user of its own
cd "$work"
apt-get -qq download 'tshark=4.0.17*' 'libwireshark16=4.0.17*' 'libwiretap13=4.0.17*' 'libwsutil14=4.0.17*' libwireshark-data \
  libbrotli1 libc-ares2 libdbus-1-3 libglib2.0-0 libicu72 liblua5.2-0 liblz4-1 libnghttp2-14 libpcap0.8 libpcre2-8-0 \
  libsmi2ldbl libsnappy1v5 libxml2 2> log || { cat log >&2; exit 2; }
for package in *.deb; do dpkg -x "$package" unpacked; done
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check pyshark==0.6 scapy==2.8.0
export LD_LIBRARY_PATH=$work/unpacked/usr/lib/x86_64-linux-gnu HOME=$work

cat > expected <<'EOF'
in order: tshark 20, pyshark 20, with the setting 20, in follow,tcp 20
two segments change places: tshark 2, pyshark 2, with the setting 20, in follow,tcp 20
a segment is lost and sent again: tshark 4, pyshark 4, with the setting 20, in follow,tcp 20
sent again with what is new: tshark 4, pyshark 4, with the setting 20, in follow,tcp 20
two segments of a message each change places: tshark 19, pyshark 19, with the setting 20, in follow,tcp 20
the capture has missed a segment: tshark 2, pyshark 2, with the setting 2, in follow,tcp 17
EOF

cat > try.py <<'EOF'
import json, re, subprocess
import pyshark
from scapy.all import IP, TCP, Ether, wrpcap

TSHARK = "unpacked/usr/bin/tshark"
REQUEST = ("GET /feed HTTP/1.1\r\nHost: feed.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n").encode()
ANSWER = ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n").encode()

LENGTH = 399  # of a message; a frame has four bytes more

def message(number):
    levels = [[f"{64000 + number - level}.50", f"0.{1000 + 37 * number + level}"] for level in range(15)]
    text = json.dumps({"seq": number, "bids": levels}).ljust(LENGTH).encode()
    return bytes([0x81, 126]) + len(text).to_bytes(2, "big") + text

STREAM = b"".join(message(number) for number in range(20))

def packet(from_server, seq, ack, data=b"", flags="PA"):
    ends = [("192.0.2.1", 40000), ("192.0.2.2", 80)]
    (source, sport), (to, dport) = reversed(ends) if from_server else ends
    address = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}
    return Ether(**address) / IP(src=source, dst=to) / TCP(sport=sport, dport=dport, seq=seq, ack=ack, flags=flags) / data

def capture(name, segments, missed):
    """Writes a handshake and the segments, each from one place of STREAM to another, and the client's acknowledgements."""
    asked, answered = 1001 + len(REQUEST), 5001 + len(ANSWER)
    packets = [packet(False, 1000, 0, flags="S"), packet(True, 5000, 1001, flags="SA"), packet(False, 1001, 5001, flags="A"),
               packet(False, 1001, 5001, REQUEST), packet(True, 5001, asked, ANSWER)]
    got = set()
    for begin, end in segments:
        got.update(range(begin, end))
        whole = next((place for place in range(len(STREAM)) if place not in got), len(STREAM))
        packets += [packet(True, answered + begin, asked, STREAM[begin:end]),
                    packet(False, asked, answered + (end if missed else whole), flags="A")]
    for number, each in enumerate(packets):
        each.time = 1767225600 + number / 100
    wrpcap(name, packets)

def by_tshark(name, *options):
    run = subprocess.run([TSHARK, *options, "-r", name, "-Y", "websocket", "-T", "fields", "-e", "websocket.payload.text"],
                         capture_output=True, text=True, check=True)
    said = [line for line in run.stderr.splitlines() if "root" not in line]
    assert not said, said
    return len(set(re.findall(r'"seq": (\d+)', run.stdout)))

def by_pyshark(name):
    file = pyshark.FileCapture(name, display_filter="websocket", tshark_path=TSHARK)
    layers = [layer for each in file for layer in each.layers if layer.layer_name == "websocket"]
    file.close()
    return len({layer.get_field("payload_text") for layer in layers} - {None})

def by_follow(name):
    lines = subprocess.run([TSHARK, "-r", name, "-q", "-z", "follow,tcp,raw,0"], capture_output=True, text=True, check=True).stdout
    hex_lines = re.findall(r"^\t?([0-9a-f]+)$", lines, re.M)
    # What the capture missed is a line of text there, in hex too: a message containing it isn't whole.
    return len(set(re.findall(rb'\{"seq": (\d+), [^}]*\}', bytes.fromhex("".join(hex_lines)))))

even = [(begin, min(begin + 1000, len(STREAM))) for begin in range(0, len(STREAM), 1000)]
single = [(begin, begin + 403) for begin in range(0, len(STREAM), 403)]
changed = [even[0], even[2], even[1], *even[3:]]
cases = {
    "in order": even,
    "two segments change places": changed,
    "a segment is lost and sent again": [even[0], *even[2:5], even[1], *even[5:]],
    "sent again with what is new": [even[0], even[1], (1000, 3000), *even[3:]],
    "two segments of a message each change places": [single[0], single[2], single[1], *single[3:]],
    "the capture has missed a segment": [even[0], *even[2:]],
}
for case, segments in cases.items():
    capture("feed.pcap", segments, "missed" in case)
    setting = by_tshark("feed.pcap", "-o", "tcp.reassemble_out_of_order:TRUE")
    print(f"{case}: tshark {by_tshark('feed.pcap')}, pyshark {by_pyshark('feed.pcap')}, "
          f"with the setting {setting}, in follow,tcp {by_follow('feed.pcap')}", flush=True)
EOF

timeout -k 5 100 venv/bin/python try.py 2> errors | tee seen || { cat errors >&2; exit 1; }
diff expected seen && echo "as described"
