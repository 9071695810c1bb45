"""A small WebSocket client that does what no client should. Standard library only.

    client.py MODE MARK

MARK only serves to find the process in the process table."""

import base64
import os
import signal
import socket
import sys
import time
from urllib.parse import urlsplit

FLOOD_BYTES = 1 << 30
# How long a process that only sleeps lives, whatever becomes of the referee; in seconds.
LIFE_S = 90


def dial(port: int | None = None) -> socket.socket:
    url = urlsplit(os.environ["ENGINE_URL"])
    return socket.create_connection((url.hostname, port or url.port))


def upgrade(connection: socket.socket) -> None:
    key = base64.b64encode(os.urandom(16)).decode()
    path = urlsplit(os.environ["ENGINE_URL"]).path
    connection.sendall(
        f"GET {path} HTTP/1.1\r\nHost: engine\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
    )


def follow() -> None:
    """Stays connected until the connection is lost."""
    with dial() as connection:
        upgrade(connection)
        while connection.recv(65536):
            pass


def follow_for_ever() -> None:
    while True:
        try:
            follow()
        except OSError:
            pass
        time.sleep(0.5)


def nothing() -> None:
    time.sleep(LIFE_S)


def exits() -> None:
    sys.exit(0)


def fails() -> None:
    sys.exit("there is no such setting")


def floods() -> None:
    """Stays connected, and writes a GiB of output meanwhile."""
    line = b"x" * 1023 + b"\n"
    if os.fork() == 0:
        for _ in range(FLOOD_BYTES // (64 * len(line))):
            os.write(1, line * 64)
        os._exit(0)
    follow_for_ever()


def forks() -> None:
    """Leaves children behind that are in other sessions and ignore SIGTERM and SIGHUP."""
    for _ in range(8):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                signal.signal(signal.SIGHUP, signal.SIG_IGN)
                time.sleep(LIFE_S)
            os._exit(0)
    follow_for_ever()


def unmarked() -> None:
    """Leaves children behind that are in other sessions and have an empty environment."""
    for _ in range(4):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.execve(sys.executable, [sys.executable, __file__, "nothing", sys.argv[2]], {})
            os._exit(0)
    follow_for_ever()


def deaf() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    follow_for_ever()


def wrong_port() -> None:
    """Dials a port where nobody listens."""
    free = socket.socket()
    free.bind(("127.0.0.1", 0))
    while True:
        try:
            dial(free.getsockname()[1])
        except OSError:
            time.sleep(0.2)


def http_only() -> None:
    while True:
        with dial() as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: engine\r\n\r\n")
            connection.recv(65536)
        time.sleep(0.5)


def silent() -> None:
    """Connects and sends nothing."""
    connection = dial()
    time.sleep(LIFE_S)
    connection.close()


def kills_its_group() -> None:
    follow()
    os.killpg(0, signal.SIGKILL)


def kills_its_parents_group() -> None:
    follow()
    os.killpg(os.getpgid(os.getppid()), signal.SIGKILL)
    # It lives on, but does not dial: a dial that is seen before the keeper's end would answer E2.
    time.sleep(LIFE_S)


def orphaned_and_kills_its_parents_group() -> None:
    """The same, and leaves a child behind."""
    if os.fork() == 0:
        os.setsid()
        time.sleep(LIFE_S)
        os._exit(0)
    kills_its_parents_group()


if __name__ == "__main__":
    globals()[sys.argv[1]]()
