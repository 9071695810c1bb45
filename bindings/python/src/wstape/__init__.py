"""A mock WebSocket engine, driven from Python.

    with wstape.serve() as engine:
        client = connect(engine.url)
        engine.drop()
        engine.wait_for(connections=2)

With pytest, take the fixture ``engine``: each test gets a new one, and a failing test's report has
the timeline of its connections. In a coroutine, ``await engine.aio.wait_for(connections=2)``.

A map: ``_engine`` has an engine's verbs and queries, ``_aio`` the same for coroutines, ``_process``
starts and ends it, ``_control`` talks to it, ``_tape`` and ``_binary`` find the tape and the program,
``pytest_plugin`` has the fixtures.
"""

from ._aio import AsyncEngine
from ._engine import Connection, Engine, Verdict, serve
from ._errors import BinaryNotFound, EngineError, EngineGone, TapeError, WaitTimeout
from ._tape import TapeLike

__all__ = [
    "AsyncEngine",
    "BinaryNotFound",
    "Connection",
    "Engine",
    "EngineError",
    "EngineGone",
    "TapeError",
    "TapeLike",
    "Verdict",
    "WaitTimeout",
    "serve",
]
