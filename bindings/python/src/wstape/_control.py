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
"""How long to wait for an answer, except for requests that wait themselves."""


class Control:
    """Talks to one engine. Each request has its own connection, so threads need not share one."""

    def __init__(self, address: str, token: str, epitaph: Callable[[], str]) -> None:
        self._address = address
        self._token = token
        self._epitaph = epitaph
        self._lock = threading.Lock()
        self._open: http.client.HTTPConnection | None = None
        self._given_up = False

    def fork(self) -> Control:
        """Another one for the same engine, which can be given up independently."""
        return Control(self._address, self._token, self._epitaph)

    def give_up(self) -> None:
        """Aborts the request that another thread is making, and refuses any further ones."""
        with self._lock:
            self._given_up = True
            if self._open is not None and self._open.sock is not None:
                try:
                    self._open.sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    # It has already ended.
                    pass

    def json(self, method: str, path: str, body: str | None = None, *, timeout: float = 0.0) -> Any:
        """The answer's JSON value; ``None`` if it is empty."""
        answer = self.text(method, path, body, timeout=timeout)
        return json.loads(answer) if answer else None

    def text(self, method: str, path: str, body: str | None = None, *, timeout: float = 0.0) -> str:
        """The answer, which may take ``timeout`` seconds longer than usual.

        Raises:
            EngineGone: no answer came.
            WaitTimeout, TapeError, EngineError: the engine refused, with this message.
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
    """The engine's error message as an exception."""
    try:
        problem = json.loads(said)
        sentence = problem.get("report") or problem["error"]
    except (ValueError, KeyError, AttributeError):
        return EngineError(f"{path} was answered with {status}: {said[:200]}")
    if status == 408 and path == "/v1/wait":
        return WaitTimeout(sentence)
    return TapeError(sentence) if "report" in problem else EngineError(sentence)
