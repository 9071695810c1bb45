"""A running engine: what a test can do to it, and ask it."""

from __future__ import annotations

import asyncio
import json
import shutil
import ssl
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from . import _tape
from ._binary import find_binary
from ._control import Control
from ._errors import EngineError, EngineGone
from ._process import Process, folder
from ._tape import Step, TapeLike

if TYPE_CHECKING:
    from ._aio import AsyncEngine

__tracebackhide__ = True  # in reports of pytest

Direction = Literal["both", "to_client", "from_client"]
"""The direction that a fault affects."""

MAX_TOLD_LINES = 200
"""The most lines of a timeline; a longer one shows only its beginning and its end."""


@dataclass(frozen=True)
class Connection:
    """A live connection."""

    conn: int
    """Its number, from 1, in the order in which connections were accepted."""
    phase: str
    """``handshake``, ``hung``, ``answered``, ``not_http``, ``open`` or ``closing``."""
    path: str | None
    """The requested path, with its query."""
    waiting_bytes: int
    """Bytes waiting to be sent to it."""
    held: bool
    """Whether a partition holds its bytes back."""


@dataclass(frozen=True)
class Verdict:
    """The results of the tape's ``expect`` steps."""

    met: int
    unmet: int
    open: int
    """Not met yet, with time left."""
    unseen: int
    """Those that only ``wstape replay`` can check."""
    not_met: list[str]
    """One sentence each for the first unmet ones."""


class Verbs:
    """What a test can do to an engine, and ask it.

    Each verb is a step of a tape, played now. Without ``conn`` it applies to all connections;
    with ``for_ms``, the engine undoes it after that many milliseconds.
    """

    def __init__(self, control: Control) -> None:
        self._control = control

    def steps(self, steps: Iterable[Step] | Step) -> None:
        """Plays one step or several; if one is invalid, none is played. ``at_ms`` counts from now.

        Raises:
            TapeError: one of them is not a valid step.
        """
        self._control.json("POST", "/v1/steps", _tape.text(steps))

    def _now(self, conn: int | None = None, for_ms: float | None = None, **step: Any) -> None:
        """Plays a step literally: a ``${`` in it is not a reference."""
        if "mark" not in step:  # its name never holds references
            step = _tape.literal(step)
        members = {"at_ms": 0, "conn": conn, "for_ms": for_ms}
        line = {name: value for name, value in members.items() if value is not None} | step
        self._control.json("POST", "/v1/steps", _tape.line(line))

    # What the engine sends.

    def send(self, value: Any, *, conn: int | None = None) -> None:
        """Sends a value as JSON, in a text message."""
        self._now(conn, json=value)

    def send_text(self, text: str, *, conn: int | None = None) -> None:
        """Sends a text message, JSON or not."""
        self._now(conn, text=text)

    def send_bytes(self, data: bytes, *, conn: int | None = None) -> None:
        """Sends a binary message."""
        self._now(conn, binary=b64encode(data).decode())

    def close(self, code: int, reason: str = "", *, conn: int | None = None) -> None:
        """Sends a WebSocket Close. (``stop`` ends the engine.)"""
        self._now(conn, close={"code": code, "reason": reason})

    def mark(self, name: str) -> None:
        """Adds a named mark to the timeline."""
        self._now(mark=name)

    # What the engine and the network do to clients.

    def drop(self, how: Literal["reset", "fin"] = "reset", *, conn: int | None = None) -> None:
        """Drops connections without a closing handshake."""
        self._now(conn, drop=how)

    def partition(
        self, direction: Direction = "both", *, conn: int | None = None, for_ms: float | None = None
    ) -> None:
        """Holds all bytes back without a FIN or a reset: a half-open link."""
        self._now(conn, for_ms, partition=direction)

    def heal(self, *, conn: int | None = None) -> None:
        """Ends a partition; what was held back is delivered."""
        self._now(conn, partition="none")

    def latency(
        self,
        ms: float,
        *,
        direction: Direction = "both",
        conn: int | None = None,
        for_ms: float | None = None,
    ) -> None:
        """Delays all bytes by this many milliseconds in each affected direction; 0 undoes it."""
        way = {} if direction == "both" else {"direction": direction}
        self._now(conn, for_ms, latency_ms=ms, **way)

    def bandwidth(
        self,
        bytes_per_s: int | None,
        *,
        direction: Direction = "both",
        conn: int | None = None,
        for_ms: float | None = None,
    ) -> None:
        """Limits the link to this many bytes a second; ``None`` undoes it."""
        way = {} if direction == "both" else {"direction": direction}
        self._now(conn, for_ms, bytes_per_s=bytes_per_s, **way)

    def refuse(
        self,
        status: int | None = 503,
        *,
        times: int | None = None,
        for_ms: float | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> None:
        """Answers the next handshakes with this status instead of 101; ``None`` undoes it."""
        counted = {} if times is None else {"times": times}
        if status is None:
            self._now(None, for_ms, refuse=None, **counted)
            return
        refusal: dict[str, Any] = {"status": status}
        if headers is not None:
            refusal["headers"] = dict(headers)
        if body is not None:
            refusal["body"] = body
        self._now(None, for_ms, refuse=refusal, **counted)

    def hang(self, on: bool = True, *, times: int | None = None, for_ms: float | None = None) -> None:
        """Accepts connections and never answers them."""
        counted = {} if times is None else {"times": times}
        self._now(None, for_ms, hang=on, **counted)

    def down(self, *, for_ms: float | None = None) -> None:
        """Resets open connections, and refuses every dial until ``up``."""
        self._now(None, for_ms, down=True)

    def up(self) -> None:
        """Accepts dials again."""
        self._now(down=False)

    def pongs(self, how: Literal["auto", "withheld"], *, for_ms: float | None = None) -> None:
        """Whether the engine answers Pings."""
        self._now(None, for_ms, pongs=how)

    def clear(self) -> None:
        """Undoes every fault set by a verb; the tape's own stay."""
        self._control.json("DELETE", "/v1/faults")

    # What the engine knows.

    def wait_for(
        self,
        *,
        connections: int | None = None,
        open: int | None = None,
        messages: int | None = None,
        received: Mapping[str, Any] | None = None,
        timeout: float = 10.0,
    ) -> None:
        """Waits until all of these conditions hold.

        Args:
            connections: at least this many have been upgraded in total, including those that have ended.
            open: at least this many are open.
            messages: clients have sent at least this many in total.
            received: a client has sent this, such as ``{"kind": "text", "text": "hello"}``; as in an ``expect``
                of a tape.
            timeout: in seconds, at most ten minutes.

        Raises:
            WaitTimeout: they did not hold in time.
            RuntimeError: an event loop is running in this thread, so waiting would block what it waits for.
        """
        if _in_event_loop():
            raise RuntimeError(
                "engine.wait_for() would hold up the event loop that runs here: await engine.aio.wait_for() instead"
            )
        wanted = {"connections": connections, "open": open, "messages": messages, "received": received}
        body = {name: value for name, value in wanted.items() if value is not None}
        body["timeout_ms"] = max(0, round(timeout * 1000))
        self._control.json("POST", "/v1/wait", _tape.line(body), timeout=timeout)

    def waiting(self) -> int:
        """How many requests are waiting for a condition."""
        return int(self._control.json("GET", "/v1/engine")["waiting"])

    def connections(self) -> list[Connection]:
        """The live connections."""
        found: list[Connection] = []
        start: int | None = 0
        while start is not None:
            answer = self._control.json("GET", f"/v1/connections?from={start}")
            found += [Connection(**each) for each in answer["connections"]]
            start = answer["next"]
        return found

    def journal(self) -> list[dict[str, Any]]:
        """What happened, in order: the entries of the newest 16 MiB, as ``docs/journal.md`` describes them."""
        lines = self._control.text("GET", "/v1/journal").splitlines()
        entries = [json.loads(line) for line in lines]
        return [entry for entry in entries if "kind" in entry]

    def received(self, *, conn: int | None = None) -> list[str | bytes]:
        """What clients have sent, in order: text and binary frames, up to 16 KiB of each."""
        found: list[str | bytes] = []
        for entry in self.journal():
            if entry["kind"] != "received" or conn not in (None, entry.get("conn")):
                continue
            if entry.get("frame") == "text":
                found.append(entry.get("text", ""))
            elif entry.get("frame") == "binary":
                found.append(b64decode(entry.get("binary", "")))
        return found

    def timeline(self) -> str:
        """What happened, in readable form: connections, the gaps between them, and a line for each event."""
        return _page(self._control.text("GET", "/v1/journal"))

    def verdict(self) -> Verdict:
        """The results so far of the tape's ``expect`` steps."""
        answer = self._control.json("GET", "/v1/verdict")
        answer["not_met"] = [each["text"] for each in answer["not_met"]]
        return Verdict(**answer)

    def put_tape(self, tape: Iterable[Step]) -> None:
        """Plays another tape from its start, now; connections stay open."""
        self._control.json("PUT", "/v1/tape", _tape.text(tape))


class Engine(Verbs):
    """A running engine. ``serve`` starts it; ``stop``, or the end of a ``with`` block, ends it."""

    def __init__(self, process: Process, ca: Path | None, tapes: Sequence[Path] = ()) -> None:
        super().__init__(process.control)
        self._process = process
        self._tapes = tapes
        self.url: str = process.url
        """Where clients connect: ``ws://127.0.0.1:PORT/ws``, and any other path as well."""
        self.ca: Path | None = ca
        """The file of its CA certificate, in PEM, if it speaks TLS."""

    @cached_property
    def aio(self) -> AsyncEngine:
        """The same verbs for coroutines."""
        from ._aio import AsyncEngine

        return AsyncEngine(self)

    @property
    def page(self) -> str:
        """URL of a page that shows the run live and can steer it, for example while a debugger has stopped the test."""
        return self._process.page

    @property
    def pid(self) -> int:
        """The engine's process ID."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not been stopped."""
        return not self._process.ended

    def _awaits_a_client(self) -> bool:
        """Whether its tapes expect something of a client, but none has started because no client connected."""
        began = self._control.json("GET", "/v1/engine")["began"]
        return not began and any(map(_tape.expects, self._tapes))

    def ssl_context(self) -> ssl.SSLContext:
        """An SSL context that trusts the engine's CA, for clients of an engine with ``tls=True``."""
        return ssl.create_default_context(cafile=None if self.ca is None else str(self.ca))

    def report(self) -> str:
        """The timeline and what the engine wrote to stderr; if the engine is gone, why."""
        try:
            # Extends the timeline to now, so that it shows how long no client has come.
            self.mark("this report")
            told = self.timeline()
        except EngineGone as error:
            return str(error)
        said = self._process.said()
        return told + (f"\nthe engine said\n{said}\n" if said else "")

    def stop(self) -> None:
        """Stops the engine and waits for its process to exit."""
        self._process.end()

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<wstape.Engine {self.url}>"


def serve(
    tape: TapeLike = None,
    *,
    overlays: Sequence[TapeLike] = (),
    start: str | None = None,
    speed: float | Literal["max"] = 1,
    loop: bool = False,
    shift_ts: bool = False,
    token: str | None = None,
    tls: bool = False,
    name: str | None = None,
    args: Sequence[str] = (),
    looked_in: Sequence[Path] = (),
) -> Engine:
    """Starts an engine on a free local port.

    Args:
        tape: what to play: a path, the text of a tape, its steps, or nothing. Steps without a header may use all
            that ``"needs": ["dialogue"]`` allows.
        overlays: tapes to lay over it.
        start: when the tape starts: ``"first-connection"``, ``"now"``, or ``"connections:2"`` once two clients
            are connected.
        speed: a factor, or ``"max"``.
        loop: start over at the tape's end.
        shift_ts: set each event's ``ts`` to the time at which it is played.
        token: bearer token that clients must present.
        tls: speak ``wss``; ``ssl_context`` trusts it.
        name: which engine's steps to play, if the tape is for several.
        args: further arguments of ``wstape serve``.
        looked_in: folders to search for a relative path; by default the current one.

    Raises:
        TapeError: a tape is invalid or missing.
        BinaryNotFound: the ``wstape`` program was not found.
        EngineError: the engine did not start.
    """
    files = folder()
    try:
        places = [Path(each) for each in looked_in] or [Path.cwd()]
        arguments = [_tape.file(tape, files, "tape.jsonl", places)]
        tapes = [files / arguments[0]]
        for number, overlay in enumerate(overlays, 1):
            path = _tape.file(overlay, files, f"overlay-{number}.jsonl", places)
            arguments += ["--overlay", path]
            tapes.append(files / path)
        arguments += ["--speed", str(speed)]
        if start is not None:
            arguments += ["--start", start]
        if loop:
            arguments += ["--loop"]
        if shift_ts:
            arguments += ["--ts", "shift"]
        if name is not None:
            arguments += ["--engine", name]
        if tls:
            arguments += ["--tls", "--tls-ca", "ca.pem"]
        process = Process(files, [*arguments, *args], token)
    except BaseException:
        shutil.rmtree(files, ignore_errors=True)
        raise
    return Engine(process, files / "ca.pem" if tls else None, tapes)


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _page(journal: str) -> str:
    """A journal as ``wstape journal --timeline`` prints it."""
    command = [find_binary(), "journal", "--timeline", "-"]
    done = subprocess.run(command, input=journal.encode(), capture_output=True, timeout=60, check=False)
    told = done.stdout.decode().removeprefix("-: ")
    if not told:
        raise EngineError(done.stderr.decode().strip())
    lines = told.splitlines(keepends=True)
    if len(lines) > MAX_TOLD_LINES:
        left_out = len(lines) - MAX_TOLD_LINES
        half = MAX_TOLD_LINES // 2
        lines[half:-half] = [f"… {left_out} lines more; engine.journal() has them all …\n"]
    return "".join(lines)
