"""Tapes: files, names of files, and lists of steps."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Union

from ._errors import TapeError

__tracebackhide__ = True  # in reports of pytest

Step = Mapping[str, Any]
"""A line of a tape, such as ``{"at_ms": 1000, "drop": "reset"}``."""

TapeLike = Union[str, "os.PathLike[str]", Iterable[Step], Step, None]
"""A path, the text of a tape (starting with ``{``), its steps, a single step, or ``None`` for an empty tape."""

HEADER: Step = {"tape": 1, "needs": ["dialogue"]}
"""The header for steps that bring none: it allows everything that an engine can do."""


def line(value: object) -> str:
    """A value as JSON on one line.

    Raises:
        ValueError, TypeError: it can't be written as JSON.
    """
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def literal(value: Any) -> Any:
    """Escapes ``${`` in a value's strings, which a tape would read as a reference; keys need no escaping."""
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, Mapping):
        return {name: literal(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [literal(item) for item in value]
    return value


def text(steps: Iterable[Step] | Step) -> str:
    """The lines of a tape, header first, from its steps or a single step."""
    lines = [steps] if isinstance(steps, Mapping) else list(steps)
    if not lines or "tape" not in lines[0]:
        lines.insert(0, HEADER)
    return "".join(line(each) + "\n" for each in lines)


def file(tape: TapeLike, folder: Path, name: str, looked_in: Iterable[Path]) -> str:
    """The path of a tape, which is first written into ``folder`` unless it is a file already.

    Raises:
        TapeError: the file does not exist.
    """
    if tape is None:
        tape = ()
    if isinstance(tape, (str, os.PathLike)):
        named = os.fspath(tape)
        if not named.lstrip().startswith("{"):
            return str(_found(named, list(looked_in)))
        content = named
    else:
        content = text(tape)
    (folder / name).write_text(content, encoding="utf-8", newline="")
    return name


def expects(path: Path) -> bool:
    """Whether a tape has an ``expect``; false if it can't be read."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as lines:
            return any(b'"expect"' in each and "expect" in json.loads(each) for each in lines)
    except (OSError, ValueError):
        return False


def _found(name: str, folders: list[Path]) -> Path:
    """The first file with that name, with or without ``.jsonl``."""
    for folder in folders:
        for candidate in (folder / name, folder / f"{name}.jsonl"):
            if candidate.exists() and not candidate.is_dir():
                return candidate.resolve()
    names = repr(name) if name.endswith(".jsonl") else f"{name!r} or {name + '.jsonl'!r}"
    places = "" if os.path.isabs(name) else " in " + ", ".join(dict.fromkeys(map(str, folders)))
    raise TapeError(f"there is no tape {names}{places}")
