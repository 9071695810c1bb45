#!/usr/bin/env bash
# PyPI pysignalr 1.3.3, signalrcore 1.0.2; npm @microsoft/signalr 10.0.11 over ws 8.23.0; aiohttp 3.14.5 as the server
#
# A SignalR client negotiates an id and dials with it. After a loss, pysignalr first dials with the id of the connection
# that was lost. ASP.NET Core, as its source says, answers 404 to an id whose connection has ended; then pysignalr waits
# and negotiates another. Each 404 takes one from its `retry_count` of 10 and makes its next wait a tenth longer, and a
# connection that holds resets neither. So the tenth loss in a client's life ends it, however far apart the losses are:
# `run()` raises NegotiationFailure. With a server that takes an old id it goes on. The other two negotiate anew after
# each loss, and a connection resets their count: signalrcore survives with `max_attempts` 5.
#
# Seen, where each connection is lost 0.2 s after its handshake, until the 13th connection is made:
#   pysignalr, an id counts once: 10 connections, then NegotiationFailure
#   pysignalr, any id counts: 13 connections
#   signalrcore, an id counts once: 13 connections
#   @microsoft/signalr, an id counts once: 13 connections
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check pysignalr==1.3.3 websockets==17.4 signalrcore==1.0.2 aiohttp==3.14.5
npm install --silent --no-audit --no-fund --ignore-scripts @microsoft/signalr@10.0.11 ws@8.23.0

cat > expected <<'EOF'
pysignalr, an id counts once: 10 connections, then NegotiationFailure
pysignalr, any id counts: 13 connections
signalrcore, an id counts once: 13 connections
@microsoft/signalr, an id counts once: 13 connections
EOF

cat > client.py <<'EOF'
import asyncio, sys, time

library, url = sys.argv[1:]
if library == "pysignalr":
    from pysignalr.client import SignalRClient
    try:
        asyncio.run(SignalRClient(url).run())
    except Exception as e:
        print(type(e).__name__)
else:
    from signalrcore.hub_connection_builder import HubConnectionBuilder
    retries = {"type": "raw", "keep_alive_interval": 10, "reconnect_interval": 1, "max_attempts": 5}
    HubConnectionBuilder().with_url(url).with_automatic_reconnect(retries).build().start()
    time.sleep(120)
EOF

cat > client.mjs <<'EOF'
import { HubConnectionBuilder, LogLevel } from '@microsoft/signalr'
const builder = new HubConnectionBuilder().withUrl(process.argv[2]).withAutomaticReconnect()
const hub = builder.configureLogging(LogLevel.None).build()
await hub.start()
EOF

cat > try.py <<'EOF'
import asyncio, sys, uuid
from aiohttp import web

class Server:
    def __init__(self, once):
        self.once, self.ids, self.connections, self.enough = once, set(), 0, asyncio.Event()
        app = web.Application()
        app.router.add_post("/hub/negotiate", self.negotiate)
        app.router.add_get("/hub", self.serve)
        self.runner = web.AppRunner(app, shutdown_timeout=0)

    async def negotiate(self, _):
        new = uuid.uuid4().hex
        self.ids.add(new)
        transports = [{"transport": "WebSockets", "transferFormats": ["Text", "Binary"]}]
        return web.json_response({"connectionId": new, "connectionToken": new, "negotiateVersion": 1,
                                  "availableTransports": transports})

    async def serve(self, request):
        if request.query["id"] not in self.ids:
            return web.Response(status=404, text="No Connection with that ID")
        if self.once:
            self.ids.remove(request.query["id"])
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        await socket.send_str("{}\x1e")
        self.connections += 1
        if self.connections == 13:
            self.enough.set()
        await asyncio.sleep(0.2)
        if request.transport: # unless the client has gone
            request.transport.abort()
        return socket

async def play(name, once, *program):
    server = Server(once)
    await server.runner.setup()
    await web.TCPSite(server.runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{server.runner.addresses[0][1]}/hub"
    client = await asyncio.create_subprocess_exec(*program, url, stdout=asyncio.subprocess.PIPE,
                                                  stderr=asyncio.subprocess.DEVNULL)
    waits = [asyncio.ensure_future(server.enough.wait()), asyncio.ensure_future(client.wait())]
    await asyncio.wait(waits, timeout=80, return_when=asyncio.FIRST_COMPLETED)
    connections = server.connections
    if client.returncode is None:
        client.kill()
    raised = (await client.stdout.read()).decode().strip()
    await server.runner.cleanup()
    which = "an id counts once" if once else "any id counts"
    return f"{name}, {which}: {connections} connections" + (f", then {raised}" if raised else "")

async def main():
    python, node = [sys.executable, "client.py"], ["node", "client.mjs"]
    for line in await asyncio.gather(
        play("pysignalr", True, *python, "pysignalr"),
        play("pysignalr", False, *python, "pysignalr"),
        play("signalrcore", True, *python, "signalrcore"),
        play("@microsoft/signalr", True, *node),
    ):
        print(line)

asyncio.run(main())
EOF

timeout -k 5 110 venv/bin/python try.py 2> errors | tee seen || true
diff expected seen || { cat errors >&2; exit 1; }
echo "as described"
