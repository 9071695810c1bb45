"""What the tests of the package share."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

pytest_plugins = ["pytester"]

BOUND_S = 20.0
"""How long something may take that must come."""


def is_running(pid: int) -> bool:
    """Whether there is such a process, and it is no zombie. Linux alone tells."""
    assert os.path.exists("/proc/self/stat")
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until(is_so: Callable[[], bool], what: str) -> None:
    """Returns once it is so."""
    end = time.monotonic() + BOUND_S
    while not is_so():
        assert time.monotonic() < end, f"not reached within {BOUND_S} s: {what}"
        time.sleep(0.01)


@pytest.fixture
def gone() -> Callable[[int], None]:
    """Returns once the process of that number is gone."""
    return lambda pid: until(lambda: not is_running(pid), f"process {pid} is gone")


@pytest.fixture(autouse=True)
def binary(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other processes start is what this one does, wherever they run."""
    if "WSTAPE_BIN" in os.environ:
        monkeypatch.setenv("WSTAPE_BIN", os.path.abspath(os.environ["WSTAPE_BIN"]))
