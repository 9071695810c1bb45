#!/usr/bin/env bash
# npm sockette 2.0.6, graphql-ws 6.4.2, reconnecting-websocket 4.4.0 (ws 8.23.0 underneath)
# PyPI websockets 17.4, sanic 25.12.1, hypercorn 0.18.0, uvicorn 0.54.0
#
# A server is shut down in an orderly way (SIGTERM) and started again on the same port. Whether a reconnecting client
# comes back depends on client and server together, not on the client alone:
# - sockette treats 1000 and 1001 as final, and sanic and websockets send these.
# - graphql-ws treats 1011 as final, even if shouldRetry returns true and 100 attempts are allowed, and hypercorn sends
#   it.
# The same clients come back to a server that just drops TCP, or that sends 1012 as uvicorn does.
#
# Seen: the table under "expected" below.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check websockets==17.4 sanic==25.12.1 hypercorn==0.18.0 uvicorn==0.54.0
npm install --silent --no-audit --no-fund --ignore-scripts ws@8.23.0 sockette@2.0.6 graphql@16.15.0 graphql-ws@6.4.2 \
  reconnecting-websocket@4.4.0 >/dev/null

cat > expected <<'EOF'
websockets sends 1001: sockette stays away, graphql-ws is back, reconnecting-websocket is back
sanic sends 1000: sockette stays away, graphql-ws is back, reconnecting-websocket is back
hypercorn sends 1011: sockette is back, graphql-ws stays away, reconnecting-websocket is back
uvicorn sends 1012: sockette is back, graphql-ws is back, reconnecting-websocket is back
EOF

# Every server answers each message with graphql-ws's acknowledgement.
cat > app.py <<'EOF'
async def app(scope, receive, send):
    if scope["type"] != "websocket":
        return
    await receive()
    offered = scope["subprotocols"]
    await send({"type": "websocket.accept", "subprotocol": offered[0] if offered else None})
    while (await receive())["type"] != "websocket.disconnect":
        await send({"type": "websocket.send", "text": '{"type":"connection_ack"}'})
EOF

cat > plain.py <<'EOF'
import asyncio, signal, sys
import websockets

async def feed(ws):
    async for _ in ws:
        await ws.send('{"type":"connection_ack"}')

async def main():
    pick = lambda connection, offered: offered[0] if offered else None
    async with websockets.serve(feed, "127.0.0.1", int(sys.argv[1]), select_subprotocol=pick) as server:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.close)
        await server.wait_closed()

asyncio.run(main())
EOF

cat > sanicapp.py <<'EOF'
import sys
from sanic import Sanic

app = Sanic("feed")

async def feed(request, ws):
    async for _ in ws:
        await ws.send('{"type":"connection_ack"}')

app.add_websocket_route(feed, "/", name="plain")
app.add_websocket_route(feed, "/graphql-ws", name="graphql", subprotocols=["graphql-transport-ws"])

if __name__ == "__main__":
    app.run("127.0.0.1", int(sys.argv[1]), single_process=True, access_log=False)
EOF

cat > client.js <<'EOF'
const [, , library, url] = process.argv
const ws = require('ws')
const opened = () => console.log('open')
const closed = event => console.log(event.code)
if (library === 'sockette') {
  global.WebSocket = ws
  require('sockette')(url, { timeout: 200, onopen: opened, onclose: closed, onerror: () => {} })
} else if (library === 'graphql-ws') {
  require('graphql-ws').createClient({
    url: url + 'graphql-ws', webSocketImpl: ws, lazy: false, retryAttempts: 100, shouldRetry: () => true,
    retryWait: () => new Promise(done => setTimeout(done, 200)),
    on: { connected: opened, closed }, onNonLazyError: () => {},
  })
} else {
  const Reconnecting = require('reconnecting-websocket')
  const socket = new Reconnecting(url, [], { WebSocket: ws, minReconnectionDelay: 200, maxReconnectionDelay: 400 })
  socket.onopen = opened
  socket.onclose = closed
  socket.onerror = () => {}
}
setInterval(() => {}, 1000)
EOF

cat > try.py <<'EOF'
import socket, subprocess, threading, time

CLIENTS = "sockette", "graphql-ws", "reconnecting-websocket"
SERVERS = {
    "websockets": lambda port: ["python", "plain.py", port],
    "sanic": lambda port: ["python", "sanicapp.py", port],
    "hypercorn": lambda port: ["hypercorn", "app:app", "-b", "127.0.0.1:" + port],
    "uvicorn": lambda port: ["uvicorn", "app:app", "--port", port],
}

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return str(s.getsockname()[1])

def start(name, port):
    command = SERVERS[name](port)
    return subprocess.Popen(["venv/bin/" + command[0], *command[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

def stop(server):
    server.terminate()  # first, so that a server with workers ends them too
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()

def wait(what, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.05)
    return False

class Client:
    def __init__(self, library, port):
        self.lines = []
        self.process = subprocess.Popen(["node", "client.js", library, f"ws://127.0.0.1:{port}/"],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        threading.Thread(target=lambda: self.lines.extend(l.strip() for l in iter(self.process.stdout.readline, "")),
                         daemon=True).start()

    def opens(self):
        return self.lines.count("open")

def judge(name):
    port, clients = free_port(), {}
    server = start(name, port)
    try:
        def up():
            try:
                socket.create_connection(("127.0.0.1", int(port)), 1).close()
                return True
            except OSError:
                return False
        if not wait(up, 20):
            raise SystemExit(name + " did not start")
        clients = {library: Client(library, port) for library in CLIENTS}
        if not wait(lambda: all(c.opens() for c in clients.values()), 20):
            raise SystemExit(name + ": a client did not connect")
        server.terminate()
        server.wait(20)
        server = start(name, port)
        wait(lambda: clients["reconnecting-websocket"].opens() > 1, 20)
        time.sleep(2)
        codes = {[l for l in c.lines if l != "open"][0] for c in clients.values()}
        ends = [f"{library} {'is back' if c.opens() > 1 else 'stays away'}" for library, c in clients.items()]
        print(f"{name} sends {' or '.join(sorted(codes))}: {', '.join(ends)}", flush=True)
    finally:
        for client in clients.values():
            client.process.kill()
            client.process.wait()
        stop(server)

for name in SERVERS:
    judge(name)
EOF

timeout -k 5 100 venv/bin/python try.py | tee seen
diff expected seen && echo "as described"
