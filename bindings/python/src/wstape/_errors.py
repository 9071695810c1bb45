"""What can go wrong, each with the engine's own sentence."""

from __future__ import annotations


class EngineError(Exception):
    """The engine did not start, or would not do what it was told."""


class BinaryNotFound(EngineError):
    """There is no ``wstape`` program."""


class TapeError(EngineError):
    """A tape or a step is none; the message shows its line, and a caret at the flaw."""


class WaitTimeout(EngineError, TimeoutError):
    """What was waited for did not come to pass in time."""


class EngineGone(EngineError):
    """The engine runs no more."""


# Reports call them by the name that they are imported by.
for _error in (EngineError, BinaryNotFound, TapeError, WaitTimeout, EngineGone):
    _error.__module__ = "wstape"
