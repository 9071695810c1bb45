"""What the tests of the package share."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

pytest_plugins = ["pytester"]

BOUND_S = 20.0
"""The longest that `until` waits."""


def is_running(pid: int) -> bool:
    """Whether the process exists and is no zombie. Only Linux shows that."""
    assert os.path.exists("/proc/self/stat")
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        # The second is a process that ends between the opening of its file and the reading.
        return False


def until(is_so: Callable[[], bool], what: str) -> None:
    """Returns once the condition holds."""
    end = time.monotonic() + BOUND_S
    while not is_so():
        assert time.monotonic() < end, f"not reached within {BOUND_S} s: {what}"
        time.sleep(0.01)


@pytest.fixture
def gone() -> Callable[[int], None]:
    """Returns once the process with that ID is gone."""
    return lambda pid: until(lambda: not is_running(pid), f"process {pid} is gone")


@pytest.fixture(autouse=True)
def binary(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes child processes start the same program as this one, in any working directory."""
    if "WSTAPE_BIN" in os.environ:
        monkeypatch.setenv("WSTAPE_BIN", os.path.abspath(os.environ["WSTAPE_BIN"]))
