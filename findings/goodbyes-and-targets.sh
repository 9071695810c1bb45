#!/usr/bin/env bash
# PyPI websocket-client 1.9.2, signalrcore 1.0.2; aiohttp 3.14.5, websockets 17.4 as servers
#
# A closing handshake and a request that a server does not expect:
# - If one thread closes a websocket-client connection while another reads from it, the client may send two Closes: the
#   reader answers the server's answer. Nothing may follow the first Close (RFC 6455, 5.5.1), and a test that counts
#   Closes counts two.
# - Given a URL without a path, signalrcore requests `?connectionId=…`, which is not a valid target (RFC 9112, 3.2.1).
#   So what the client reports for the same URL depends on the server.
#
# Seen:
#   websocket-client, close(): ['close']
#   close() while another thread is in recv(): at most 2 Closes in ten tries
#   signalrcore, of a URL without a path, asks for: ?connectionId
#   servers, asked for /?connectionId=a: {'aiohttp': 101, 'websockets': 101}
#   servers, asked for ?connectionId=a: {'aiohttp': 400, 'websockets': 101}
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check websocket-client==1.9.2 signalrcore==1.0.2 aiohttp==3.14.5 websockets==17.4

cat > expected <<'END'
websocket-client, close(): ['close']
close() while another thread is in recv(): at most 2 Closes in ten tries
signalrcore, of a URL without a path, asks for: ?connectionId
servers, asked for /?connectionId=a: {'aiohttp': 101, 'websockets': 101}
servers, asked for ?connectionId=a: {'aiohttp': 400, 'websockets': 101}
END

cat > try.py <<'END'
"""What each client sends from its handshake to its end, to a server that answers a Close with one."""
import asyncio, base64, hashlib, socket, subprocess, sys, threading

from aiohttp import web
from websockets.asyncio.server import serve

def frames(data):
    """Opcodes of a client's frames, each short and masked."""
    found = []
    while len(data) >= 6:
        length = data[1] & 0x7F
        found.append({1: "text", 8: "close"}.get(data[0] & 0x0F, "other"))
        data = data[6 + length:]
    return found

def one(command):
    listener = socket.create_server(("127.0.0.1", 0))
    said = {}
    def serve():
        peer, _ = listener.accept()
        peer.settimeout(3)
        head = b""
        while b"\r\n\r\n" not in head:
            head += peer.recv(4096)
        head, data = head.split(b"\r\n\r\n", 1)
        said["target"] = head.split(b" ")[1].decode().split("=")[0]
        key = next(line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
        peer.sendall(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        answered = False
        try:
            while True:
                if "close" in frames(data) and not answered:
                    answered = True
                    peer.sendall(b"\x88\x02\x03\xe8")
                    peer.shutdown(socket.SHUT_WR)
                more = peer.recv(4096)
                if not more:
                    break
                data += more
        except OSError:
            pass
        said["frames"] = frames(data)
        peer.close()
    thread = threading.Thread(target=serve)
    thread.start()
    port = listener.getsockname()[1]
    subprocess.run([sys.executable, "-c", command.replace("PORT", str(port))], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20)
    thread.join(10)
    return said

THREADS = """
import threading, time, websocket
ws = websocket.create_connection("ws://127.0.0.1:PORT/ws")
thread = threading.Thread(target=ws.recv)
thread.start()
time.sleep(0.3)
ws.close()
thread.join(5)
"""
ALONE = """
import websocket
ws = websocket.create_connection("ws://127.0.0.1:PORT/ws")
ws.close()
"""
SIGNALR = """
from signalrcore.hub_connection_builder import HubConnectionBuilder
HubConnectionBuilder().with_url("ws://127.0.0.1:PORT", options={"skip_negotiation": True}).build().start()
"""
async def answered(target):
    """The status of three servers to a handshake for this target."""
    async def status(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {target} HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        line = await asyncio.wait_for(reader.readline(), 5)
        writer.close()
        return int(line.split()[1])
    async def handler(ws):
        await ws.wait_closed()
    async def route(request):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        await ws.receive()
        return ws
    app = web.Application()
    app.router.add_get("/", route)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found = {"aiohttp": await status(site._server.sockets[0].getsockname()[1])}
    async with serve(handler, "127.0.0.1", 0) as server:
        found["websockets"] = await status(server.sockets[0].getsockname()[1])
    await runner.cleanup()
    return found

print("websocket-client, close():", one(ALONE)["frames"])
tries = [len(one(THREADS)["frames"]) for _ in range(10)]
print("close() while another thread is in recv(): at most", max(tries), "Closes in ten tries")
print("signalrcore, of a URL without a path, asks for:", one(SIGNALR)["target"])
for target in ("/?connectionId=a", "?connectionId=a"):
    print(f"servers, asked for {target}:", asyncio.run(answered(target)))
END

timeout -k 5 60 venv/bin/python try.py 2>/dev/null | tee seen
diff expected seen && echo "as described"
