"""Requests to a running engine."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from typing import Any, Callable

from ._errors import EngineError, EngineGone, TapeError, WaitTimeout

__tracebackhide__ = True  # in reports of pytest

REQUEST_TIMEOUT_S = 30.0
"""How long an answer is waited for that is not itself a wait."""


class Control:
    """Speaks to one engine; a connection for each request, so that threads need not agree on one."""

    def __init__(self, address: str, token: str, epitaph: Callable[[], str]) -> None:
        self._address = address
        self._token = token
        self._epitaph = epitaph
        self._lock = threading.Lock()
        self._open: http.client.HTTPConnection | None = None
        self._given_up = False

    def fork(self) -> Control:
        """Another to the same engine, to be given up on its own."""
        return Control(self._address, self._token, self._epitaph)

    def give_up(self) -> None:
        """Ends the request that another thread has made, and lets it make none any more."""
        with self._lock:
            self._given_up = True
            if self._open is not None and self._open.sock is not None:
                try:
                    self._open.sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    # It has ended by itself.
                    pass

    def json(self, method: str, path: str, body: str | None = None, *, timeout: float = 0.0) -> Any:
        """The answer's value; ``None`` where it has none."""
        answer = self.text(method, path, body, timeout=timeout)
        return json.loads(answer) if answer else None

    def text(self, method: str, path: str, body: str | None = None, *, timeout: float = 0.0) -> str:
        """The answer, which may take ``timeout`` seconds longer than usual.

        Raises:
            EngineGone: there is no answer.
            WaitTimeout, TapeError, EngineError: it is the engine's sentence.
        """
        connection = http.client.HTTPConnection(self._address, timeout=REQUEST_TIMEOUT_S + timeout)
        try:
            with self._lock:
                if self._given_up:
                    raise EngineGone("the request was given up")
                connection.connect()
                self._open = connection
            headers = {"Authorization": f"Bearer {self._token}"}
            connection.request(method, path, None if body is None else body.encode(), headers)
            answer = connection.getresponse()
            said = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise EngineGone(f"the engine does not answer ({error}); {self._epitaph()}") from None
        finally:
            with self._lock:
                self._open = None
            connection.close()
        if answer.status < 300:
            return said
        raise _error(answer.status, path, said)


def _error(status: int, path: str, said: str) -> EngineError:
    """The engine's sentence as an exception."""
    try:
        problem = json.loads(said)
        sentence = problem.get("report") or problem["error"]
    except (ValueError, KeyError, AttributeError):
        return EngineError(f"{path} was answered with {status}: {said[:200]}")
    if status == 408 and path == "/v1/wait":
        return WaitTimeout(sentence)
    return TapeError(sentence) if "report" in problem else EngineError(sentence)
