"""Judges the same client several times: which verdicts change, and how far its figures differ."""

import hashlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from installed import KEPT, Client, sources
from judged import LETTERS, cases_of, digest, judge

# A process that uses all it can get of a core until its parent is gone.
SPINS = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: pass"
NOT_ASKED = "n/a"


@contextmanager
def busy(a_core: int) -> Iterator[int]:
    """Runs this many spinning processes per core beside the judged client; yields how many there are."""
    cores = len(os.sched_getaffinity(0))
    spinning = [subprocess.Popen([sys.executable, "-S", "-c", SPINS]) for _ in range(a_core * cores)]
    try:
        yield len(spinning)
    finally:
        for process in spinning:
            process.kill()
            process.wait()


class Times:
    """The result of each time, kept so that a stopped run can resume."""

    def __init__(self, program: Path, client: Client, a_core: int) -> None:
        self.program, self.client = program, client
        self.folder = KEPT / "times" / f"{client.name}-{a_core}"
        self.folder.mkdir(parents=True, exist_ok=True)
        # The referee itself is under test here: another build of it starts over.
        self.referee = hashlib.sha256(program.read_bytes()).hexdigest()[:16] + digest(sources(client.name))
        self.versions = cases_of(program)

    def kept(self, n: int) -> dict:
        """What is kept of the n-th time, by case, if this version of referee, client and case made it."""
        try:
            kept = json.loads((self.folder / f"{n}.json").read_text())
        except (OSError, json.JSONDecodeError):
            return {}
        if kept.get("referee") != self.referee:
            return {}
        return {id: it for id, it in kept["rows"].items() if it["version"] == self.versions.get(id)}

    def play(self, n: int, cases: list[str]) -> None:
        """Plays the cases that the n-th time still lacks."""
        kept = self.kept(n)
        missing = [id for id in cases if id not in kept]
        if not missing:
            return
        report = judge(self.program, self.client, missing)
        for row in report["rows"]:
            if row["id"] in self.versions:
                kept[row["id"]] = {"version": self.versions[row["id"]], **essence(row)}
        whole = json.dumps({"referee": self.referee, "rows": kept}, indent=1)
        part = self.folder / f"{n}.part"
        part.write_text(whole)
        part.rename(self.folder / f"{n}.json")
        print(f"{self.client.name}: time {n} took {report['took_s'][0]} s", flush=True)


def essence(row: dict) -> dict:
    """What is compared with other times: verdicts, figures, and how late timers were."""
    figures: dict[str, list[float]] = {}
    for found in [row.get("findings", []), *(run["findings"] for run in row.get("runs", []))]:
        for figure in (figure for it in found for figure in it.get("figures", [])):
            value = figure["value"]
            figures.setdefault(figure["name"], []).extend(value if isinstance(value, list) else [value])
    runs = row.get("runs", [])
    return {
        "verdict": row["verdict"],
        "runs": {run["name"]: worst(run["findings"]) for run in runs},
        "what": [it["what"] for it in row.get("findings", [])],
        "figures": {name: statistics.median(values) for name, values in figures.items() if values},
        "late_s": max((run["late_s"] for run in runs), default=0),
    }


def worst(findings: list[dict]) -> str:
    order = [NOT_ASKED, "info", "pass", "warn", "fail"]
    return max((it["verdict"] for it in findings), key=order.index, default=NOT_ASKED)


def counted(verdicts: list[str]) -> str:
    """`10 pass`, or `8 fail, 2 n/a`."""
    return ", ".join(f"{verdicts.count(it)} {it}" for it in sorted(set(verdicts), key=verdicts.count, reverse=True))


def spread(values: list[float]) -> str:
    """The range of the medians of all times."""
    low, high = min(values), max(values)
    return f"{low:.3g}" if f"{low:.3g}" == f"{high:.3g}" else f"{low:.3g} to {high:.3g}"


def table(times: list[dict]) -> tuple[list[str], list[str]]:
    """A line for each case, and one for each verdict that changed."""
    ids = sorted(times[0], key=lambda id: (LETTERS.index(id[0]), int(id[1:])))
    lines, turned = ["| case | verdicts | figures, each time's median | timers late, at most |", "| --- | --- | --- | --- |"], []
    for id in ids:
        rows = [it[id] for it in times]
        verdicts = [row["verdict"] for row in rows]
        # `n/a` is no answer, so a change to or from it does not count.
        if len(set(verdicts) - {NOT_ASKED}) > 1:
            turned.append(f"{id} turned: {counted(verdicts)}")
        for name in rows[0]["runs"]:
            of_run = [row["runs"].get(name, NOT_ASKED) for row in rows]
            if name and len(set(of_run)) > 1:
                turned.append(f"{id}, within: {name}: {counted(of_run)}")
        names = sorted({name for row in rows for name in row["figures"]})
        figures = [f"{name} {spread([row['figures'][name] for row in rows if name in row['figures']])}" for name in names]
        late_s = max(row["late_s"] for row in rows)
        lines.append(f"| {id} | {counted(verdicts)} | {'; '.join(figures)} | {late_s:.3f} s |")
    return lines, turned


def steady(program: Path, client: Client, cases: list[str], times: int, a_core: int) -> bool:
    """Plays these cases this many times and prints the results. Returns whether every case kept its verdict."""
    kept = Times(program, client, a_core)
    with busy(a_core) as spinning:
        for n in range(1, times + 1):
            kept.play(n, cases)
    found = [{id: row for id, row in kept.kept(n).items() if id in cases} for n in range(1, times + 1)]
    lines, turned = table(found)
    print(f"\n{client.title}, {times} times, {spinning} spinning processes beside it\n")
    print("\n".join(lines))
    print("\n".join(["", *turned] if turned else ["", "no verdict turned"]), flush=True)
    return not any(" turned: " in line for line in turned)
