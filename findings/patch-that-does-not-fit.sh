#!/usr/bin/env bash
# npm fast-json-patch 3.1.1, rfc6902 5.4.0; PyPI jsonpatch 1.48
#
# Three libraries, at their defaults, apply the patches (RFC 6902) of one feed in place to the document that they keep.
# - A patch fails in the second of its three operations. By the RFC none of it counts. fast-json-patch and jsonpatch
#   raise and leave the first operation applied. rfc6902 raises nothing, reports the failed test in the array that it
#   returns, and applies the third operation, which the test was meant to guard.
# - A patch is for something that is missing, as after a lost message. fast-json-patch adds what it should replace (in a
#   list: past its end) and accepts the removal of what is not there, unless it is told to validate. The others refuse.
# - A new snapshot comes as a replacement of the whole document. It reaches none of the three kept documents.
#   fast-json-patch and jsonpatch have it in what they return; rfc6902 returns an error.
#
# Seen: the table under "expected" below: the kept document, and what the call reported.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check jsonpatch==1.48
npm install --silent --no-audit --no-fund --ignore-scripts fast-json-patch@3.1.1 rfc6902@5.4.0

cat > expected <<'EOF'
second of three fails: fast-json-patch {"px":2,"seq":7}, raises
second of three fails: rfc6902 {"px":3,"seq":7}, returns TestError
second of three fails: jsonpatch {"px":2,"seq":7}, raises
replace of a missing key: fast-json-patch {"px":1,"seq":7,"qty":5}
replace of a missing key: rfc6902 {"px":1,"seq":7}, returns MissingError
replace of a missing key: jsonpatch {"px":1,"seq":7}, raises
replace behind a list's end: fast-json-patch {"bids":[100,98]}
replace behind a list's end: rfc6902 {"bids":[100]}, returns MissingError
replace behind a list's end: jsonpatch {"bids":[100]}, raises
remove of a missing key: fast-json-patch {"px":1,"seq":7}
remove of a missing key: rfc6902 {"px":1,"seq":7}, returns MissingError
remove of a missing key: jsonpatch {"px":1,"seq":7}, raises
new snapshot: fast-json-patch {"px":1,"seq":7}
new snapshot: rfc6902 {"px":1,"seq":7}, returns MissingError
new snapshot: jsonpatch {"px":1,"seq":7}
EOF

cat > apply.cjs <<'EOF'
const fast = require('fast-json-patch')
const { applyPatch } = require('rfc6902')
const [, , name, document, patch] = process.argv
const kept = JSON.parse(document)
let told = ''
try {
  if (name === 'rfc6902') {
    const failed = applyPatch(kept, JSON.parse(patch)).filter((one) => one !== null)
    if (failed.length > 0) told = `, returns ${failed.map((one) => one.name).join()}`
  } else {
    fast.applyPatch(kept, JSON.parse(patch))
  }
} catch {
  told = ', raises'
}
console.log(JSON.stringify(kept) + told)
EOF

cat > try.py <<'EOF'
import json, subprocess
import jsonpatch

def operation(op, path, *value):
    return {"op": op, "path": path} | ({"value": value[0]} if value else {})

TICK = {"px": 1, "seq": 7}
CASES = {
    "second of three fails": (TICK, [operation("replace", "/px", 2), operation("test", "/seq", 8), operation("replace", "/px", 3)]),
    "replace of a missing key": (TICK, [operation("replace", "/qty", 5)]),
    "replace behind a list's end": ({"bids": [100]}, [operation("replace", "/bids/1", 98)]),
    "remove of a missing key": (TICK, [operation("remove", "/qty")]),
    "new snapshot": (TICK, [operation("replace", "", {"px": 9, "seq": 1})]),
}

def by_node(name, document, patch):
    command = ["node", "apply.cjs", name, json.dumps(document), json.dumps(patch)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

def by_jsonpatch(document, patch):
    kept, told = json.loads(json.dumps(document)), ""
    try:
        jsonpatch.apply_patch(kept, patch, in_place=True)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException):
        told = ", raises"
    return json.dumps(kept, separators=(",", ":")) + told

for what, case in CASES.items():
    print(f"{what}: fast-json-patch", by_node("fast-json-patch", *case))
    print(f"{what}: rfc6902", by_node("rfc6902", *case))
    print(f"{what}: jsonpatch", by_jsonpatch(*case))
EOF

timeout -k 5 60 venv/bin/python try.py | tee seen
diff expected seen && echo "as described"
