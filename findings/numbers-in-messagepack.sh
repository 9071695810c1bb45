#!/usr/bin/env bash
# npm @msgpack/msgpack 3.1.3, msgpackr 2.1.4, msgpack-lite 0.2.2, notepack.io 3.0.1, msgpack5 6.1.0;
# PyPI msgpack 1.2.4, msgspec 0.22.0, u-msgpack-python 2.8.0, ormsgpack 1.13.1
#
# A relay or recorder decodes a MessagePack message and encodes it again, with each library's two functions at their defaults. The
# result is valid MessagePack but another message. It holds the sequence number 2^53 + 1, the order id 2^64 - 1, the price 64000.0, a
# time with nanoseconds (the specification's timestamp) and a book of two levels with integer keys, the best first.
# - notepack.io turns the id into 0; so does its 2.2.0, which socket.io-msgpack-parser uses. @msgpack/msgpack (and its 2.8.0, which
#   SignalR's MessagePack protocol uses), msgpack-lite and msgpack5 turn both numbers into floats, and the sequence number is then one
#   less. msgpackr keeps both.
# - All five JavaScript libraries turn the price into the integer 64000.
# - @msgpack/msgpack, msgpackr, notepack.io and msgpack5 cut the time to milliseconds, u-msgpack to microseconds. msgspec rounds it to
#   microseconds, here upwards.
# - Four turn the keys into text and reverse the levels, because JavaScript sorts keys that look like an index.
# - ormsgpack refuses the time and the keys, msgpack the keys, unless told to accept them.
#
# Seen:
#   @msgpack/msgpack: seq 9007199254740992.0; id 18446744073709551616.0; price 64000; time .123000000; book "100", "101"
#   msgpackr: seq kept; id kept; price 64000; time .123000000; book "100", "101"
#   msgpack-lite: seq 9007199254740992.0; id 18446744073709551616.0; price 64000; time kept; book "100", "101"
#   notepack.io: seq 9007199254740992; id 0; price 64000; time .123000000; book "100", "101"
#   msgpack5: seq 9007199254740992.0; id 18446744073709551616.0; price 64000; time .123000000; book kept
#   msgpack (Python): seq kept; id kept; price kept; time kept; book ValueError
#   msgspec: seq kept; id kept; price kept; time .123457000; book kept
#   u-msgpack-python: seq kept; id kept; price kept; time .123456000; book kept
#   ormsgpack: seq kept; id kept; price kept; time ValueError; book ValueError
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check msgpack==1.2.4 msgspec==0.22.0 u-msgpack-python==2.8.0 ormsgpack==1.13.1
npm install --silent --no-audit --no-fund --ignore-scripts @msgpack/msgpack@3.1.3 msgpackr@2.1.4 msgpack-lite@0.2.2 notepack.io@3.0.1 \
  msgpack5@6.1.0

cat > expected <<'EOF'
@msgpack/msgpack: seq 9007199254740992.0; id 18446744073709551616.0; price 64000; time .123000000; book "100", "101"
msgpackr: seq kept; id kept; price 64000; time .123000000; book "100", "101"
msgpack-lite: seq 9007199254740992.0; id 18446744073709551616.0; price 64000; time kept; book "100", "101"
notepack.io: seq 9007199254740992; id 0; price 64000; time .123000000; book "100", "101"
msgpack5: seq 9007199254740992.0; id 18446744073709551616.0; price 64000; time .123000000; book kept
msgpack (Python): seq kept; id kept; price kept; time kept; book ValueError
msgspec: seq kept; id kept; price kept; time .123457000; book kept
u-msgpack-python: seq kept; id kept; price kept; time .123456000; book kept
ormsgpack: seq kept; id kept; price kept; time ValueError; book ValueError
EOF

# Decodes the message on its standard input, and writes it encoded again.
cat > relay.cjs <<'EOF'
const name = process.argv[2]
const library = name === 'msgpack5' ? require(name)() : require(name)
const message = require('node:fs').readFileSync(0)
process.stdout.write((library.pack ?? library.encode)((library.unpack ?? library.decode)(message)).slice())
EOF

cat > try.py <<'EOF'
import functools, subprocess
import msgpack, msgspec, ormsgpack, umsgpack

MESSAGES = {
    "seq": 2**53 + 1,
    "id": 2**64 - 1,
    "price": 64000.0,
    "time": msgpack.Timestamp(1767225600, 123456789),
    "book": {101: "1.5", 100: "2.5"},
}

def by_node(name, data):
    return subprocess.run(["node", "relay.cjs", name], input=data, capture_output=True, check=True).stdout

relays = {name: functools.partial(by_node, name) for name in ["@msgpack/msgpack", "msgpackr", "msgpack-lite", "notepack.io", "msgpack5"]} | {
    "msgpack (Python)": lambda data: msgpack.packb(msgpack.unpackb(data)),
    "msgspec": lambda data: msgspec.msgpack.encode(msgspec.msgpack.decode(data)),
    "u-msgpack-python": lambda data: umsgpack.packb(umsgpack.unpackb(data)),
    "ormsgpack": lambda data: ormsgpack.packb(ormsgpack.unpackb(data)),
}

def became(value, relay):
    try:
        data = relay(msgpack.packb(value))
    except Exception as error:
        return type(error).__name__
    after = msgpack.unpackb(data, strict_map_key=False)
    if isinstance(after, dict):
        return "kept" if list(after.items()) == list(value.items()) else ", ".join(f'"{key}"' if isinstance(key, str) else str(key) for key in after)
    if type(after) is type(value) and after == value:
        return "kept"
    if isinstance(after, msgpack.Timestamp):
        return f".{after.nanoseconds:09}"
    return f"{after:.1f}" if isinstance(after, float) else str(after)

for name, relay in relays.items():
    print(f"{name}: {'; '.join(f'{field} {became(value, relay)}' for field, value in MESSAGES.items())}", flush=True)
EOF

timeout -k 5 100 venv/bin/python try.py | tee seen
diff expected seen && echo "as described"
