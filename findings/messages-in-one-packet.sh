#!/usr/bin/env bash
# Debian's tshark 4.0.17; PyPI pyshark 0.6, jq 1.13.0, the capture written by scapy 2.8.0; Python's and Node's JSON
#
# A burst: four messages of a feed reach the client in one TCP segment, with one message before it and one after. tshark
# sees all six. The programs that read its output do not:
# - pyshark's `packet.websocket` is the first of the burst; the others are further layers of the same name. With
#   use_json it is the first too. With use_ek it is a list, and asking for a field by name raises an AttributeError.
# - `-T json` writes the key "websocket" four times in one object, which JSON allows, and Python, Node and jq keep the
#   last. So from one capture two readers get the first of a burst and three the last, without a warning.
# - `-T fields` joins the texts with commas, which the texts contain too: the line is neither JSON nor CSV.
# - `--no-duplicate-keys` gives a list for the burst and an object for the others.
#
# Seen: which of the sequence numbers 1 to 6 are read; 2 to 5 are in one segment.
#   pyshark: 1 2 6
#   pyshark, use_json: 1 2 6
#   pyshark, use_ek: 1 AttributeError 6
#   -T json, Python: 1 5 6
#   -T json, Node: 1 5 6
#   -T json, jq: 1 5 6
#   -T fields, a line: 1 JSONDecodeError 6
#   -T json --no-duplicate-keys, Python: 1 2 3 4 5 6
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
venv/bin/pip install -q --disable-pip-version-check pyshark==0.6 scapy==2.8.0 jq==1.13.0
export LD_LIBRARY_PATH=$work/unpacked/usr/lib/x86_64-linux-gnu HOME=$work

cat > expected <<'EOF'
pyshark: 1 2 6
pyshark, use_json: 1 2 6
pyshark, use_ek: 1 AttributeError 6
-T json, Python: 1 5 6
-T json, Node: 1 5 6
-T json, jq: 1 5 6
-T fields, a line: 1 JSONDecodeError 6
-T json --no-duplicate-keys, Python: 1 2 3 4 5 6
EOF

cat > try.py <<'EOF'
import json, subprocess
import jq, pyshark
from scapy.all import IP, TCP, Ether, wrpcap

TSHARK = "unpacked/usr/bin/tshark"
REQUEST = ("GET /feed HTTP/1.1\r\nHost: feed.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n").encode()
ANSWER = ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n").encode()

def frame(number):
    text = json.dumps({"seq": number, "price": "64000.50"}).encode()
    return bytes([0x81, len(text)]) + text

def capture(name, segments):
    ends = [("192.0.2.1", 40000), ("192.0.2.2", 80)]
    sequence, packets = [1000, 5000], []
    def put(sender, data=b"", flags="PA"):
        (source, sport), (to, dport) = ends[sender], ends[1 - sender]
        ack = 0 if flags == "S" else sequence[1 - sender]
        address = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}
        packets.append(Ether(**address) / IP(src=source, dst=to)
                       / TCP(sport=sport, dport=dport, seq=sequence[sender], ack=ack, flags=flags) / data)
        packets[-1].time = 1767225600 + len(packets) / 100
        sequence[sender] += len(data) + ("S" in flags)
    put(0, flags="S"), put(1, flags="SA"), put(0, flags="A"), put(0, REQUEST), put(1, ANSWER)
    for segment in segments:
        put(1, segment), put(0, flags="A")
    wrpcap(name, packets)

def tshark(*options):
    return subprocess.run([TSHARK, "-r", "feed.pcap", "-Y", "websocket", *options], capture_output=True, text=True, check=True).stdout

def seq(text):
    return json.loads(text)["seq"]

def by_pyshark(text_of, **options):
    file = pyshark.FileCapture("feed.pcap", display_filter="websocket", tshark_path=TSHARK, **options)
    for packet in file:
        try:
            yield seq(text_of(packet.websocket))
        except AttributeError as error:
            yield type(error).__name__
    file.close()

def by_line(lines):
    for line in lines.splitlines():
        try:
            yield seq(line)
        except json.JSONDecodeError as error:
            yield type(error).__name__

def texts(layer):
    return [each["websocket.payload"]["websocket.payload.text"] for each in (layer if isinstance(layer, list) else [layer])]

def by_python(*options):
    for packet in json.loads(tshark("-T", "json", *options)):
        yield from map(seq, texts(packet["_source"]["layers"]["websocket"]))

PATH = '._source.layers.websocket["websocket.payload"]["websocket.payload.text"]'
NODE = """
for (const packet of JSON.parse(require('fs').readFileSync(0)))
  console.log(packet._source.layers.websocket['websocket.payload']['websocket.payload.text'])
"""

def by_node():
    run = subprocess.run(["node", "-e", NODE], input=tshark("-T", "json"), capture_output=True, text=True, check=True)
    return map(seq, run.stdout.splitlines())

capture("feed.pcap", [frame(1), b"".join(map(frame, range(2, 6))), frame(6)])
readers = {
    "pyshark": by_pyshark(lambda layer: layer.payload_text),
    "pyshark, use_json": by_pyshark(lambda layer: layer.payload.text, use_json=True),
    "pyshark, use_ek": by_pyshark(lambda layer: layer.payload.text, use_ek=True),
    "-T json, Python": by_python(),
    "-T json, Node": by_node(),
    "-T json, jq": map(seq, jq.compile(".[] | " + PATH).input_text(tshark("-T", "json")).all()),
    "-T fields, a line": by_line(tshark("-T", "fields", "-e", "websocket.payload.text")),
    "-T json --no-duplicate-keys, Python": by_python("--no-duplicate-keys"),
}
for name, numbers in readers.items():
    print(f"{name}: {' '.join(map(str, numbers))}", flush=True)
EOF

timeout -k 5 100 venv/bin/python try.py 2> errors | tee seen || { cat errors >&2; exit 1; }
diff expected seen && echo "as described"
