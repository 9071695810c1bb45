"""Finds the ``wstape`` program."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path

from ._errors import BinaryNotFound

__tracebackhide__ = True  # in reports of pytest

VARIABLE = "WSTAPE_BIN"
"""The environment variable that names the program; it is checked first."""

_NAME = "wstape.exe" if sys.platform == "win32" else "wstape"


def find_binary() -> str:
    """The path of the program: ``WSTAPE_BIN``, else the one that was installed with this package, else
    the first in ``PATH``.

    Raises:
        BinaryNotFound: it is in none of these places.
    """
    named = os.environ.get(VARIABLE)
    if named:
        found = shutil.which(named)
        if found is None:
            raise BinaryNotFound(f"{VARIABLE} is {named!r}, which is no program that can be run")
        return os.path.abspath(found)
    package = Path(__file__).resolve().parent
    folders = [
        Path(sysconfig.get_path("scripts")),
        Path(sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user"))),
        # Where `pip install --target` and `--prefix` put it.
        package.parent / "bin",
        *(package.parents[3] / name for name in ("bin", "Scripts") if len(package.parents) > 3),
    ]
    for folder in folders:
        if os.access(folder / _NAME, os.X_OK):
            return str(folder / _NAME)
    found = shutil.which(_NAME)
    if found is None:
        raise BinaryNotFound(
            "there is no `wstape` program: `pip install wstape` brings one, `cargo install --path crates/wstape` in "
            f"a checkout builds one, and the environment variable {VARIABLE} can name one that is elsewhere"
        )
    return os.path.abspath(found)
