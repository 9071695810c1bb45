#!/usr/bin/env bash
# PyPI looptime 0.9, aiotools 2.2.4 (VirtualClock) with websockets 17.4
#
# Two virtual clocks for asyncio let time jump to the next timer whenever the loop would wait. A subscriber under such a
# clock talks to a server in another process, which sends a message every half second and answers each Ping at once. The
# loop does not count an answer that is on its way as something to wait for.
# - The server takes 0.2 s for the opening handshake, but the handshake times out after its 10 s.
# - Without that limit (`open_timeout=None`) the client connects. Forty seconds later by its loop, and before the fourth
#   message, it closes with 1011, "keepalive ping timeout".
#
# Seen:
#   real clock: dial: connected; less than 10 s by the loop, less than 10 s by the wall
#   real clock: open_timeout=None: 4 messages; less than 10 s by the loop, less than 10 s by the wall
#   looptime: dial: timed out during opening handshake; 10 s or more by the loop, less than 10 s by the wall
#   looptime: open_timeout=None: 1011 keepalive ping timeout; 40 s or more by the loop, less than 10 s by the wall
#   aiotools: dial: timed out during opening handshake; 10 s or more by the loop, less than 10 s by the wall
#   aiotools: open_timeout=None: 1011 keepalive ping timeout; 40 s or more by the loop, less than 10 s by the wall
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
# typing_extensions: aiotools imports it and does not ask for it.
venv/bin/pip install -q --disable-pip-version-check looptime==0.9 aiotools==2.2.4 typing_extensions==4.16.0 websockets==17.4

cat > expected <<'EOF'
real clock: dial: connected; less than 10 s by the loop, less than 10 s by the wall
real clock: open_timeout=None: 4 messages; less than 10 s by the loop, less than 10 s by the wall
looptime: dial: timed out during opening handshake; 10 s or more by the loop, less than 10 s by the wall
looptime: open_timeout=None: 1011 keepalive ping timeout; 40 s or more by the loop, less than 10 s by the wall
aiotools: dial: timed out during opening handshake; 10 s or more by the loop, less than 10 s by the wall
aiotools: open_timeout=None: 1011 keepalive ping timeout; 40 s or more by the loop, less than 10 s by the wall
EOF

cat > server.py <<'EOF'
import asyncio
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

async def late(connection, request):
    await asyncio.sleep(0.2)

async def feed(connection):
    try:
        while True:
            await connection.send("tick")
            await asyncio.sleep(0.5)
    except ConnectionClosed:
        pass

async def main():
    async with serve(feed, "127.0.0.1", 0, process_request=late) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.sleep(100)

asyncio.run(main())
EOF

cat > try.py <<'EOF'
import asyncio, subprocess, sys, time
import aiotools, looptime
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

ENOUGH = 4

async def dial(url):
    try:
        async with connect(url):
            return "connected"
    except TimeoutError as error:
        return str(error)

async def listen(url):
    async with connect(url, open_timeout=None) as connection:
        try:
            for _ in range(ENOUGH):
                await connection.recv()
            return f"{ENOUGH} messages"
        except ConnectionClosed as end:
            return f"{end.sent.code} {end.sent.reason}"

def took(seconds):
    return "less than 10 s" if seconds < 10 else "10 s or more" if seconds < 40 else "40 s or more"

async def timed(what, url):
    loop, wall = asyncio.get_running_loop().time(), time.perf_counter()
    said = await what(url)
    by_loop, by_wall = asyncio.get_running_loop().time() - loop, time.perf_counter() - wall
    return f"{said}; {took(by_loop)} by the loop, {took(by_wall)} by the wall"

def by_looptime(what, url):
    return looptime.new_event_loop().run_until_complete(timed(what, url))

def by_aiotools(what, url):
    async def patched():
        with aiotools.VirtualClock().patch_loop():
            return await timed(what, url)
    return asyncio.run(patched())

server = subprocess.Popen([sys.executable, "server.py"], stdout=subprocess.PIPE, text=True)
try:
    url = f"ws://127.0.0.1:{server.stdout.readline().strip()}/"
    clocks = {"real clock": lambda what, url: asyncio.run(timed(what, url)), "looptime": by_looptime, "aiotools": by_aiotools}
    for clock, run in clocks.items():
        print(f"{clock}: dial: {run(dial, url)}", flush=True)
        print(f"{clock}: open_timeout=None: {run(listen, url)}", flush=True)
finally:
    server.kill()
    server.wait()
EOF

timeout -k 5 90 venv/bin/python try.py | tee seen
diff expected seen && echo "as described"
