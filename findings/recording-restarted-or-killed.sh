#!/usr/bin/env bash
# PyPI zstandard 0.25.0, pyzstd 0.20.0, backports.zstd 1.8.0, xopen 2.1.0, lz4 4.4.5, pandas 3.1.1, polars 2.1.0, duckdb 2.0.0,
# pyarrow 26.0.1; npm pako 3.0.3, fflate 0.8.3, fzstd 0.1.1, zstddec 0.3.4, lz4js 0.2.0; Python's and Node's zlib
#
# A recorder writes 20,000 messages as JSON Lines, compressed with gzip, zstd or lz4. Either it was restarted halfway
# and appended to its file, which then has two members, or frames, one after the other; all three formats allow that. Or
# it flushed after each message and was killed at the end: every message is in the file, but the compressed data has no
# end.
# - Restarted: zlib.decompress, zstandard's decompress and read_to_iter, lz4.frame.decompress, fflate's gunzipSync and
#   lz4js return the first half and no error. Other functions of the same libraries return it all.
# - Killed: of the same file, zstandard.open, and xopen, pandas and duckdb with zstd, return all messages and do not
#   report the missing end; pyzstd, backports.zstd, polars and pyarrow raise and return none. With gzip, pandas and
#   duckdb raise too. zstddec returns nothing and no error.
# So one reader silently misses half of a recording, another cannot read a complete one, and a third takes a truncated
# recording for a finished one.
#
# Seen: the table under "expected" below: how many messages are returned, or an error.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check zstandard==0.25.0 pyzstd==0.20.0 lz4==4.4.5 xopen==2.1.0 \
    backports.zstd==1.8.0 pandas==3.1.1 polars==2.1.0 duckdb==2.0.0 pyarrow==26.0.1
npm install --silent --no-audit --no-fund --ignore-scripts pako@3.0.3 fflate@0.8.3 fzstd@0.1.1 zstddec@0.3.4 lz4js@0.2.0

cat > expected <<'EOF'
gz: gzip.open: restarted 20000, killed an error
gz: zlib.decompress: restarted 10000, killed an error
gz: pandas: restarted 20000, killed an error
gz: polars: restarted 20000, killed an error
gz: duckdb: restarted 20000, killed an error
gz: pyarrow: restarted 20000, killed an error
zst: zstandard.open: restarted 20000, killed 20000
zst: zstandard's decompress: restarted 10000, killed an error
zst: zstandard's read_to_iter: restarted 10000, killed 20000
zst: pyzstd.open: restarted 20000, killed an error
zst: backports.zstd.open: restarted 20000, killed an error
zst: xopen: restarted 20000, killed 20000
zst: pandas: restarted 20000, killed 20000
zst: polars: restarted 20000, killed an error
zst: duckdb: restarted 20000, killed 20000
zst: pyarrow: restarted 20000, killed an error
lz4: lz4.frame.open: restarted 20000, killed an error
lz4: lz4.frame.decompress: restarted 10000, killed an error
gz: node's gunzipSync: restarted 20000, killed an error
gz: pako: restarted 20000, killed an error
gz: fflate's gunzipSync: restarted 10000, killed an error
gz: fflate's Gunzip: restarted 20000, killed 20000
zst: fzstd: restarted 20000, killed an error
zst: fzstd's Decompress: restarted 20000, killed an error
zst: zstddec: restarted 20000, killed 0
lz4: lz4js: restarted 10000, killed 20000
EOF

cat > record.py <<'EOF'
import gzip, hashlib, lz4.frame, zstandard, zlib

MESSAGES = [b'{"seq":%d,"id":"%s"}\n' % (seq, hashlib.sha256(b"%d" % seq).hexdigest().encode()) for seq in range(20_000)]
BEFORE, AFTER = b"".join(MESSAGES[:10_000]), b"".join(MESSAGES[10_000:])

for ending, pack in {"gz": gzip.compress, "zst": zstandard.ZstdCompressor().compress, "lz4": lz4.frame.compress}.items():
    with open(f"restarted.jsonl.{ending}", "wb") as file:
        file.write(pack(BEFORE))
        file.write(pack(AFTER))

# Flushed after each message, and never closed.
with open("killed.jsonl.gz", "wb") as file:
    packer = zlib.compressobj(wbits=31)
    for message in MESSAGES:
        file.write(packer.compress(message) + packer.flush(zlib.Z_SYNC_FLUSH))
with open("killed.jsonl.zst", "wb") as file:
    packer = zstandard.ZstdCompressor().compressobj()
    for message in MESSAGES:
        file.write(packer.compress(message) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
with open("killed.jsonl.lz4", "wb") as file:
    packer = lz4.frame.LZ4FrameCompressor(auto_flush=True)
    file.write(packer.begin())
    for message in MESSAGES:
        file.write(packer.compress(message))
with open("messages.jsonl", "wb") as file:
    file.writelines(MESSAGES)
EOF

cat > read.py <<'EOF'
import gzip, zlib
import backports.zstd, duckdb, lz4.frame, pandas, polars, pyarrow.json, pyzstd, xopen, zstandard

def content(path):
    with open(path, "rb") as file:
        return file.read()

def counted(read):
    def seqs(path):
        return [int(line.split(b",")[0][7:]) for line in read(path).splitlines()]
    return seqs

READERS = {
    "gz": {
        "gzip.open": counted(lambda path: gzip.open(path).read()),
        "zlib.decompress": counted(lambda path: zlib.decompress(content(path), 31)),
        "pandas": lambda path: list(pandas.read_json(path, lines=True)["seq"]),
        "polars": lambda path: polars.read_ndjson(path)["seq"].to_list(),
        "duckdb": lambda path: [row[0] for row in duckdb.execute(f"select seq from read_json('{path}')").fetchall()],
        "pyarrow": lambda path: pyarrow.json.read_json(path)["seq"].to_pylist(),
    },
    "zst": {
        "zstandard.open": counted(lambda path: zstandard.open(path, "rb").read()),
        "zstandard's decompress": counted(lambda path: zstandard.ZstdDecompressor().decompress(content(path), 10_000_000)),
        "zstandard's read_to_iter": counted(lambda path: b"".join(zstandard.ZstdDecompressor().read_to_iter(open(path, "rb")))),
        "pyzstd.open": counted(lambda path: pyzstd.open(path, "rb").read()),
        "backports.zstd.open": counted(lambda path: backports.zstd.open(path, "rb").read()),
        "xopen": counted(lambda path: xopen.xopen(path, "rb").read()),
        "pandas": lambda path: list(pandas.read_json(path, lines=True)["seq"]),
        "polars": lambda path: polars.read_ndjson(path)["seq"].to_list(),
        "duckdb": lambda path: [row[0] for row in duckdb.execute(f"select seq from read_json('{path}')").fetchall()],
        "pyarrow": lambda path: pyarrow.json.read_json(path)["seq"].to_pylist(),
    },
    "lz4": {
        "lz4.frame.open": counted(lambda path: lz4.frame.open(path, "rb").read()),
        "lz4.frame.decompress": counted(lambda path: lz4.frame.decompress(content(path))),
    },
}

for ending, readers in READERS.items():
    for name, read in readers.items():
        seen = []
        for case in ("restarted", "killed"):
            try:
                seqs = read(f"{case}.jsonl.{ending}")
                seen.append(f"{len(seqs)}" if seqs == list(range(len(seqs))) else "other messages")
            except Exception:
                seen.append("an error")
        print(f"{ending}: {name}: " + ", ".join(f"{case} {what}" for case, what in zip(("restarted", "killed"), seen)), flush=True)
EOF

cat > read.mjs <<'EOF'
import fs from 'node:fs'
import zlib from 'node:zlib'
import * as pako from 'pako'
import * as fflate from 'fflate'
import * as fzstd from 'fzstd'
import { ZSTDDecoder } from 'zstddec'
import lz4js from 'lz4js'

const whole = fs.readFileSync('messages.jsonl')
const zstddec = new ZSTDDecoder()
await zstddec.init()

const pieces = (Stream) => (packed) => {
  const out = []
  const stream = new Stream((piece) => out.push(piece))
  for (let at = 0; at < packed.length; at += 65536) stream.push(packed.subarray(at, at + 65536), at + 65536 >= packed.length)
  return Buffer.concat(out)
}
const readers = {
  gz: {
    "node's gunzipSync": zlib.gunzipSync,
    pako: pako.ungzip,
    "fflate's gunzipSync": fflate.gunzipSync,
    "fflate's Gunzip": pieces(fflate.Gunzip),
  },
  zst: {
    fzstd: fzstd.decompress,
    "fzstd's Decompress": pieces(fzstd.Decompress),
    zstddec: (packed) => zstddec.decode(packed, whole.length),
  },
  lz4: { lz4js: lz4js.decompress },
}
for (const [ending, byName] of Object.entries(readers)) {
  for (const [name, read] of Object.entries(byName)) {
    const seen = ['restarted', 'killed'].map((how) => {
      try {
        const got = Buffer.from(read(fs.readFileSync(`${how}.jsonl.${ending}`)))
        if (!whole.subarray(0, got.length).equals(got)) return `${how} other bytes`
        return `${how} ${got.filter((byte) => byte === 10).length}`
      } catch {
        return `${how} an error`
      }
    })
    console.log(`${ending}: ${name}: ${seen.join(', ')}`)
  }
}
EOF

venv/bin/python record.py
timeout -k 5 90 venv/bin/python read.py | tee seen
timeout -k 5 60 node read.mjs | tee -a seen
diff expected seen && echo "as described"
