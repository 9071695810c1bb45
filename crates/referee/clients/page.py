"""Writes the tables of docs/field/clients.md from results/."""

import subprocess
from pathlib import Path

from installed import CLIENTS, FIRST, OTHERS, PROTOCOLS, ROOT
from judged import RESULTS, results_of

PAGE = ROOT / "docs" / "field" / "clients.md"
BEGIN = "<!-- made by crates/referee/clients/run: {} -->"
END = "<!-- end -->"
# The most characters of a finding's sentence.
MAX_WHAT_CHARS = 150
# The most sentences of a row; if a case starts several processes, each may have its own.
MAX_SENTENCES = 5


def write_page(program: Path) -> None:
    """Writes the current tables between the page's markers."""
    kept = [name for name in CLIENTS if (RESULTS / f"{name}.json").exists()]
    text = PAGE.read_text()
    for mark, columns in (("verdicts", FIRST), ("other verdicts", OTHERS), ("verdicts on protocols", PROTOCOLS)):
        there = [name for name in columns if name in kept]
        if there:
            text = between(text, mark, verdicts(program, there))
    text = between(text, "findings", findings(kept))
    PAGE.write_text(text)


def between(text: str, name: str, table: str) -> str:
    begin = BEGIN.format(name)
    head, rest = text.split(begin + "\n", 1)
    _, tail = rest.split(END, 1)
    return f"{head}{begin}\n{table.rstrip()}\n{END}{tail}"


def verdicts(program: Path, names: list[str]) -> str:
    """All clients side by side, as `wstape referee compare` prints them, and how long each took."""
    files = [str(RESULTS / f"{name}.json") for name in names]
    table = subprocess.run([program, "referee", "compare", *files], capture_output=True, text=True, check=True).stdout
    took = [(results_of(name) or {})["made"]["took_s"] for name in names]
    total = "| | seconds for all; one after the other |" + "".join(f" {it[0]}; {it[1]} |" if it else " |" for it in took)
    return table + total


def findings(names: list[str]) -> str:
    """The warnings and failures of each client."""
    lines = []
    for name in names:
        report = results_of(name) or {}
        bad = [row for row in report["rows"] if row["verdict"] in ("warn", "fail")]
        counts = {word: sum(row["verdict"] == word for row in report["rows"]) for word in ("pass", "info", "n/a")}
        said = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
        lines += ["", f"### {report['client']}", "", f"{report['made']['date']}; {said}."]
        lines += ["", "| case | | what was seen |", "| --- | --- | --- |"] if bad else [" Nothing else."]
        for row in sorted(bad, key=lambda it: it["verdict"]):
            lines.append(f"| {row['id']} | {row['verdict']} | {seen(row)} |")
    return "\n".join(lines).strip()


def seen(row: dict) -> str:
    """The findings that decided a row, each sentence once."""
    told: dict[str, list[str]] = {}
    runs = [("", row.get("findings", []))] + [(run["name"], run["findings"]) for run in row.get("runs", [])]
    for name, found in runs:
        for finding in found:
            if finding["verdict"] == row["verdict"]:
                what = finding["what"].replace("|", "\\|").replace("<", "&lt;")
                told.setdefault(what[:MAX_WHAT_CHARS], []).append(name)
    sentences = [f"{', '.join(it)}: {what}" if any(it) else what for what, it in told.items()]
    more = len(sentences) - MAX_SENTENCES
    return "; ".join(sentences[:MAX_SENTENCES] + ([f"and {more} more"] if more > 0 else []))
