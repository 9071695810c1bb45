"""Judges clients, and keeps the results in results/."""

import hashlib
import json
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import IO

from installed import HERE, KEPT, ROOT, Client, sources

CASES = ROOT / "crates" / "referee" / "cases"
RESULTS = HERE / "results"
HEALTHY = ROOT / "crates" / "referee" / "healthy"
# The healthy tapes, and what a client sends to subscribe. Cases about subscriptions use the second tape and these
# requests.
EVENTS, SUBSCRIPTIONS = "events", "jsonrpc"
ASKED_FOR = [
    json.dumps({"jsonrpc": "2.0", "id": n, "method": "subscribe", "params": {"channel": channel}})
    for n, channel in enumerate(("trades", "book"), 1)
]
# Clients that can't be given messages to send.
NO_SENDER = {"zero-engine-client"}
# A client that speaks a protocol of its own has its healthy tape in its folder, and subscribes by itself.
OWN_HEALTHY = "healthy.jsonl"
# L5 withholds Pongs, but a healthy tape goes on with heartbeats that are messages: there is nothing to notice. The
# message of P3 is none of GraphQL's, and graphql-ws ends at any such, however long. L3 silences Socket.IO's opening.
NOT_ASKED = {
    "stompjs": {"L5"},
    "graphql-ws": {"P3"},
    "socket.io-client": {"L3", "L5"},
    "centrifuge": {"L5"},
    "phoenix": {"L5"},
}
# Rows that are judged from all cases together.
EVERYWHERE = ("X5", "K1", "K2")
# The longest that one run of the referee may take, in seconds.
BOUND_S = 1800
# The most lines of a journal that are kept.
MAX_JOURNAL_LINES = 30
# The order of rows: by letter, then by number.
LETTERS = "RHELPSCXK"
WORSE = ["n/a", "info", "pass", "warn", "fail"]


def digest(paths: list[Path]) -> str:
    """A short hash of these files' names and contents."""
    held = hashlib.sha256()
    for path in paths:
        held.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return held.hexdigest()[:16]


def cases_of(program: Path) -> dict[str, str]:
    """The cases that are played by default, each with a hash that stands for its version."""
    words = [program, "referee", "--cases", CASES, "--list"]
    listed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    ids = {line.split()[0] for line in listed.splitlines() if line.strip()}
    # A tape that waits for ten minutes (`-long`) is played only on request.
    played = [path for path in sorted(CASES.glob("*.jsonl")) if not path.stem.endswith("-long")]
    files = {id: [path for path in played if path.stem.split("-")[0] == id] for id in ids}
    return {id: digest([*found, HEALTHY / f"{healthy_of(id)}.jsonl"]) for id, found in files.items()}


def asked_of(program: Path, name: str) -> dict[str, str]:
    """Those of the cases that this client is judged by."""
    return {id: it for id, it in cases_of(program).items() if id not in NOT_ASKED.get(name, set())}


def healthy_of(id: str) -> str:
    """The healthy tape over which a case is laid here."""
    return SUBSCRIPTIONS if id.startswith("S") else EVENTS


def results_of(name: str) -> dict | None:
    """The kept results of a client, if there are any."""
    path = RESULTS / f"{name}.json"
    if not path.exists():
        return None
    try:
        kept = json.loads(path.read_text())
        kept["made"]["program"], kept["made"]["cases"], kept["rows"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        print(f"{path} is damaged ({error}); delete it, and {name} is judged anew", file=sys.stderr)
        sys.exit(2)
    return kept


def left_to_judge(program: Path, name: str) -> list[str]:
    """The cases by which the present version of this client has not been judged yet."""
    kept = results_of(name)
    known = {}
    if kept and kept["made"]["program"] == digest(sources(name)):
        known = kept["made"]["cases"]
    return sorted(id for id, version in asked_of(program, name).items() if known.get(id) != version)


def parts(client: Client, cases: list[str]) -> list[list[str]]:
    """The referee's arguments for these cases: a list for the cases on events, and one for those on subscriptions. A
    client that can't subscribe is played the events in both; one with a healthy tape of its own, that tape in all."""
    own = HERE / client.name / OWN_HEALTHY
    if own.exists():
        options = ["--cases", str(CASES), "--healthy", str(own), "--only", ",".join(cases)]
        return [[*options, "--", *client.command]]
    found = []
    for healthy in (EVENTS, SUBSCRIPTIONS):
        chosen = [id for id in cases if healthy_of(id) == healthy]
        words = ASKED_FOR if healthy == SUBSCRIPTIONS and client.name not in NO_SENDER else []
        if chosen:
            options = ["--cases", str(CASES), "--healthy", healthy if words else EVENTS, "--only", ",".join(chosen)]
            found.append([*options, "--", *client.command, *words])
    return found


def show(program: Path, client: Client, cases: list[str]) -> None:
    """Runs the referee on a client, which prints its own report."""
    for words in parts(client, cases):
        subprocess.run([str(program), "referee", *words], stderr=subprocess.DEVNULL, timeout=BOUND_S)


def judge(program: Path, client: Client, cases: list[str]) -> dict:
    """The referee's report on a client. Its runs mostly wait, so they run in parallel."""
    began = time.monotonic()
    with (KEPT / f"{client.name}.log").open("w") as log, ThreadPoolExecutor() as pool:
        reports = list(pool.map(lambda words: report_on(program, words, log), parts(client, cases)))
    whole = reports[0]
    for other in reports[1:]:
        whole["rows"] = merged(whole["rows"], other["rows"])
    one_by_one_s = sum(report.pop("one_by_one_s") for report in reports)
    whole["took_s"] = [round(time.monotonic() - began), one_by_one_s]
    return whole


def report_on(program: Path, words: list[str], log: IO[str]) -> dict:
    """The report of one run of the referee; its progress goes to the log."""
    with tempfile.TemporaryDirectory() as out:
        referee = [str(program), "referee", "--out", out, *words]
        done = subprocess.run(referee, stdout=subprocess.PIPE, stderr=log, text=True, timeout=BOUND_S)
        if done.returncode not in (0, 1):
            sys.exit(f"{' '.join(words)}: the referee ended with {done.returncode}; {log.name} has what it said")
        report = json.loads((Path(out) / "results.json").read_text())
        report["one_by_one_s"] = round(sum(run["took_s"] for row in report["rows"] for run in row.get("runs", [])))
        return report


def merged(kept: list[dict], new: list[dict]) -> list[dict]:
    """The rows of both: a new row replaces the kept one; if it is judged from all cases, the worse one stays."""
    rows = {row["id"]: row for row in kept}
    for row in new:
        id = row["id"]
        if id in EVERYWHERE and id in rows:
            row = worse(rows[id], row)
        rows[id] = row
    return sorted(rows.values(), key=lambda row: (LETTERS.index(row["id"][0]), int(row["id"][1:])))


def worse(one: dict, other: dict) -> dict:
    """The worse of two rows that are judged from all cases; if their verdicts are equal, the findings of both."""
    by_verdict = WORSE.index(one["verdict"]) - WORSE.index(other["verdict"])
    if by_verdict:
        return one if by_verdict > 0 else other
    found = [it for it in one["findings"] if it not in other["findings"]]
    return other | {"findings": [*found, *other["findings"]]}


def write_results(program: Path, client: Client, cases: list[str], report: dict, again: bool) -> None:
    """Writes what was found, beside the kept results of other cases."""
    versions = asked_of(program, client.name)
    kept = None if again else results_of(client.name)
    if kept and kept["made"]["program"] != digest(sources(client.name)):
        kept = None
    made = {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "program": digest(sources(client.name)),
        "cases": {id: versions[id] for id in cases},
        "took_s": report.pop("took_s"),
    }
    # The options, and the path of a healthy tape, name a folder of this machine.
    report.pop("options", None)
    report["healthy"] = Path(report["healthy"]).name
    rows = [shortened(row) for row in report["rows"]]
    if kept:
        made["cases"] = {id: it for id, it in (kept["made"]["cases"] | made["cases"]).items() if id in versions}
        if len(cases) < len(versions) // 2:
            made["took_s"] = kept["made"]["took_s"]
        rows = merged([row for row in kept["rows"] if row["id"] in [*versions, *EVERYWHERE]], rows)
    made["cases"] = dict(sorted(made["cases"].items()))
    whole = report | {"client": client.title, "made": made, "rows": rows}
    RESULTS.mkdir(exist_ok=True)
    # The tokens are made up anew in each run.
    text = re.sub(r"wst_[0-9a-f]+", "TOKEN", json.dumps(whole, indent=1, ensure_ascii=False))
    (RESULTS / f"{client.name}.json").write_text(text + "\n")


def is_not_told(run: dict) -> bool:
    """Whether a run shows a crash, a hang or a leaked credential: a signal that nobody sent, an uncaught error that ended
    a program in Node or Go, a process that does not end when told to, or the token where it does not belong."""
    token, said = run["token"], [it["what"] for it in run["findings"]]
    uncaught = any(it["language"] in ("node", "go") and it["ended"] for it in run.get("uncaught", []))
    hangs = any(what.startswith("still there") for what in said)
    return run["died"] or uncaught or hangs or token["printed"] or token["given_away"]


def shortened(row: dict) -> dict:
    """A row without its long parts and what names this machine, and without what triggered a crash or a leak."""
    # `wstape referee explain` prints these for any case.
    row = {key: it for key, it in row.items() if key not in ("why", "good")}
    runs = row.get("runs", [])
    hidden = any(is_not_told(run) for run in runs)
    if row["id"] == "X5":
        told = [without_trigger(it) for it in row["findings"]]
        # Errors whose text is withheld read alike; each sentence is kept once.
        row = row | {"findings": [it for n, it in enumerate(told) if it not in told[:n]]}
    for run in runs:
        journal = run["journal"]
        if not {it["verdict"] for it in run["findings"]} & {"warn", "fail"}:
            journal = []
        elif len(journal) > MAX_JOURNAL_LINES:
            more = len(journal) - MAX_JOURNAL_LINES
            journal = [*journal[:MAX_JOURNAL_LINES], f"… {more} lines more"]
        run["journal"] = journal
        run["printed"] = ""
        run["uncaught"] = []
        run["lanes"] = {"length_s": 0, "lanes": [], "more": 0}
        for finding in run["findings"]:
            finding["what"] = re.sub(r"/\S*/(site-packages|node_modules)/", "", finding["what"])
            finding["figures"] = [rounded(it) for it in finding.get("figures", [])]
        for key in ("took_s", "late_s"):
            run[key] = round(run[key], 3)
    if hidden:
        finding = {"verdict": "n/a", "what": "not told here", "figures": []}
        return row | {"verdict": "n/a", "findings": [finding], "runs": []}
    return row


def without_trigger(finding: dict) -> dict:
    """A finding on an uncaught error, without the error and the cases that triggered it."""
    what = finding["what"]
    ended = ", and ended with it" if "caught, and ended with it" in what else ""
    if finding["verdict"] == "warn":
        what = f"an error nobody caught{ended}: not told here"
    elif finding["verdict"] == "fail":
        what = "a signal ended it: not told here"
    return finding | {"what": what, "figures": []}


def rounded(figure: dict) -> dict:
    value = figure["value"]
    if isinstance(value, list):
        value = [round(it, 3) for it in value[:24]]
    elif isinstance(value, float):
        value = round(value, 3)
    return figure | {"value": value}
