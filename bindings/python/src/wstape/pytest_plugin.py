"""The pytest plugin: fixtures ``engine`` and ``serve``, the marker ``tape``, and the timeline in the report of a
test that failed."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

from ._engine import Engine
from ._engine import serve as start_engine
from ._errors import EngineError

_ENGINES = pytest.StashKey[list[Engine]]()

_FOLDERS = "wstape_tapes"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(_FOLDERS, "folders in which tapes are looked for by name", "paths", ["tapes"])


def pytest_configure(config: pytest.Config) -> None:
    line = "tape(tape, **options): what the fixture `engine` plays, and how; as wstape.serve() takes it"
    config.addinivalue_line("markers", line)


@pytest.fixture
def serve(request: pytest.FixtureRequest) -> Iterator[Callable[..., Engine]]:
    """Starts engines as ``wstape.serve`` does; they end with the test. Tapes are looked for beside the
    test file, in its folder ``tapes``, and in the folders of the ini option ``wstape_tapes``."""
    engines = request.node.stash.setdefault(_ENGINES, [])
    beside = request.path.parent
    folders = [beside, beside / "tapes", *request.config.getini(_FOLDERS), Path.cwd()]

    def start(tape: Any = None, **options: Any) -> Engine:
        __tracebackhide__ = True
        engine = start_engine(tape, **{"looked_in": folders, **options})
        engines.append(engine)
        return engine

    yield start
    for engine in engines:
        engine.stop()


@pytest.fixture
def engine(request: pytest.FixtureRequest, serve: Callable[..., Engine]) -> Engine:
    """An engine for this test. It plays the tape of the marker ``tape`` or of an indirect parameter, if there
    is one."""
    __tracebackhide__ = True
    marker = request.node.get_closest_marker("tape")
    args, options = (marker.args, marker.kwargs) if marker else ((), {})
    if hasattr(request, "param"):
        args = (request.param,)
    return serve(*args, **options)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Fails a test if an ``expect`` of its tape was played and not met."""
    yield
    for engine in item.stash.get(_ENGINES, []):
        if not engine.running:
            continue
        try:
            verdict = engine.verdict()
            awaits_a_client = engine._awaits_a_client()
        except EngineError as error:
            pytest.fail(str(error), pytrace=False)
        if awaits_a_client:
            pytest.fail("the tape expects something of a client, and never began: the clients it waits for did not connect", pytrace=False)
        if verdict.unmet or verdict.open:
            sentences = [f"  not met: {each}" for each in verdict.not_met]
            if verdict.open:
                sentences.append(f"  not met when the test ended, with time left: {verdict.open}")
            pytest.fail("\n".join(["the tape expects what did not happen", *sentences]), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds what its engines saw to the report of a failed test."""
    report = yield
    if report.failed:
        for engine in item.stash.get(_ENGINES, []):
            if engine.running:
                report.sections.append((f"engine {engine.url}", engine.report()))
    return report
