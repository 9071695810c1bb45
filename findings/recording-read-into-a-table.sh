#!/usr/bin/env bash
# PyPI pandas 3.1.1, polars 2.1.0, duckdb 2.0.0, pyarrow 26.0.1
#
# One recording in JSON Lines has 150 trades, as a feed sends them: sequence numbers of 64 bits, prices and order ids as
# text, times to the nanosecond, and a field that first appears in the 121st line. Each library reads it with its one
# call for such files, at its defaults, without a warning, and each loses something else:
# - pandas turns text into numbers if a whole column can be numbers: the orders "1200", "01200", "12e2" and "1_200"
#   become one order, 1200.0, and the price "64000.10" becomes 64000.1. If there is also a heartbeat, which has no
#   sequence number, all sequence numbers become floats, and here the same one.
# - polars knows a field only if it is in the first hundred lines: the late one is in no row.
# - duckdb turns the text into times, to the microsecond: three successive times become the same.
# - pyarrow turns integers above 2^63 into floats: all sequence numbers become the same.
#
# Seen: how many distinct values there are, and whether a row has the late field:
#   in the file: 150 sequence numbers, 4 orders, 3 times, the late field
#   pandas: 150 sequence numbers, 1 order, 3 times, the late field
#   polars: 150 sequence numbers, 4 orders, 3 times, no late field
#   duckdb: 150 sequence numbers, 4 orders, 1 time, the late field
#   pyarrow: 1 sequence number, 4 orders, 3 times, the late field
#   pandas, a heartbeat among them: 1 sequence number
#   polars, a heartbeat among them: 150 sequence numbers
#   duckdb, a heartbeat among them: 150 sequence numbers
#   pyarrow, a heartbeat among them: 1 sequence number
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check pandas==3.1.1 polars==2.1.0 duckdb==2.0.0 pyarrow==26.0.1

cat > expected <<'EOF'
in the file: 150 sequence numbers, 4 orders, 3 times, the late field
pandas: 150 sequence numbers, 1 order, 3 times, the late field
polars: 150 sequence numbers, 4 orders, 3 times, no late field
duckdb: 150 sequence numbers, 4 orders, 1 time, the late field
pyarrow: 1 sequence number, 4 orders, 3 times, the late field
pandas, a heartbeat among them: 1 sequence number
polars, a heartbeat among them: 150 sequence numbers
duckdb, a heartbeat among them: 150 sequence numbers
pyarrow, a heartbeat among them: 1 sequence number
EOF

cat > try.py <<'EOF'
import json, warnings
import duckdb, pandas, polars
import pyarrow.compute, pyarrow.json

ORDERS = ["1200", "01200", "12e2", "1_200"]
FIRST = 18446744073709550000

def trade(n):
    message = {"seq": FIRST + n, "price": "64000.10", "order": ORDERS[n % 4], "time": f"2026-01-01T00:00:00.{123456001 + n % 3}Z"}
    return message | ({"liquidation": True} if n >= 120 else {})

def write(name, messages):
    with open(name, "w") as file:
        file.writelines(json.dumps(message) + "\n" for message in messages)

trades = [trade(n) for n in range(150)]
write("trades.jsonl", trades)
write("heartbeat.jsonl", trades[:50] + [{"heartbeat": True}] + trades[50:])

# Each gives, for a file and a field, how many different values there are; None if no row has it.
def by_json(file, field):
    with open(file) as lines:
        return len({row[field] for row in map(json.loads, lines) if field in row})

def by_pandas(file, field):
    table = pandas.read_json(file, lines=True)
    return table[field].nunique() if field in table else None

def by_polars(file, field):
    table = polars.read_ndjson(file)
    return table[field].drop_nulls().n_unique() if field in table.columns else None

def by_duckdb(file, field):
    table = duckdb.sql(f"from read_json('{file}')")
    return table.aggregate(f'count(distinct "{field}")').fetchall()[0][0] if field in table.columns else None

def by_pyarrow(file, field):
    table = pyarrow.json.read_json(file)
    return pyarrow.compute.count_distinct(table[field]).as_py() if field in table.column_names else None

def counted(number, what):
    return f"{number} {what}{'' if number == 1 else 's'}"

warnings.simplefilter("error")
libraries = {"pandas": by_pandas, "polars": by_polars, "duckdb": by_duckdb, "pyarrow": by_pyarrow}
for name, different in {"in the file": by_json, **libraries}.items():
    counts = [counted(different("trades.jsonl", field), what) for field, what in
              [("seq", "sequence number"), ("order", "order"), ("time", "time")]]
    late = "the late field" if different("trades.jsonl", "liquidation") else "no late field"
    print(f"{name}: {', '.join(counts)}, {late}")
for name, different in libraries.items():
    print(f"{name}, a heartbeat among them: {counted(different('heartbeat.jsonl', 'seq'), 'sequence number')}")
EOF

timeout -k 5 100 venv/bin/python try.py | tee seen
diff expected seen && echo "as described"
