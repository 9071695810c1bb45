"""The engine's process: starting it, and making sure it ends."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from ._binary import find_binary
from ._control import Control
from ._errors import EngineError, TapeError

__tracebackhide__ = True  # in reports of pytest

START_TIMEOUT_S = 30.0
"""How long an engine may take to listen."""

END_TIMEOUT_S = 5.0
"""How long it may take to exit before it is killed."""

_CONTROL_TOKEN = "WSTAPE_CONTROL_TOKEN"
_CLIENT_TOKEN = "WSTAPE_CLIENT_TOKEN"


class Process:
    """``wstape serve`` with one port for its clients and one for the test.

    Its standard input is a pipe, and only this process holds the other end. However this process
    ends, the pipe closes and the engine exits.
    """

    def __init__(self, folder: Path, arguments: Sequence[str], token: str | None) -> None:
        control_token = secrets.token_hex(32)
        environment = {**os.environ, _CONTROL_TOKEN: control_token}
        command = [find_binary(), "serve", *arguments, "--exit-with-stdin"]
        command += ["--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"]
        command += ["--control-token-env", _CONTROL_TOKEN]
        if token is not None:
            environment[_CLIENT_TOKEN] = token
            command += ["--token-env", _CLIENT_TOKEN]
        self._folder = folder
        self._said = folder / "stderr"
        try:
            child = self._started(command, environment)
        except OSError as error:
            raise EngineError(f"{command[0]} can't be started: {error.strerror}") from error
        self._child = child
        self._end = weakref.finalize(self, _end, child, folder, os.getpid())
        _alive.add(self)
        assert child.stdout is not None
        self.url, address = self._listening(child.stdout)
        self.control = Control(address, control_token, self.epitaph)
        self.page = f"http://{address}/#token={control_token}"

    def _started(self, command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        with self._said.open("wb") as said:
            # A session of its own, so that Ctrl-C reaches only the test, which may still ask what happened.
            return subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                cwd=self._folder,
                env=environment,
                start_new_session=sys.platform != "win32",
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )

    def _listening(self, out: IO[bytes]) -> tuple[str, str]:
        """The URL for clients and the control address, as the engine announces them."""
        # If it announces nothing in time, it is killed, which ends its output.
        patience = threading.Timer(START_TIMEOUT_S, self._child.kill)
        patience.daemon = True
        patience.start()
        try:
            lines = [out.readline().decode().strip() for _ in range(2)]
        finally:
            patience.cancel()
        url = lines[0].removeprefix("listening on ")
        address = lines[1].removeprefix("control on http://")
        if not url or not address:
            self._child.wait()
            said = self.said().removeprefix("wstape: ") or self.epitaph()
            self.end()
            raise TapeError(said) if "\n  |\n" in said else EngineError(said)
        return url, address

    @property
    def pid(self) -> int:
        """Its process ID."""
        return self._child.pid

    @property
    def ended(self) -> bool:
        """Whether it was ended by this object."""
        return not self._end.alive

    def said(self) -> str:
        """What it has written to standard error."""
        try:
            return self._said.read_text("utf-8", "replace").strip()
        except OSError:
            return ""

    def epitaph(self) -> str:
        """How it ended."""
        if self.ended:
            return "it was stopped"
        try:
            # It may have exited without having been reaped yet.
            status = self._child.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            return "it still runs"
        said = self.said()
        return f"it ended with status {status}" + (f" and said:\n{said}" if said else "")

    def end(self) -> None:
        """Ends it and waits for it to exit; may be called repeatedly."""
        self._end()

    def let_go(self) -> None:
        """Closes a forked child's copy of the pipe: only the parent keeps the engine alive."""
        if self._child.stdin is not None:
            self._child.stdin.close()
        self._end.detach()


_alive: weakref.WeakSet[Process] = weakref.WeakSet()


def _end(child: subprocess.Popen[bytes], folder: Path, owner: int) -> None:
    if os.getpid() != owner:
        return
    if child.stdin is not None:
        child.stdin.close()
    try:
        child.wait(timeout=END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    if child.stdout is not None:
        child.stdout.close()
    shutil.rmtree(folder, ignore_errors=True)


def _forked() -> None:
    for process in list(_alive):
        process.let_go()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def folder() -> Path:
    """A new folder for an engine's files, deleted with the engine."""
    return Path(tempfile.mkdtemp(prefix="wstape-"))
