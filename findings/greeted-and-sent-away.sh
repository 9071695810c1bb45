#!/usr/bin/env bash
# PyPI websockets 17.4, websocket-client 1.9.2; npm reconnecting-websocket 4.4.0, partysocket 1.3.0 over ws 8.23.0
#
# A server that is full accepts each connection, says so in a message, and closes with 1013 (try again later). The
# `async for` of websockets counts that as a success, and does not wait after one. So it comes back as fast as the
# machine allows, hundreds of times a second on an idle one, for as long as the server is full. The others wait:
# partysocket and reconnecting-websocket count a connection as a success only after five seconds.
#
# Seen (connections in 5 s, or in longer on a busy machine):
#   websockets: over 500
#   websocket-client: 1
#   reconnecting-websocket: 1 to 5
#   partysocket: 1 to 5
#
# A client that backs off while a port is closed may not back off at all from a server that answers. Test both.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check websockets==17.4 websocket-client==1.9.2
npm install --silent --no-audit --no-fund --ignore-scripts reconnecting-websocket@4.4.0 partysocket@1.3.0 ws@8.23.0 >/dev/null

cat > expected <<'EOF'
websockets: over 500
websocket-client: 1
reconnecting-websocket: 1 to 5
partysocket: 1 to 5
EOF

cat > websockets.client.py <<'EOF'
import asyncio, sys
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

async def main():
    async for socket in connect(sys.argv[1], proxy=None):
        try:
            async for message in socket:
                pass
        except ConnectionClosed:
            continue

asyncio.run(main())
EOF

cat > websocket-client.client.py <<'EOF'
import sys, websocket
websocket.WebSocketApp(sys.argv[1]).run_forever(reconnect=5)
EOF

cat > client.js <<'EOF'
const [name, url] = process.argv.slice(2)
const kinds = { 'reconnecting-websocket': () => require('reconnecting-websocket'), partysocket: () => require('partysocket/ws').default }
new (kinds[name]())(url, [], { WebSocket: require('ws') }).onerror = () => {}
EOF

cat > try.py <<'EOF'
import asyncio, os, sys
from websockets.asyncio.server import serve

PROGRAMS = {
    "websockets": [sys.executable, "websockets.client.py"],
    "websocket-client": [sys.executable, "websocket-client.client.py"],
    "reconnecting-websocket": ["node", "client.js", "reconnecting-websocket"],
    "partysocket": ["node", "client.js", "partysocket"],
}

def said(connections):
    if connections > 500:
        return "over 500"
    return "1" if connections == 1 else "1 to 5" if connections <= 5 else str(connections)

async def main():
    for name, program in PROGRAMS.items():
        times = []

        async def full(socket):
            times.append(asyncio.get_running_loop().time())
            await socket.send("full, try again later")
            await socket.close(1013)

        async with serve(full, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            process = await asyncio.create_subprocess_exec(*program, f"ws://127.0.0.1:{port}/")
            for _ in range(200):
                if times:
                    break
                await asyncio.sleep(0.1)
            # Less than 5 s: the constant delay of websocket-client is just that.
            await asyncio.sleep(4.9)
            # A client that dials this often keeps doing so, only later on a busy machine.
            while 5 < len(times) <= 500:
                await asyncio.sleep(0.1)
            seen = len(times)
            process.kill()
            await process.wait()
        # Two of them draw their first delay at random, from 1 s to 5 s: one or a few connections.
        one_or_few = name in ("reconnecting-websocket", "partysocket") and 1 <= seen <= 5
        print(f"{name}: {'1 to 5' if one_or_few else said(seen)}", flush=True)
    os._exit(0)

asyncio.run(main())
EOF

timeout -k 5 110 venv/bin/python try.py | tee seen
diff expected seen && echo "as described"
