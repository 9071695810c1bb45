#!/usr/bin/env bash
# PyPI uvicorn 0.54.0, hypercorn 0.18.0, daphne 4.2.3, granian 2.8.9, sanic 25.12.1 (websockets 17.4 as client)
#
# One SIGTERM, five servers, one open WebSocket each. The first four run the very same ASGI app. Only daphne and granian
# agree: the client sees 1012, 1011, 1000 or no Close frame at all; the process counts as killed by the signal (uvicorn)
# or as a success (the others). hypercorn sends nothing for three seconds, during which its port still accepts
# connections.
#
# Seen:
#   uvicorn: client saw Close 1012 at once; exit status -15; a new TCP connection after 1 s: refused
#   hypercorn: client saw Close 1011 after 3 s; exit status 0; a new TCP connection after 1 s: taken
#   daphne: client saw no Close, only the end of TCP, at once; exit status 0; a new TCP connection after 1 s: refused
#   granian: client saw no Close, only the end of TCP, at once; exit status 0; a new TCP connection after 1 s: refused
#   sanic: client saw Close 1000 at once; exit status 0; a new TCP connection after 1 s: refused
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check uvicorn==0.54.0 hypercorn==0.18.0 daphne==4.2.3 granian==2.8.9 \
  sanic==25.12.1 websockets==17.4

cat > expected <<'EOF'
uvicorn: client saw Close 1012 at once; exit status -15; a new TCP connection after 1 s: refused
hypercorn: client saw Close 1011 after 3 s; exit status 0; a new TCP connection after 1 s: taken
daphne: client saw no Close, only the end of TCP, at once; exit status 0; a new TCP connection after 1 s: refused
granian: client saw no Close, only the end of TCP, at once; exit status 0; a new TCP connection after 1 s: refused
sanic: client saw Close 1000 at once; exit status 0; a new TCP connection after 1 s: refused
EOF

cat > app.py <<'EOF'
async def app(scope, receive, send):
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": "hello"})
    while (await receive())["type"] != "websocket.disconnect":
        pass
EOF

cat > sanicapp.py <<'EOF'
import sys
from sanic import Sanic

app = Sanic("feed")

@app.websocket("/")
async def feed(request, ws):
    await ws.send("hello")
    async for _ in ws:
        pass

if __name__ == "__main__":
    app.run("127.0.0.1", int(sys.argv[1]), single_process=True, access_log=False)
EOF

cat > try.py <<'EOF'
import asyncio, socket, subprocess, time
import websockets

def commands(port):
    yield "uvicorn", ["uvicorn", "app:app", "--port", port, "--ws", "websockets-sansio"]
    yield "hypercorn", ["hypercorn", "app:app", "-b", f"127.0.0.1:{port}"]
    yield "daphne", ["daphne", "app:app", "-b", "127.0.0.1", "-p", port]
    yield "granian", ["granian", "--interface", "asgi", "app:app", "--host", "127.0.0.1", "--port", port]
    yield "sanic", ["python", "sanicapp.py", port]

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return str(s.getsockname()[1])

async def connect(port):
    for _ in range(200):
        try:
            return await websockets.connect(f"ws://127.0.0.1:{port}/", proxy=None)
        except OSError:
            await asyncio.sleep(0.1)
    raise SystemExit("the server did not start")

async def judge(index):
    port = free_port()
    name, command = list(commands(port))[index]
    server = subprocess.Popen(["venv/bin/" + command[0], *command[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        ws = await connect(port)
        await ws.recv()
        await asyncio.sleep(0.3)
        began = time.monotonic()
        server.terminate()
        took = []
        closed = asyncio.create_task(ws.wait_closed())
        closed.add_done_callback(lambda _: took.append(time.monotonic() - began))
        await asyncio.sleep(1)
        try:
            with socket.create_connection(("127.0.0.1", int(port)), 1):
                new = "taken"
        except OSError:
            new = "refused"
        await asyncio.wait_for(closed, 15)
        status = await asyncio.wait_for(asyncio.to_thread(server.wait), 15)
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
    when = "at once" if took[0] < 1 else f"after {took[0]:.0f} s"
    saw = "no Close, only the end of TCP," if ws.close_code == 1006 else f"Close {ws.close_code}"
    print(f"{name}: client saw {saw} {when}; exit status {status}; a new TCP connection after 1 s: {new}", flush=True)

for index in range(5):
    asyncio.run(judge(index))
EOF

timeout -k 5 90 venv/bin/python try.py | tee seen
diff expected seen && echo "as described"
