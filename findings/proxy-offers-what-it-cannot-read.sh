#!/usr/bin/env bash
# PyPI fastapi-proxy-lib 0.3.0 (httpx-ws 0.9.0, fastapi 0.165.0, uvicorn 0.54.0), websockets 17.4 on both ends
#
# A WebSocket behind fastapi-proxy-lib's reverse proxy. The proxy forwards the client's offer of permessage-deflate to
# the upstream, which accepts it, and forwards the acceptance to the client; but its own client to the upstream can't
# read compressed frames. So a client that offers compression, as browsers, ws, aiohttp's server side and websockets do
# by default, gets its 101 and then a Close 1002 before any message. A client that doesn't offer it gets everything,
# close codes included. A refusal with 429 and Retry-After becomes a 403 without Retry-After, whatever is offered.
#
# Seen:
#   direct, compression offered: "hello", close 1012 restart; /busy: 429, retry-after 7
#   proxied, compression offered: close 1002 Reserved bit set unexpectedly; /busy: 403, no retry-after
#   direct, no compression: "hello", close 1012 restart; /busy: 429, retry-after 7
#   proxied, no compression: "hello", close 1012 restart; /busy: 403, no retry-after
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check fastapi-proxy-lib==0.3.0 httpx-ws==0.9.0 fastapi==0.165.0 \
  uvicorn==0.54.0 websockets==17.4

cat > expected <<'END'
direct, compression offered: "hello", close 1012 restart; /busy: 429, retry-after 7
proxied, compression offered: close 1002 Reserved bit set unexpectedly; /busy: 403, no retry-after
direct, no compression: "hello", close 1012 restart; /busy: 429, retry-after 7
proxied, no compression: "hello", close 1012 restart; /busy: 403, no retry-after
END

cat > try.py <<'END'
import asyncio, http, json, socket
import uvicorn, websockets
from fastapi_proxy_lib.fastapi.app import reverse_ws_app
from websockets.asyncio.server import serve

async def feed(ws):
    await ws.send("hello")
    await ws.close(1012, "restart")

def refuse(connection, request):
    if request.path == "/busy":
        response = connection.respond(http.HTTPStatus.TOO_MANY_REQUESTS, "")
        response.headers["Retry-After"] = "7"
        return response

async def dial(url, compression):
    said = []
    try:
        async with websockets.connect(url, proxy=None, compression=compression) as ws:
            try:
                while True:
                    said.append(json.dumps(await asyncio.wait_for(ws.recv(), 10)))
            except websockets.ConnectionClosed:
                said.append(f"close {ws.close_code.value if hasattr(ws.close_code, 'value') else ws.close_code} {ws.close_reason}")
    except websockets.InvalidStatus as refusal:
        after = refusal.response.headers.get("retry-after")
        said = [str(refusal.response.status_code), f"retry-after {after}" if after else "no retry-after"]
    return ", ".join(said)

async def main():
    async with serve(feed, "127.0.0.1", 0, process_request=refuse) as server:
        direct = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        app = reverse_ws_app(base_url=direct)
        proxy = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
        listener = socket.create_server(("127.0.0.1", 0))
        running = asyncio.create_task(proxy.serve([listener]))
        while not proxy.started:
            await asyncio.sleep(0.05)
        proxied = f"ws://127.0.0.1:{listener.getsockname()[1]}/"
        for what, compression in (("compression offered", "deflate"), ("no compression", None)):
            for name, url in (("direct", direct), ("proxied", proxied)):
                found = await dial(url, compression)
                print(f"{name}, {what}: {found}; /busy: {await dial(url + 'busy', compression)}", flush=True)
        proxy.should_exit = True
        await asyncio.wait_for(running, 10)

asyncio.run(main())
END

timeout -k 5 60 venv/bin/python try.py 2>errors | tee seen
diff expected seen && echo "as described"
