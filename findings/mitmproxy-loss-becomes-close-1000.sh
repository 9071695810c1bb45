#!/usr/bin/env bash
# PyPI mitmproxy 11.0.2 (websockets 17.4 as server and client)
#
# A server loses its connection without a Close frame. A client that is connected directly sees 1006. Through mitmproxy
# as a reverse proxy, the same client receives a well-formed Close frame with code 1000, "normal closure", which no
# server ever sent. mitmproxy's own flow file has 1006 for it.
#
# Seen:
#   direct, server ends TCP: 1006
#   through mitmproxy, server ends TCP: 1000, by a Close frame
#   direct, server resets TCP: 1006
#   through mitmproxy, server resets TCP: 1000, by a Close frame
#   flow file: 1006 1006
#
# A reconnecting client that treats 1000 as final stays away when it is tested through mitmproxy, and comes back without
# it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check mitmproxy==11.0.2 websockets==17.4

cat > expected <<'EOF'
direct, server ends TCP: 1006
through mitmproxy, server ends TCP: 1000, by a Close frame
direct, server resets TCP: 1006
through mitmproxy, server resets TCP: 1000, by a Close frame
flow file: 1006 1006
EOF

cat > try.py <<'EOF'
import asyncio, re, socket, struct
import websockets
from mitmproxy.io import FlowReader

async def lose(ws):
    await ws.send("hello")
    await asyncio.sleep(0.2)
    if ws.request.path == "/reset":
        linger = struct.pack("ii", 1, 0)
        ws.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        ws.transport.abort()
    else:
        ws.transport.close()

async def ending(port, path):
    async with websockets.connect(f"ws://127.0.0.1:{port}{path}", proxy=None) as ws:
        await ws.recv()
        try:
            await ws.recv()
        except websockets.ConnectionClosed as e:
            return str(ws.close_code) + (", by a Close frame" if e.rcvd else "")

async def main():
    async with websockets.serve(lose, "127.0.0.1", 0) as server:
        upstream = server.sockets[0].getsockname()[1]
        proxy = await asyncio.create_subprocess_exec(
            "venv/bin/mitmdump", "--mode", f"reverse:http://127.0.0.1:{upstream}", "--listen-host", "127.0.0.1",
            "-p", "0", "--set", "confdir=conf", "-w", "flows", stdout=asyncio.subprocess.PIPE)
        try:
            port = None
            while port is None:
                line = (await proxy.stdout.readline()).decode()
                if not line:
                    raise SystemExit("mitmdump did not start")
                found = re.search(r"listening at .*:(\d+)\.", line)
                port = found and found[1]
            for name, path in ("ends", "/end"), ("resets", "/reset"):
                print(f"direct, server {name} TCP:", await ending(upstream, path))
                print(f"through mitmproxy, server {name} TCP:", await ending(port, path))
            await asyncio.sleep(0.5)
        finally:
            proxy.terminate()
            await proxy.communicate()
    with open("flows", "rb") as f:
        print("flow file:", *[flow.websocket.close_code for flow in FlowReader(f).stream()])

asyncio.run(main())
EOF

timeout -k 5 60 venv/bin/python try.py | tee seen
diff expected seen && echo "as described"
