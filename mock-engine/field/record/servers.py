"""Applications that the real servers run, and one that speaks WebSocket by hand.

    python servers.py aiohttp PORT | websockets PORT | sanic PORT | half PORT

`asgi` is for uvicorn, hypercorn, granian and daphne.
"""

import asyncio
import base64
import hashlib
import socket
import sys
import time

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


async def asgi(scope, receive, send):
    """Pushes a message every 100 ms and reads what comes. After half a second, `/raise` fails and `/return`
    returns. `/big` pushes 20 kB every 20 ms, `/quiet` nothing."""
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"].split(".")[1]
            await send({"type": f"lifespan.{kind}.complete"})
            if kind == "shutdown":
                return
    if scope["type"] != "websocket":
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    await receive()
    await send({"type": "websocket.accept"})
    path = scope["path"]

    async def push():
        while path != "/quiet":
            text = "x" * 20_000 if path == "/big" else '{"n":1}'
            await send({"type": "websocket.send", "text": text})
            await asyncio.sleep(0.02 if path == "/big" else 0.1)
        await asyncio.sleep(3600)

    pushing = asyncio.ensure_future(push())
    if path in ("/raise", "/return"):
        await asyncio.sleep(0.5)
        pushing.cancel()
        if path == "/raise":
            raise RuntimeError("as it was asked to")
        return
    while (await receive())["type"] != "websocket.disconnect":
        pass
    pushing.cancel()


def aiohttp(port):
    from aiohttp import web

    async def handler(request):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        await ws.send_str("hello")
        async for _ in ws:
            pass
        return ws

    app = web.Application()
    app.add_routes([web.get("/", handler)])
    web.run_app(app, port=port, print=None)


def websockets(port):
    from websockets.asyncio.server import serve

    async def handler(ws):
        while ws.request.path != "/quiet":
            await ws.send('{"n":1}')
            await asyncio.sleep(0.1)
        await ws.wait_closed()

    async def main():
        async with serve(handler, "127.0.0.1", port, ping_interval=None):
            await asyncio.Future()

    asyncio.run(main())


def sanic(port):
    from sanic import Sanic

    app = Sanic("field")

    @app.websocket("/")
    async def handler(request, ws):
        while True:
            await ws.send('{"n":1}')
            await asyncio.sleep(0.1)

    app.run(port=port, single_process=True, access_log=False)


def half(port):
    """Answers each upgrade, then sends half of a frame of 60,000 bytes and waits."""
    listener = socket.create_server(("127.0.0.1", port))
    kept = []
    while True:
        sock, _ = listener.accept()
        asked = b""
        while b"\r\n\r\n" not in asked:
            more = sock.recv(65536)
            if not more:
                break
            asked += more
        keys = [line for line in asked.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:")]
        if not keys:
            sock.close()
            continue
        accept = base64.b64encode(hashlib.sha1(keys[0].split(b":")[1].strip() + GUID).digest())
        sock.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        time.sleep(0.2)
        sock.sendall(b"\x81\x7e" + (60_000).to_bytes(2, "big") + b"x" * 30_000)
        kept.append(sock)


if __name__ == "__main__":
    {"aiohttp": aiohttp, "websockets": websockets, "sanic": sanic, "half": half}[sys.argv[1]](int(sys.argv[2]))
