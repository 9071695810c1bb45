"""Runs the files shown in README.md exactly as they are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
FILE = re.compile(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```\n", re.DOTALL)


def test_every_test_of_the_readme_passes_as_it_stands(pytester: pytest.Pytester) -> None:
    files = FILE.findall(README.read_text("utf-8"))
    for name, text in files:
        path = pytester.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    tests = sum(text.count("def test_") for name, text in files if name.endswith(".py"))
    # One test is parametrized with two tapes.
    result = pytester.runpytest_subprocess("-o", "asyncio_default_fixture_loop_scope=function")
    result.assert_outcomes(passed=tests + 1)


def test_its_verbs_are_those_of_an_engine() -> None:
    from wstape import AsyncEngine, Engine

    table = README.read_text("utf-8").split("## Verbs")[1].split("##")[0]
    named = set(re.findall(r"`([a-z_]+)(?=[(`])", table))
    verbs = {name for name in vars(AsyncEngine) if not name.startswith("_")}
    assert named - set(dir(Engine)) == set()
    assert verbs - named == set(), "a verb is not in the table"
