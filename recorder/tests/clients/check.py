"""Runs each client against each engine through the proxy, and checks what client and tape got.

Started by `run`, which installs what is needed."""

import asyncio
import base64
import json
import os
import signal
import sys
import time
from pathlib import Path

from websockets.asyncio.server import serve
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

HERE = Path(os.environ["CLIENTS"])
WORK = Path(os.environ["WORK"])
WSTAPE = os.environ["WSTAPE"]
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")

# The longest wait for one process, in seconds.
BOUND_S = 60
TOKEN = "t0k3n-of-a-real-client"
LISTENING = "listening on "
SAID = ["hello", "grüße, 世界", json.dumps({"subscribe": ["risk"] * 40})]


def event(n: int) -> str:
    pad = "ab" * (n % 97)
    return json.dumps({"event": "positions", "data": {"n": n, "pad": pad, "é": "世"}}, ensure_ascii=n % 2 == 0)


# What the engines send: many similar events, which compress well, and some odd ones.
MESSAGES: list[tuple[str, str]] = [("text", event(n)) for n in range(400)]
MESSAGES[50:50] = [
    ("text", ""),
    ("text", '{"event":\n"two lines"}'),
    ("text", "no JSON"),
    ("binary", base64.b64encode(bytes(range(256)) * 40).decode()),
    ("text", json.dumps({"event": "long", "data": "x" * 300_000})),
]


def mock_tape() -> Path:
    """A tape of the messages, one of them in fragments with a Ping between them, and a Close."""
    steps: list[dict] = [{"tape": 1, "title": "for real clients"}]
    at_ms = 300
    for n, (kind, payload) in enumerate(MESSAGES):
        at_ms += 1
        if n == 10:
            for step in (
                {"frame": {"fin": False, "opcode": 1, "payload": payload[:5]}},
                {"ping": "between"},
                {"frame": {"opcode": 0, "payload": payload[5:]}},
            ):
                steps.append({"at_ms": at_ms, **step})
        else:
            steps.append({"at_ms": at_ms, kind: payload})
    steps.append({"at_ms": at_ms + 5, "close": {"code": 1001, "reason": "over"}})
    steps.append({"at_ms": at_ms + 2000, "end": True})
    path = WORK / "mock.jsonl"
    path.write_text("".join(json.dumps(step, ensure_ascii=False) + "\n" for step in steps))
    return path


async def listening(*command: str) -> tuple[asyncio.subprocess.Process, str]:
    """Starts a program that prints where it listens in its first line; returns it and that URL."""
    # Its standard error goes to a file, which a failed run shows.
    with (WORK / "said").open("ab") as said:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=said
        )
    line = (await asyncio.wait_for(process.stdout.readline(), BOUND_S)).decode().strip()
    assert line.startswith(LISTENING), f"{command}: {line!r}\n{(WORK / 'said').read_text()}"
    return process, line.removeprefix(LISTENING)


async def client(*command: str) -> list[tuple[str, str]]:
    """Runs a client; returns what it got."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await asyncio.wait_for(process.communicate(), BOUND_S)
    assert process.returncode == 0, f"{command[:2]} ended with {process.returncode}"
    return [tuple(json.loads(line)) for line in out.decode().splitlines()]


def in_tape(path: Path) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """What the tape holds: the messages sent to the client, and those that it sent."""
    text = path.read_text()
    assert TOKEN not in text, f"{path}: the token is in it"
    sent, received, fragments = [], [], b""
    for line in text.splitlines()[1:]:
        step = json.loads(line)
        if "emit" in step:
            start = line.index('"emit":') + len('"emit":')
            end = line.rindex(',"x-fragments"') if "x-fragments" in step else len(line) - 1
            sent.append(("text", line[start:end]))
        elif "text" in step or "binary" in step:
            kind = "text" if "text" in step else "binary"
            sent.append((kind, step[kind]))
        elif "frame" in step:
            frame = step["frame"]
            fragments += frame.get("payload", "").encode()
            if frame.get("fin", True):
                sent.append(("text", fragments.decode()))
                fragments = b""
        elif "close" in step:
            sent.append(("close", step["close"]["code"]))
        elif "received" in step and step["received"]["kind"] in ("text", "binary"):
            kind = step["received"]["kind"]
            received.append((kind, step["received"].get(kind, "")))
    return sent, received


def same(what: str, found: list, expected: list) -> None:
    for n, (one, other) in enumerate(zip(found, expected)):
        assert one == other, f"{what}: message {n} is {str(one)[:200]}, expected {str(other)[:200]}"
    assert len(found) == len(expected), f"{what}: {len(found)} messages, expected {len(expected)}"


async def through(engine_url: str, name: str, command: list[str], path: str) -> bool:
    """Runs one client through its own proxy, then replays the tape. Returns whether compression was negotiated."""
    tape = WORK / f"{name}.jsonl"
    proxy, url = await listening(
        WSTAPE, "proxy", "--listen", "127.0.0.1:0", "--upstream", engine_url,
        "--out", str(tape), "--quiet",
    )
    got = await client(*command[:2], url + path, json.dumps(SAID), *command[2:])
    proxy.send_signal(signal.SIGTERM)
    status = await asyncio.wait_for(proxy.wait(), BOUND_S)
    assert status == 0, f"{name}: the proxy ended with {status}\n{(WORK / 'said').read_text()}"
    expected = [*MESSAGES, ("close", 1001)]
    same(f"{name}, at the client", got, expected)
    sent, received = in_tape(tape)
    same(f"{name}, in the tape", sent, expected)
    said = [("text", text) for text in SAID]
    said.append(("binary", base64.b64encode(bytes(range(256))).decode()))
    same(f"{name}, from the client", received, said)

    again, url = await listening(
        WSTAPE, "serve", str(tape), "--listen", "127.0.0.1:0", "--speed", "20"
    )
    plain = [sys.executable, str(HERE / "client_python.py")]
    replayed = await client(*plain, url, json.dumps(SAID))
    again.kill()
    await again.wait()
    same(f"{name}, replayed", replayed, expected)
    return "x-extensions" in tape.read_text()


async def compressing(forgets: bool):
    """A Python server that compresses, with or without context takeover."""

    async def handler(socket) -> None:
        for text in SAID:
            assert await socket.recv() == text
        assert await socket.recv() == bytes(range(256))
        for kind, payload in MESSAGES:
            await socket.send(payload if kind == "text" else base64.b64decode(payload))
        await socket.close(1001, "over")

    factory = ServerPerMessageDeflateFactory(
        server_no_context_takeover=forgets, client_no_context_takeover=forgets
    )
    return await serve(handler, "127.0.0.1", 0, compression=None, extensions=[factory])


async def main() -> None:
    start = time.monotonic()
    python = [sys.executable, str(HERE / "client_python.py"), "compressed"]
    clients = {"python": python, "node": ["node", str(HERE / "client_node.js")]}
    if Path(CHROMIUM).exists():
        clients["chromium"] = ["node", str(HERE / "client_chromium.js")]
    else:
        print(f"chromium is left out: there is no {CHROMIUM}; CHROMIUM names another")
    checks = 0
    for name, command in clients.items():
        engine, url = await listening(
            WSTAPE, "serve", str(mock_tape()), "--listen", "127.0.0.1:0"
        )
        upstream, path = url.removesuffix("/ws"), "/ws"
        compressed = await through(upstream, f"{name}-plain", command, path)
        assert not compressed, "the mock engine agrees on nothing"
        engine.kill()
        await engine.wait()
        for forgets in (False, True):
            server = await compressing(forgets)
            port = server.sockets[0].getsockname()[1]
            what = f"{name}-compressed-{'forgetting' if forgets else 'remembering'}"
            compressed = await through(f"ws://127.0.0.1:{port}", what, command, "/ws")
            assert compressed, f"{what}: nothing was compressed"
            server.close()
            await server.wait_closed()
        checks += 3
        print(f"{name}: {len(MESSAGES)} messages, plain and compressed, as the engine sent them")
    took = time.monotonic() - start
    print(f"real clients: {', '.join(clients)}: {checks} sessions recorded and replayed in {took:.1f} s")


asyncio.run(main())
