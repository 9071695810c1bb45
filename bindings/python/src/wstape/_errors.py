"""What can go wrong; each error has the engine's own message."""

from __future__ import annotations


class EngineError(Exception):
    """The engine did not start, or refused a request."""


class BinaryNotFound(EngineError):
    """The ``wstape`` program was not found."""


class TapeError(EngineError):
    """A tape or a step is invalid; the message shows the line with a caret at the mistake."""


class WaitTimeout(EngineError, TimeoutError):
    """The awaited condition did not hold in time."""


class EngineGone(EngineError):
    """The engine is no longer running."""


# Tracebacks show the name that users import.
for _error in (EngineError, BinaryNotFound, TapeError, WaitTimeout, EngineGone):
    _error.__module__ = "wstape"
