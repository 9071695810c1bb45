#!/usr/bin/env bash
# PyPI uvicorn 0.54.0 (websockets 17.4), aiohttp 3.14.5, daphne 4.2.3 (autobahn 26.10.2); npm ws 8.23.0
#
# Both lists of a handshake may be spread over several header lines, and an extension may be offered several times, the
# preferred form first. Each of these requests is valid. Each server supports the subprotocol "feed.v1", and compression
# if it can.
# - aiohttp reads only the first line: the subprotocol and the compression on the second are lost.
# - The client offers compression with a parameter that nobody knows, then plain compression. uvicorn and aiohttp accept
#   the second offer. ws and daphne refuse the handshake with 400, daphne even though it does no compression here at all.
# - The client asks for the smallest window (8 bits). ws grants it, uvicorn and aiohttp continue without compression,
#   and daphne answers 400.
#
# Seen: the table under "expected" below.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check uvicorn==0.54.0 websockets==17.4 aiohttp==3.14.5 daphne==4.2.3 autobahn==26.10.2
npm install --silent --no-audit --no-fund --ignore-scripts ws@8.23.0 >/dev/null

cat > expected <<'EOF'
uvicorn: subprotocols on one line: 101, feed.v1
uvicorn: subprotocols on two lines: 101, feed.v1
uvicorn: extensions on two lines: 101, compression
uvicorn: unknown parameter, then a plain offer: 101, compression
uvicorn: window of 8 bits: 101
aiohttp: subprotocols on one line: 101, feed.v1
aiohttp: subprotocols on two lines: 101
aiohttp: extensions on two lines: 101
aiohttp: unknown parameter, then a plain offer: 101, compression
aiohttp: window of 8 bits: 101
ws: subprotocols on one line: 101, feed.v1
ws: subprotocols on two lines: 101, feed.v1
ws: extensions on two lines: 101, compression
ws: unknown parameter, then a plain offer: 400
ws: window of 8 bits: 101, compression
daphne: subprotocols on one line: 101, feed.v1
daphne: subprotocols on two lines: 101, feed.v1
daphne: extensions on two lines: 101
daphne: unknown parameter, then a plain offer: 400
daphne: window of 8 bits: 400
EOF

cat > app.py <<'EOF'
async def app(scope, receive, send):
    if scope["type"] != "websocket":
        return
    await receive()
    known = [p for p in scope["subprotocols"] if p == "feed.v1"]
    await send({"type": "websocket.accept", "subprotocol": known[0] if known else None})
    while (await receive())["type"] != "websocket.disconnect":
        pass
EOF

cat > aio.py <<'EOF'
import sys
from aiohttp import web

async def feed(request):
    ws = web.WebSocketResponse(protocols=["feed.v1"])
    await ws.prepare(request)
    async for _ in ws:
        pass
    return ws

app = web.Application()
app.router.add_get("/", feed)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
EOF

cat > server.js <<'EOF'
const { Server } = require('ws')
const handleProtocols = offered => offered.has('feed.v1') ? 'feed.v1' : false
new Server({ host: '127.0.0.1', port: Number(process.argv[2]), perMessageDeflate: true, handleProtocols })
EOF

cat > try.py <<'EOF'
import base64, os, socket, subprocess, time

REQUESTS = {
    "subprotocols on one line": ["Sec-WebSocket-Protocol: chat, feed.v1"],
    "subprotocols on two lines": ["Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: feed.v1"],
    "extensions on two lines": ["Sec-WebSocket-Extensions: x-other", "Sec-WebSocket-Extensions: permessage-deflate"],
    "unknown parameter, then a plain offer": ["Sec-WebSocket-Extensions: permessage-deflate; x-level=1, permessage-deflate"],
    "window of 8 bits": ["Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8"],
}
SERVERS = {
    "uvicorn": lambda port: ["venv/bin/uvicorn", "app:app", "--port", port, "--ws", "websockets-sansio"],
    "aiohttp": lambda port: ["venv/bin/python", "aio.py", port],
    "ws": lambda port: ["node", "server.js", port],
    "daphne": lambda port: ["venv/bin/daphne", "app:app", "-b", "127.0.0.1", "-p", port],
}

def dial(port):
    end = time.monotonic() + 20
    while True:
        try:
            return socket.create_connection(("127.0.0.1", int(port)), 5)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)

def ask(port, lines):
    with dial(port) as s:
        s.settimeout(5)
        key = base64.b64encode(os.urandom(16)).decode()
        head = ["GET / HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade",
                "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + key, *lines, "", ""]
        s.sendall("\r\n".join(head).encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            more = s.recv(4096)
            if not more:
                break
            answer += more
    status, *fields = answer.decode().split("\r\n\r\n")[0].split("\r\n")
    fields = {name.lower(): value for name, value in (f.split(": ", 1) for f in fields)}
    said = [status.split()[1]]
    if "sec-websocket-protocol" in fields:
        said.append(fields["sec-websocket-protocol"])
    if "permessage-deflate" in fields.get("sec-websocket-extensions", ""):
        said.append("compression")
    return ", ".join(said)

for name, command in SERVERS.items():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = str(s.getsockname()[1])
    server = subprocess.Popen(command(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for what, lines in REQUESTS.items():
            print(f"{name}: {what}: {ask(port, lines)}", flush=True)
    finally:
        server.kill()
        server.wait()
EOF

timeout -k 5 60 venv/bin/python try.py | tee seen
diff expected seen && echo "as described"
