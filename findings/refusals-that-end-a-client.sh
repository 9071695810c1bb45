#!/usr/bin/env bash
# PyPI websockets 17.4, websocket-client 1.9.2; npm reconnecting-websocket 4.4.0 over ws 8.23.0
#
# A server refuses the first handshake and accepts the second. The `async for` of websockets, whose point is to dial
# again, ends with an exception at 401, 404, 408 and 429 (too many requests, with a Retry-After), and at a port that
# does not speak HTTP; it goes on after 500, 502, 503 and 504. The others go on after every one.
#
# Seen: the table under "expected" below.
#
# One rate-limited request ends a client that survives any crash of its server. Play 429 as well as 503.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check websockets==17.4 websocket-client==1.9.2
npm install --silent --no-audit --no-fund --ignore-scripts reconnecting-websocket@4.4.0 ws@8.23.0 >/dev/null

cat > expected <<'EOF'
401: websockets ends, websocket-client dials again, reconnecting-websocket dials again
404: websockets ends, websocket-client dials again, reconnecting-websocket dials again
408: websockets ends, websocket-client dials again, reconnecting-websocket dials again
429: websockets ends, websocket-client dials again, reconnecting-websocket dials again
500: websockets dials again, websocket-client dials again, reconnecting-websocket dials again
502: websockets dials again, websocket-client dials again, reconnecting-websocket dials again
503: websockets dials again, websocket-client dials again, reconnecting-websocket dials again
504: websockets dials again, websocket-client dials again, reconnecting-websocket dials again
no HTTP: websockets ends, websocket-client dials again, reconnecting-websocket dials again
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
websocket.WebSocketApp(sys.argv[1]).run_forever(reconnect=1)
EOF

cat > client.js <<'EOF'
const Reconnecting = require('reconnecting-websocket')
new Reconnecting(process.argv[2], [], { WebSocket: require('ws') }).onerror = () => {}
EOF

cat > try.py <<'EOF'
import asyncio, os, sys

PROGRAMS = {
    "websockets": [sys.executable, "websockets.client.py"],
    "websocket-client": [sys.executable, "websocket-client.client.py"],
    "reconnecting-websocket": ["node", "client.js"],
}
NO_HTTP = b"SSH-2.0-OpenSSH_9.9\r\n"

def refusal(status):
    return (f"HTTP/1.1 {status} No\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").encode()

async def what_it_does(program, answer):
    dials = asyncio.Queue()

    async def serve(reader, writer):
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()
        dials.put_nowait(None)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*program, f"ws://127.0.0.1:{port}/", stdout=quiet, stderr=quiet)

    async def second():
        await dials.get()
        await dials.get()
        return "dials again"

    async def ended():
        await process.wait()
        return "ends"

    tasks = [asyncio.create_task(it) for it in (second(), ended())]
    done, _ = await asyncio.wait(tasks, timeout=30, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    if process.returncode is None:
        process.kill()
        await process.wait()
    server.close()
    return done.pop().result() if done else "does nothing"

async def main():
    cases = {str(status): refusal(status) for status in (401, 404, 408, 429, 500, 502, 503, 504)}
    for what, answer in (cases | {"no HTTP": NO_HTTP}).items():
        did = await asyncio.gather(*(what_it_does(program, answer) for program in PROGRAMS.values()))
        print(f"{what}: " + ", ".join(f"{name} {it}" for name, it in zip(PROGRAMS, did)), flush=True)
    os._exit(0)

asyncio.run(main())
EOF

timeout -k 5 115 venv/bin/python try.py | tee seen
diff expected seen && echo "as described"
