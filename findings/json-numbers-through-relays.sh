#!/usr/bin/env bash
# PyPI orjson 3.13.0, ujson 6.1.0, msgspec 0.22.0, jq 1.13.0; Python's and Node's own JSON
#
# A valid feed message is read and written again, as a relay or a recorder does. "=" is text that came through
# unchanged.
# - 2^64 as a sequence number: an integer to json, ujson and msgspec, a float to orjson, and other digits from Node.
# - An id of 17 digits: jq (the Python binding) returns ...000 as the value, but ...001 from tojson in the same program,
#   and it distinguishes two ids that it prints alike.
# - 1e400: Infinity (not valid JSON) from json and ujson, null from Node, refused by orjson and msgspec.
# - 1.0 leaves Node as 1. msgspec refuses 1.0 where an int is declared and accepts 1 where a float is, so a relay in
#   Node changes which messages a typed reader accepts. -0 loses its sign everywhere.
#
# Seen: the table under "expected" below.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check orjson==3.13.0 ujson==6.1.0 msgspec==0.22.0 jq==1.13.0

cat > expected <<'EOF'
10000000000000001: json =; orjson =; ujson =; msgspec =; node 10000000000000000
18446744073709551616: json =; orjson 1.8446744073709552e+19; ujson =; msgspec =; node 18446744073709552000
1.0: json =; orjson =; ujson =; msgspec =; node 1
-0: json 0; orjson 0; ujson 0; msgspec 0; node 0
-0.0: json =; orjson =; ujson =; msgspec =; node 0
1e400: json Infinity; orjson refuses; ujson Infinity; msgspec refuses; node null
jq .id: 10000000000000000
jq .id|tojson: 10000000000000001
jq .[0] == .[1], of 10000000000000001 and 10000000000000000: False
jq unique, of 10000000000000001 and 10000000000000000: [10000000000000000, 10000000000000000]
msgspec, field declared int, 1.0: refused
msgspec, field declared float, 1: 1.0
EOF

cat > try.py <<'EOF'
import json, subprocess
import jq, msgspec, orjson, ujson

def by_node(text):
    program = "console.log(JSON.stringify(JSON.parse(process.argv[1])))"
    return subprocess.run(["node", "-e", program, "--", text], capture_output=True, text=True, check=True).stdout.strip()

RELAYS = {
    "json": lambda text: json.dumps(json.loads(text)),
    "orjson": lambda text: orjson.dumps(orjson.loads(text)).decode(),
    "ujson": lambda text: ujson.dumps(ujson.loads(text)),
    "msgspec": lambda text: msgspec.json.encode(msgspec.json.decode(text)).decode(),
    "node": by_node,
}

def through(relay, text):
    try:
        out = relay(text)
    except ValueError:
        return "refuses"
    return "=" if out == text else out

for text in "10000000000000001", "18446744073709551616", "1.0", "-0", "-0.0", "1e400":
    print(text + ":", "; ".join(f"{name} {through(relay, text)}" for name, relay in RELAYS.items()))

message = '{"id":10000000000000001}'
print("jq .id:", jq.compile(".id").input_text(message).first())
print("jq .id|tojson:", jq.compile(".id|tojson").input_text(message).first())
pair = "[10000000000000001,10000000000000000]"
both = "of 10000000000000001 and 10000000000000000:"
print("jq .[0] == .[1],", both, jq.compile(".[0] == .[1]").input_text(pair).first())
print("jq unique,", both, jq.compile("unique").input_text(pair).first())
for kind, text in (int, "1.0"), (float, "1"):
    try:
        seen = repr(msgspec.json.decode(text, type=kind))
    except msgspec.ValidationError:
        seen = "refused"
    print(f"msgspec, field declared {kind.__name__}, {text}: {seen}")
EOF

timeout -k 5 60 venv/bin/python try.py | tee seen
diff expected seen && echo "as described"
