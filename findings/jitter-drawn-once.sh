#!/usr/bin/env bash
# npm reconnecting-websocket 4.4.0, partysocket 1.3.0, over ws 8.23.0; PyPI websocket-client 1.9.2
#
# The first delay after a loss, at two losses in each of six processes. reconnecting-websocket draws it once, when its
# module is loaded: processes differ, and each repeats its own delay for as long as it lives. partysocket, its fork, has
# a constant of 3 s, and websocket-client uses the delay that it is given: with either, all processes come back
# together.
#
# Seen:
#   reconnecting-websocket: processes differ; a process repeats its delay
#   partysocket: all processes wait alike; a process repeats its delay
#   websocket-client: all processes wait alike; a process repeats its delay
#
# One process can't show whether delays are random. To see what a crowd does, start a crowd.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check websockets==17.4 websocket-client==1.9.2
npm install --silent --no-audit --no-fund --ignore-scripts reconnecting-websocket@4.4.0 partysocket@1.3.0 ws@8.23.0 >/dev/null

cat > expected <<'EOF'
reconnecting-websocket: processes differ; a process repeats its delay
partysocket: all processes wait alike; a process repeats its delay
websocket-client: all processes wait alike; a process repeats its delay
EOF

cat > client.py <<'EOF'
import sys, websocket
websocket.WebSocketApp(sys.argv[2]).run_forever(reconnect=3)
EOF

cat > client.js <<'EOF'
const [name, url] = process.argv.slice(2)
const kinds = { 'reconnecting-websocket': () => require('reconnecting-websocket'), partysocket: () => require('partysocket/ws').default }
new (kinds[name]())(url, [], { WebSocket: require('ws') }).onerror = () => {}
EOF

cat > try.py <<'EOF'
import asyncio, os, sys
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

PROCESSES = 6
# Both libraries call a connection a success after 5 s: the delay starts again.
LIVES_S = 5.5
# Delays further apart than this are different, even on a busy machine.
NOISE_S = 0.25
PROGRAMS = {
    "reconnecting-websocket": ["node", "client.js", "reconnecting-websocket"],
    "partysocket": ["node", "client.js", "partysocket"],
    "websocket-client": [sys.executable, "client.py", "websocket-client"],
}

async def delays(program):
    """The delays of one process after its first two losses."""
    now = asyncio.get_running_loop().time
    lost, found, done = [], [], asyncio.Event()

    async def lose(socket):
        if lost:
            found.append(now() - lost[-1])
        if len(found) == 2:
            done.set()
            return
        try:
            async with asyncio.timeout(LIVES_S):
                await socket.wait_closed()
        except TimeoutError:
            pass
        socket.transport.abort()
        lost.append(now())

    async with serve(lose, "127.0.0.1", 0, ping_interval=None) as server:
        port = server.sockets[0].getsockname()[1]
        process = await asyncio.create_subprocess_exec(*program, f"ws://127.0.0.1:{port}/", stderr=asyncio.subprocess.DEVNULL)
        await asyncio.wait_for(done.wait(), 40)
        process.kill()
        await process.wait()
    return found

async def main():
    for name, program in PROGRAMS.items():
        seen = await asyncio.gather(*(delays(program) for _ in range(PROCESSES)))
        first = [it[0] for it in seen]
        alike = max(first) - min(first) < NOISE_S
        repeats = all(abs(one - other) < NOISE_S for one, other in seen)
        print(f"{name}: {'all processes wait alike' if alike else 'processes differ'}; "
              f"a process {'repeats its delay' if repeats else 'draws anew'}", flush=True)
    os._exit(0)

asyncio.run(main())
EOF

timeout -k 5 110 venv/bin/python try.py | tee seen
diff expected seen && echo "as described"
