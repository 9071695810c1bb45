"""An engine that runs: what it can be told, and asked."""

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
"""Which way a fault lies."""

MAX_TOLD_LINES = 200
"""Longest report; of a longer one the beginning and the end are shown."""


@dataclass(frozen=True)
class Connection:
    """A live connection."""

    conn: int
    """Its number, from 1, in the order in which connections were accepted."""
    phase: str
    """``handshake``, ``hung``, ``answered``, ``not_http``, ``open`` or ``closing``."""
    path: str | None
    """What it asked for, with its query."""
    waiting_bytes: int
    """What waits to be sent to it."""
    held: bool
    """Whether a partition holds it."""


@dataclass(frozen=True)
class Verdict:
    """What became of each ``expect`` of the tape."""

    met: int
    unmet: int
    open: int
    """Those that are not met yet, and whose time is not over."""
    unseen: int
    """Those that only ``wstape replay`` can judge."""
    not_met: list[str]
    """A sentence for each of the first that were not met."""


class Verbs:
    """What an engine can be told and asked.

    Each verb is a step of a tape, played now. Where ``conn`` is not given it is for all connections;
    where ``for_ms`` is, the engine undoes it by itself after so many milliseconds.
    """

    def __init__(self, control: Control) -> None:
        self._control = control

    def steps(self, steps: Iterable[Step] | Step) -> None:
        """Plays steps, or one: all of them, or none. ``at_ms`` counts from now.

        Raises:
            TapeError: one of them is none.
        """
        self._control.json("POST", "/v1/steps", _tape.text(steps))

    def _now(self, conn: int | None = None, for_ms: float | None = None, **step: Any) -> None:
        """Plays a step as it stands: a ``${`` in it is no reference."""
        if "mark" not in step:  # whose name holds no references
            step = _tape.literal(step)
        members = {"at_ms": 0, "conn": conn, "for_ms": for_ms}
        line = {name: value for name, value in members.items() if value is not None} | step
        self._control.json("POST", "/v1/steps", _tape.line(line))

    # What the engine says.

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
        """Sends a WebSocket Close; ``stop`` ends the engine."""
        self._now(conn, close={"code": code, "reason": reason})

    def mark(self, name: str) -> None:
        """Puts a name into the timeline."""
        self._now(mark=name)

    # What the engine and the network do.

    def drop(self, how: Literal["reset", "fin"] = "reset", *, conn: int | None = None) -> None:
        """Ends connections without a closing handshake."""
        self._now(conn, drop=how)

    def partition(
        self, direction: Direction = "both", *, conn: int | None = None, for_ms: float | None = None
    ) -> None:
        """Holds all bytes, without a FIN or a reset: a half-open link."""
        self._now(conn, for_ms, partition=direction)

    def heal(self, *, conn: int | None = None) -> None:
        """Ends a partition: what was held goes on."""
        self._now(conn, partition="none")

    def latency(
        self,
        ms: float,
        *,
        direction: Direction = "both",
        conn: int | None = None,
        for_ms: float | None = None,
    ) -> None:
        """Delays all bytes by so much, one way; 0 undoes it."""
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
        """Lets so many bytes a second through; ``None`` undoes it."""
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
        """Answers the next handshakes with a status instead of 101; ``None`` undoes it."""
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
        """Takes connections and never answers them."""
        counted = {} if times is None else {"times": times}
        self._now(None, for_ms, hang=on, **counted)

    def down(self, *, for_ms: float | None = None) -> None:
        """Resets what is open, and refuses every dial until ``up``."""
        self._now(None, for_ms, down=True)

    def up(self) -> None:
        """Listens again."""
        self._now(down=False)

    def pongs(self, how: Literal["auto", "withheld"], *, for_ms: float | None = None) -> None:
        """Whether the engine answers Pings."""
        self._now(None, for_ms, pongs=how)

    def clear(self) -> None:
        """Undoes every fault that was set by a verb; those of the tape stay."""
        self._control.json("DELETE", "/v1/faults")

    # What it knows.

    def wait_for(
        self,
        *,
        connections: int | None = None,
        open: int | None = None,
        messages: int | None = None,
        received: Mapping[str, Any] | None = None,
        timeout: float = 10.0,
    ) -> None:
        """Waits until all of this is so.

        Args:
            connections: so many were upgraded in all, those that ended since included.
            open: so many are open at least.
            messages: clients have sent so many in all.
            received: a client has sent this, such as ``{"kind": "text", "text": "hello"}``; as in an ``expect``
                of a tape.
            timeout: seconds; ten minutes at most.

        Raises:
            WaitTimeout: it was not so in time.
            RuntimeError: an event loop runs in this thread, and what is waited for could not happen.
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
        """How many requests wait for something to be so."""
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
        """What happened, in order: of the newest 16 MiB, entries as ``docs/journal.md`` has them."""
        lines = self._control.text("GET", "/v1/journal").splitlines()
        entries = [json.loads(line) for line in lines]
        return [entry for entry in entries if "kind" in entry]

    def received(self, *, conn: int | None = None) -> list[str | bytes]:
        """What clients have sent, in order: text and binary frames, of each the first 16 KiB."""
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
        """What happened, for people: connections, gaps between them, and a line for each thing."""
        return _page(self._control.text("GET", "/v1/journal"))

    def verdict(self) -> Verdict:
        """What has become of each ``expect`` of the tape until now."""
        answer = self._control.json("GET", "/v1/verdict")
        answer["not_met"] = [each["text"] for each in answer["not_met"]]
        return Verdict(**answer)

    def put_tape(self, tape: Iterable[Step]) -> None:
        """Plays another tape from its beginning, now; connections stay open."""
        self._control.json("PUT", "/v1/tape", _tape.text(tape))


class Engine(Verbs):
    """An engine that runs. ``serve`` starts it; ``stop``, or the end of a ``with`` block, ends it."""

    def __init__(self, process: Process, ca: Path | None, tapes: Sequence[Path] = ()) -> None:
        super().__init__(process.control)
        self._process = process
        self._tapes = tapes
        self.url: str = process.url
        """Where clients connect: ``ws://127.0.0.1:PORT/ws``, and any other path as well."""
        self.ca: Path | None = ca
        """The certificate of the authority behind its own, in PEM, where it speaks TLS."""

    @cached_property
    def aio(self) -> AsyncEngine:
        """The same verbs, to be awaited."""
        from ._aio import AsyncEngine

        return AsyncEngine(self)

    @property
    def page(self) -> str:
        """URL of a page that shows the run live, and steers it: for whoever stands still in a debugger."""
        return self._process.page

    @property
    def pid(self) -> int:
        """Number of the engine's process."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether nobody has stopped it."""
        return not self._process.ended

    def _awaits_a_client(self) -> bool:
        """Whether its tapes expect something of a client, and none of them has begun, for none connected."""
        began = self._control.json("GET", "/v1/engine")["began"]
        return not began and any(map(_tape.expects, self._tapes))

    def ssl_context(self) -> ssl.SSLContext:
        """A context that trusts it, for clients of an engine with ``tls=True``."""
        return ssl.create_default_context(cafile=None if self.ca is None else str(self.ca))

    def report(self) -> str:
        """The timeline, and what the engine has said; where it is gone, why."""
        try:
            # So that it goes on until now, and says for how long nobody came.
            self.mark("this report")
            told = self.timeline()
        except EngineGone as error:
            return str(error)
        said = self._process.said()
        return told + (f"\nthe engine said\n{said}\n" if said else "")

    def stop(self) -> None:
        """Ends the engine, and waits until its process is gone."""
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
    """Starts an engine on a free port of this machine.

    Args:
        tape: what it plays: a path, the text of a tape, its steps, or nothing. Steps without a header may use all
            that ``"needs": ["dialogue"]`` brings.
        overlays: tapes laid over it.
        start: when the tape begins: ``"first-connection"``, ``"now"``, or ``"connections:2"`` once so many clients
            are connected.
        speed: a factor, or ``"max"``.
        loop: begin the tape anew at its end.
        shift_ts: move each event's ``ts`` to when it is played.
        token: bearer token that clients must bring.
        tls: speak ``wss``; ``ssl_context`` trusts it.
        name: play the steps of this engine, of a tape for several.
        args: further arguments of ``wstape serve``.
        looked_in: folders in which a relative path is looked for; by default the current one.

    Raises:
        TapeError: a tape is none, or not there.
        BinaryNotFound: there is no ``wstape`` program.
        EngineError: the engine would not start.
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
    """A journal as the program tells it."""
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
