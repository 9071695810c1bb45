#!/usr/bin/env bash
# PyPI websockets 17.4, websocket-client 1.9.2, httpx-ws 0.9.0, aiohttp 3.14.5, tornado 6.6.1;
# npm ws 8.23.0, undici 7.30.2
#
# A proxy is named in the environment, as on many CI machines, and a client dials ws:// on loopback. No two of the
# Python clients that read the environment read the same variables: for a plain ws:// URL websockets heeds https_proxy
# and http_proxy, websocket-client only http_proxy, httpx-ws only all_proxy. The others dial the engine whatever is set.
# Those that heed a variable send loopback through the proxy too, with CONNECT: the engine under test sees no dial, and
# the client gets whatever the proxy answers. With no_proxy=127.0.0.1 all of them dial the engine again.
#
# Seen (who is dialled with which variable set):
#   websockets: http_proxy proxy, https_proxy proxy, all_proxy engine, http_proxy and no_proxy engine
#   websocket-client: http_proxy proxy, https_proxy engine, all_proxy engine, http_proxy and no_proxy engine
#   httpx-ws: http_proxy engine, https_proxy engine, all_proxy proxy, http_proxy and no_proxy engine
#   aiohttp, tornado, ws, undici: engine, engine, engine, engine
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check websockets==17.4 websocket-client==1.9.2 httpx-ws==0.9.0 \
  aiohttp==3.14.5 tornado==6.6.1
npm install --silent --no-audit --no-fund ws@8.23.0 undici@7.30.2

cat > expected <<'END'
websockets: http_proxy proxy, https_proxy proxy, all_proxy engine, http_proxy and no_proxy engine
websocket-client: http_proxy proxy, https_proxy engine, all_proxy engine, http_proxy and no_proxy engine
httpx-ws: http_proxy engine, https_proxy engine, all_proxy proxy, http_proxy and no_proxy engine
aiohttp: http_proxy engine, https_proxy engine, all_proxy engine, http_proxy and no_proxy engine
tornado: http_proxy engine, https_proxy engine, all_proxy engine, http_proxy and no_proxy engine
ws: http_proxy engine, https_proxy engine, all_proxy engine, http_proxy and no_proxy engine
undici: http_proxy engine, https_proxy engine, all_proxy engine, http_proxy and no_proxy engine
END

cat > try.py <<'END'
import os, socket, subprocess, threading

def listen(name, came):
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            client, _ = server.accept()
            with client:
                client.settimeout(5)
                if client.recv(4096):
                    came.append(name)
                    client.sendall(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    threading.Thread(target=serve, daemon=True).start()
    return server.getsockname()[1]

came = []
proxy = f"http://127.0.0.1:{listen('proxy', came)}"
engine = f"ws://127.0.0.1:{listen('engine', came)}/"

PYTHON = {
    "websockets": "import asyncio, websockets\nasync def main():\n    await websockets.connect(ENGINE)\nasyncio.run(main())",
    "websocket-client": "import websocket\nwebsocket.create_connection(ENGINE)",
    "httpx-ws": "import httpx_ws\nwith httpx_ws.connect_ws(ENGINE):\n    pass",
    "aiohttp": "import asyncio, aiohttp\nasync def main():\n    async with aiohttp.ClientSession() as session:\n        await session.ws_connect(ENGINE)\nasyncio.run(main())",
    "tornado": "import asyncio, tornado.websocket\nasync def main():\n    await tornado.websocket.websocket_connect(ENGINE)\nasyncio.run(main())",
}
NODE = {
    "ws": "const { WebSocket } = require('ws'); new WebSocket(ENGINE).on('error', () => {});",
    "undici": "const { WebSocket } = require('undici'); new WebSocket(ENGINE).onerror = () => {};",
}

def dialled(command, variables):
    came.clear()
    plain = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    subprocess.run(command, env=plain | variables, stderr=subprocess.DEVNULL, timeout=20)
    return came[0] if came else "nobody"

cases = {name: {name: proxy} for name in ("http_proxy", "https_proxy", "all_proxy")}
cases["http_proxy and no_proxy"] = {"http_proxy": proxy, "no_proxy": "127.0.0.1"}
for name in [*PYTHON, *NODE]:
    if name in PYTHON:
        command = ["venv/bin/python", "-c", f"ENGINE = {engine!r}\n{PYTHON[name]}"]
    else:
        command = ["node", "-e", f"const ENGINE = {engine!r}; {NODE[name]}"]
    print(f"{name}: " + ", ".join(f"{case} {dialled(command, variables)}" for case, variables in cases.items()), flush=True)
END

timeout -k 5 90 venv/bin/python try.py | tee seen
diff expected seen && echo "as described"
