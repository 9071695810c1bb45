"""However a test ends, its engine ends too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import wstape
from conftest import until

Gone = Callable[[int], None]

WAITS = """
import os, sys, time
import wstape

def test_it_waits(engine):
    with open("pid", "w") as file:
        file.write(str(engine.pid))
    os.rename("pid", "pid.whole")
    engine.wait_for(connections=1, timeout=500)
"""


def heeds_interrupts() -> None:
    """Undoes what a shell does to background jobs: they ignore Ctrl-C, and so would what these tests start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def started(folder: Path, *options: str) -> tuple[subprocess.Popen[bytes], int]:
    """A pytest process whose test runs an engine, and the engine's process ID."""
    (folder / "test_waits.py").write_text(WAITS)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    child = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, preexec_fn=heeds_interrupts)
    try:
        until(lambda: (folder / "pid.whole").exists(), "the engine runs")
    except BaseException:
        child.kill()
        raise
    return child, int((folder / "pid.whole").read_text())


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGABRT])
def test_a_pytest_that_is_ended_leaves_no_engine(how: signal.Signals, tmp_path: Path, gone: Gone) -> None:
    child, pid = started(tmp_path)
    child.send_signal(how)
    out, _ = child.communicate(timeout=60)
    gone(pid)
    if how == signal.SIGINT:
        assert b"KeyboardInterrupt" in out


def test_workers_of_xdist_that_are_killed_leave_no_engine(tmp_path: Path, gone: Gone) -> None:
    pytest.importorskip("xdist")
    child, pid = started(tmp_path, "-n", "2")
    child.kill()
    child.communicate()
    gone(pid)


def test_an_interpreter_that_ends_without_stopping_it_leaves_no_engine(gone: Gone) -> None:
    script = "import wstape; engine = wstape.serve(); print(engine.pid)"
    for ending in ("", "; import os; os._exit(1)", "; del engine; import gc; gc.collect()", "; 1 / 0"):
        done = subprocess.run([sys.executable, "-c", script + ending], capture_output=True, text=True)
        gone(int(done.stdout))


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_neither_ends_the_engine_nor_keeps_it(gone: Gone) -> None:
    end, other = os.pipe()
    engine = wstape.serve()
    child = os.fork()
    if child == 0:
        os.close(other)
        # It lives as long as its parent holds the pipe, then stops its engine as at exit.
        os.read(end, 1)
        engine.stop()
        os._exit(0)
    os.close(end)
    try:
        assert engine.connections() == []
        engine.stop()
        gone(engine.pid)
        assert engine._process._child.returncode == 0, "it had to be killed"
    finally:
        os.close(other)
        os.waitpid(child, 0)


@pytest.mark.skipif(not hasattr(os, "getsid"), reason="there are no sessions")
def test_ctrl_c_in_a_terminal_does_not_reach_the_engine(engine: wstape.Engine) -> None:
    assert os.getsid(engine.pid) != os.getsid(0)


def test_nothing_of_it_stays_on_disk() -> None:
    with wstape.serve([{"at_ms": 0, "mark": "a"}]) as engine:
        folder = engine._process._folder
        assert folder.is_dir()
    assert not folder.exists()
    with pytest.raises(wstape.TapeError):
        wstape.serve(["no step"])  # type: ignore[list-item]
