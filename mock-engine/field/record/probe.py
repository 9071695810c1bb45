"""A WebSocket client on a raw socket. It tells a FIN from a reset, and records when each event came.

Its record is a list of lines, `SECONDS WHAT`, in the words of an overlay's `x-seen`:

    0.1 close 1012          a Close, and its code; `close` if it has none
    0.1 end                 FIN or RST after a Close that the probe answered; which one is chance
    3.0 fin                 the end of the stream
    3.0 fin in a frame      the same, with a frame half received
    3.0 reset               connection reset
    20.0 ping               a Ping, which is answered unless the probe is deaf
    1.0 dial refused        a dial a second after the event
    1.0 dial 101
    1.0 dial 502, 157 bytes, stays      an answer, its body, and whether the stream ends after it
    1.0 dial 503 after 3.0, 107 bytes, stays
    1.0 dial nothing, reset after 2.3   accepted, and never answered
"""

import base64
import os
import socket
import struct
import threading
import time

CLOSE, PING, PONG = 8, 9, 10

# How long to watch a refused connection for its end, and how long to wait for a dial's answer, in seconds.
STAYS_S = 1.5
ANSWER_S = 20.0


def request(port, host=None, path="/"):
    key = base64.b64encode(os.urandom(16)).decode()
    host = host or f"127.0.0.1:{port}"
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    ).encode()


def masked(opcode, payload):
    return bytes([0x80 | opcode, 0x80 | len(payload), 0, 0, 0, 0]) + payload


def read_head(sock):
    """The head of an answer, and the bytes after it."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        if not more:
            raise EOFError(data)
        data += more
    head, rest = data.split(b"\r\n\r\n", 1)
    return head.decode("latin-1"), rest


class Client:
    """An open connection, and the lines of what happens on it."""

    def __init__(self, port, host=None, path="/", deaf=False):
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.sendall(request(port, host, path))
        head, self.data = read_head(self.sock)
        assert " 101 " in head.split("\r\n")[0] + " ", head
        self.deaf, self.lines, self.over = deaf, [], threading.Event()
        self.zero = time.monotonic()
        self.closed = False
        self.reads = threading.Event()
        self.reads.set()
        threading.Thread(target=self.run, daemon=True).start()

    def say(self, what):
        self.lines.append((round(time.monotonic() - self.zero, 1), what))

    def run(self):
        try:
            while True:
                self.take_frames()
                self.reads.wait()
                more = self.sock.recv(65536)
                if not more:
                    half = " in a frame" if self.data else ""
                    self.say("end" if self.closed else "fin" + half)
                    break
                self.data += more
        except ConnectionResetError:
            self.say("end" if self.closed else "reset")
        except OSError as error:
            self.say(f"end" if self.closed else f"error {error}")
        self.over.set()

    def take_frames(self):
        while len(self.data) >= 2:
            opcode, length, at = self.data[0] & 15, self.data[1] & 127, 2
            if length == 126:
                if len(self.data) < 4:
                    return
                (length,), at = struct.unpack("!H", self.data[2:4]), 4
            elif length == 127:
                if len(self.data) < 10:
                    return
                (length,), at = struct.unpack("!Q", self.data[2:10]), 10
            if len(self.data) < at + length:
                return
            payload, self.data = self.data[at : at + length], self.data[at + length :]
            if opcode == PING:
                self.say("ping")
                if not self.deaf:
                    self.sock.sendall(masked(PONG, payload))
            elif opcode == CLOSE:
                code = f" {struct.unpack('!H', payload[:2])[0]}" if len(payload) >= 2 else ""
                reason = payload[2:].decode()
                self.say(f"close{code}" + (f" {reason}" if reason else ""))
                self.closed = True
                try:
                    self.sock.sendall(masked(CLOSE, payload))
                except OSError:
                    pass


def dial(port, host=None, path="/"):
    """The outcome of one dial, in words."""
    began = time.monotonic()
    late = lambda: round(time.monotonic() - began, 1)
    after = lambda: f" after {late()}" if late() >= 0.5 else ""
    try:
        sock = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S)
    except ConnectionRefusedError:
        return "refused"
    try:
        sock.sendall(request(port, host, path))
        head, rest = read_head(sock)
    except ConnectionResetError:
        return "nothing, reset" + after()
    except EOFError:
        return "nothing, fin" + after()
    except (TimeoutError, BrokenPipeError):
        return "nothing"
    status = head.split(" ")[1]
    if status == "101":
        return "101" + after()
    when = after()
    sock.settimeout(STAYS_S)
    try:
        while True:
            more = sock.recv(65536)
            if not more:
                return f"{status}{when}, {len(rest)} bytes, fin{after()}"
            rest += more
    except TimeoutError:
        return f"{status}{when}, {len(rest)} bytes, stays"
    except ConnectionResetError:
        return f"{status}{when}, {len(rest)} bytes, reset"
