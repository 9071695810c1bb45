#!/usr/bin/env bash
# PyPI starlette 1.10.0 (its TestClient, over httpx 0.28.1), uvicorn 0.54.0, websockets 17.4
#
# The same four endpoints, called through Starlette's TestClient and through a real uvicorn.
# - Refused with code 4401: the TestClient reports 4401. On the wire there is no code: it is an HTTP 403, and nobody
#   receives the 4401.
# - An unknown path: 1000, "normal closure", in the test; HTTP 403 on the wire.
# - A handler that raises after accept: the test sees the handler's own exception; a client sees no Close frame, just
#   1006.
# Only the orderly close is the same.
#
# Seen:
#   refused with 4401: TestClient: closed with 4401
#   refused with 4401: uvicorn: HTTP 403
#   unknown path: TestClient: closed with 1000
#   unknown path: uvicorn: HTTP 403
#   handler raises: TestClient: RuntimeError of the handler
#   handler raises: uvicorn: closed with 1006
#   closed in order: TestClient: closed with 1000
#   closed in order: uvicorn: closed with 1000
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check starlette==1.10.0 httpx==0.28.1 uvicorn==0.54.0 websockets==17.4

cat > expected <<'EOF'
refused with 4401: TestClient: closed with 4401
refused with 4401: uvicorn: HTTP 403
unknown path: TestClient: closed with 1000
unknown path: uvicorn: HTTP 403
handler raises: TestClient: RuntimeError of the handler
handler raises: uvicorn: closed with 1006
closed in order: TestClient: closed with 1000
closed in order: uvicorn: closed with 1000
EOF

cat > try.py <<'EOF'
import asyncio
import uvicorn, websockets
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

async def refuse(ws):
    await ws.close(4401, "token expired")

async def fail(ws):
    await ws.accept()
    await ws.send_text("hello")
    raise RuntimeError("feed lost")

async def finish(ws):
    await ws.accept()
    await ws.send_text("hello")
    await ws.close()

app = Starlette(routes=[WebSocketRoute("/refuse", refuse), WebSocketRoute("/fail", fail), WebSocketRoute("/finish", finish)])

def by_test_client(path):
    try:
        with TestClient(app).websocket_connect(path) as ws:
            while True:
                ws.receive_text()
    except WebSocketDisconnect as e:
        return f"closed with {e.code}"
    except RuntimeError as e:
        return "RuntimeError of the handler" if str(e) == "feed lost" else repr(e)

async def by_uvicorn(port, path):
    try:
        async with websockets.connect(f"ws://127.0.0.1:{port}{path}", proxy=None) as ws:
            await asyncio.wait_for(ws.wait_closed(), 5)
            return f"closed with {ws.close_code}"
    except websockets.InvalidStatus as e:
        return f"HTTP {e.response.status_code}"

async def main():
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    cases = {"refused with 4401": "/refuse", "unknown path": "/nowhere", "handler raises": "/fail", "closed in order": "/finish"}
    for what, path in cases.items():
        print(f"{what}: TestClient: {await asyncio.to_thread(by_test_client, path)}")
        print(f"{what}: uvicorn: {await by_uvicorn(port, path)}", flush=True)
    server.should_exit = True
    await serving

asyncio.run(main())
EOF

timeout -k 5 40 venv/bin/python -W ignore try.py | tee seen
diff expected seen && echo "as described"
