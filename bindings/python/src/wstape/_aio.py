"""The verbs of an engine, for coroutines."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

from ._engine import Engine, Verbs
from ._errors import EngineError

__tracebackhide__ = True  # in reports of pytest

P = ParamSpec("P")
T = TypeVar("T")


def _awaited(
    verb: Callable[Concatenate[Verbs, P], T],
) -> Callable[Concatenate[AsyncEngine, P], Coroutine[Any, Any, T]]:
    """The same verb in a thread of its own; cancelling the task cancels the request."""

    @functools.wraps(verb)
    async def method(self: AsyncEngine, /, *args: P.args, **kwargs: P.kwargs) -> T:
        control = self._engine._control.fork()
        try:
            return await asyncio.to_thread(verb, Verbs(control), *args, **kwargs)
        except asyncio.CancelledError:
            control.give_up()
            raise
        except EngineError as error:
            # Hide the frames of the worker thread.
            raise error.with_traceback(None) from None

    return method


class AsyncEngine:
    """The verbs of ``Engine`` for coroutines. Nothing here blocks the event loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.url = engine.url

    steps = _awaited(Verbs.steps)
    send = _awaited(Verbs.send)
    send_text = _awaited(Verbs.send_text)
    send_bytes = _awaited(Verbs.send_bytes)
    close = _awaited(Verbs.close)
    mark = _awaited(Verbs.mark)
    drop = _awaited(Verbs.drop)
    partition = _awaited(Verbs.partition)
    heal = _awaited(Verbs.heal)
    latency = _awaited(Verbs.latency)
    bandwidth = _awaited(Verbs.bandwidth)
    refuse = _awaited(Verbs.refuse)
    hang = _awaited(Verbs.hang)
    down = _awaited(Verbs.down)
    up = _awaited(Verbs.up)
    pongs = _awaited(Verbs.pongs)
    clear = _awaited(Verbs.clear)
    wait_for = _awaited(Verbs.wait_for)
    connections = _awaited(Verbs.connections)
    journal = _awaited(Verbs.journal)
    received = _awaited(Verbs.received)
    timeline = _awaited(Verbs.timeline)
    verdict = _awaited(Verbs.verdict)
    put_tape = _awaited(Verbs.put_tape)
