#!/usr/bin/env bash
# Debian's tshark 4.0.17 (bookworm); PyPI websockets 17.4 as server and client, the capture written by scapy 2.8.0
#
# A server sends six messages, one of them possibly in fragments, and the client gets all six. The traffic is made into
# a capture, which tshark reads with exit status 0.
# - If the last fragment is empty, the message is missing. `send` of websockets ends a list or generator that way.
# - If the connection is compressed, tshark does not inflate the fragments, but shows them as they are. What follows
#   refers back to them, so it is inflated with the wrong history: here the price goes from 64000.50 to 71234.25 in the
#   fragmented message, and the next two are shown as valid JSON with the old price, which the server did not send
#   again. If the first message is the fragmented one, tshark has no text for any of the others.
#
# Seen, as number:price, "?" for text that is not JSON: the table under "expected" below.
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
venv/bin/pip install -q --disable-pip-version-check scapy==2.8.0 websockets==17.4
export LD_LIBRARY_PATH=$work/unpacked/usr/lib/x86_64-linux-gnu HOME=$work

cat > expected <<'EOF'
client, each time: 1:64000.50 2:64000.50 3:64000.50 4:71234.25 5:71234.25 6:71234.25
tshark, plain, no fragments: 1:64000.50 2:64000.50 3:64000.50 4:71234.25 5:71234.25 6:71234.25
tshark, plain, 4 in fragments: 1:64000.50 2:64000.50 3:64000.50 4:71234.25 5:71234.25 6:71234.25
tshark, plain, 4 in fragments, the last one empty: 1:64000.50 2:64000.50 3:64000.50 5:71234.25 6:71234.25
tshark, plain, 1 in fragments: 1:64000.50 2:64000.50 3:64000.50 4:71234.25 5:71234.25 6:71234.25
tshark, compressed, no fragments: 1:64000.50 2:64000.50 3:64000.50 4:71234.25 5:71234.25 6:71234.25
tshark, compressed, 4 in fragments: 1:64000.50 2:64000.50 3:64000.50 ? 5:64000.50 6:64000.50
tshark, compressed, 4 in fragments, the last one empty: 1:64000.50 2:64000.50 3:64000.50 ? 5:64000.50 6:64000.50
tshark, compressed, 1 in fragments: ?
EOF

cat > try.py <<'EOF'
import asyncio, json, subprocess
from scapy.all import IP, TCP, Ether, wrpcap
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

TSHARK = "unpacked/usr/bin/tshark"
PRICES = ["64000.50", "64000.50", "64000.50", "71234.25", "71234.25", "71234.25"]
# By the number of the message that is sent in fragments, and by what the last of them holds.
CASES = [("no fragments", None, None), ("4 in fragments", 4, "text"), ("4 in fragments, the last one empty", 4, None),
         ("1 in fragments", 1, "text")]

async def send(connection, message, last):
    if last is None:
        # `send` ends every such message with an empty one.
        await connection.send([message[:20], message[20:]])
    else:
        connection.protocol.send_text(message[:20].encode(), fin=False)
        connection.protocol.send_continuation(message[20:].encode(), fin=True)
        connection.send_data()

async def record(compression, fragmented, last):
    """What the client gets, and the bytes of both sides in the order in which they passed."""
    async def feed(connection):
        for number, price in enumerate(PRICES, 1):
            message = json.dumps({"seq": number, "symbol": "BTC-USD", "price": price})
            await (send(connection, message, last) if number == fragmented else connection.send(message))
            await asyncio.sleep(0.02) # so that each message has a segment of its own

    passed = []
    async def relay(reader, writer):
        upstream, to = await asyncio.open_connection(*server.sockets[0].getsockname())
        async def pump(sender, source, target):
            while data := await source.read(65536):
                passed.append((sender, data))
                target.write(data)
            target.close()
        await asyncio.gather(pump(0, reader, to), pump(1, upstream, writer))

    async with serve(feed, "127.0.0.1", 0, compression=compression) as server:
        async with await asyncio.start_server(relay, "127.0.0.1", 0) as between:
            async with connect("ws://127.0.0.1:%d/" % between.sockets[0].getsockname()[1], proxy=None) as connection:
                return [message async for message in connection], passed

def capture(passed):
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
    put(0, flags="S"), put(1, flags="SA"), put(0, flags="A")
    for sender, data in passed:
        put(sender, data), put(1 - sender, flags="A")
    wrpcap("feed.pcap", packets)

def tshark(*options):
    return subprocess.run([TSHARK, "-r", "feed.pcap", *options], capture_output=True, text=True, errors="replace", check=True).stdout

def told(text):
    try:
        message = json.loads(text)
        return f"{message['seq']}:{message['price']}"
    except json.JSONDecodeError:
        return "?"

def texts(node):
    """Those of a packet, however many frames it holds."""
    for key, value in node.items() if isinstance(node, dict) else ():
        for each in value if isinstance(value, list) else [value]:
            if key == "websocket.payload.text":
                yield each
            yield from texts(each)

def by_tshark():
    for packet in json.loads(tshark("-Y", "websocket", "-T", "json", "--no-duplicate-keys")):
        yield from map(told, texts(packet["_source"]["layers"]))

received = set()
seen = []
for kind, compression in {"plain": None, "compressed": "deflate"}.items():
    for case, *fragments in CASES:
        got, passed = asyncio.run(record(compression, *fragments))
        received.add(" ".join(map(told, got)))
        capture(passed)
        seen.append(f"tshark, {kind}, {case}: {' '.join(by_tshark())}")
print(f"client, each time: {' or '.join(received)}", *seen, sep="\n")
EOF

timeout -k 5 100 venv/bin/python try.py 2> errors | tee seen || { cat errors >&2; exit 1; }
diff expected seen && echo "as described"
