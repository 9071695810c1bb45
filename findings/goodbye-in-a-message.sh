#!/usr/bin/env bash
# PyPI pysignalr 1.3.3 over websockets 17.4, signalrcore 1.0.2; npm @microsoft/signalr 10.0.11 over ws 8.23.0;
# aiohttp 3.14.5 as the server
#
# A SignalR server says goodbye in a message, {"type":7}, and then closes the WebSocket with 1000. The message may carry
# an error for the client, and `allowReconnect`; without that, a client is not to dial again by itself. Each client is
# set to reconnect automatically, and the server takes new connections all the time.
# - @microsoft/signalr does as it is told, error or not. Without `allowReconnect` it stays away for good.
# - signalrcore dials again whatever it is told, and reports neither the goodbye nor the error.
# - pysignalr dials again if there is no error, allowed or not. At an error `run()` raises ServerError, and the client
#   is gone although the server allows it to come back.
# After a loss all three are back.
#
# Seen within 10 s of the end:
#   a loss: pysignalr back; signalrcore back; @microsoft/signalr back
#   {"type":7,"allowReconnect":true}: pysignalr back; signalrcore back; @microsoft/signalr back
#   {"type":7}: pysignalr back; signalrcore back; @microsoft/signalr away
#   {"type":7,"error":"moved","allowReconnect":true}: pysignalr ServerError; signalrcore back; @microsoft/signalr back
#   {"type":7,"error":"moved"}: pysignalr ServerError; signalrcore back; @microsoft/signalr away, told of the error
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check pysignalr==1.3.3 websockets==17.4 signalrcore==1.0.2 aiohttp==3.14.5
npm install --silent --no-audit --no-fund --ignore-scripts @microsoft/signalr@10.0.11 ws@8.23.0

cat > expected <<'EOF'
a loss: pysignalr back; signalrcore back; @microsoft/signalr back
{"type":7,"allowReconnect":true}: pysignalr back; signalrcore back; @microsoft/signalr back
{"type":7}: pysignalr back; signalrcore back; @microsoft/signalr away
{"type":7,"error":"moved","allowReconnect":true}: pysignalr ServerError; signalrcore back; @microsoft/signalr back
{"type":7,"error":"moved"}: pysignalr ServerError; signalrcore back; @microsoft/signalr away, told of the error
EOF

# Each prints what it learns of the error.
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
    hub = HubConnectionBuilder().with_url(url).with_automatic_reconnect(retries).build()
    hub.on_error(lambda _: print("told of an error", flush=True))
    hub.on_close(lambda: print("told of a close", flush=True))
    hub.start()
    time.sleep(120)
EOF

cat > client.mjs <<'EOF'
import { HubConnectionBuilder, LogLevel } from '@microsoft/signalr'
const builder = new HubConnectionBuilder().withUrl(process.argv[2]).withAutomaticReconnect()
const hub = builder.configureLogging(LogLevel.None).build()
hub.onclose((error) => console.log(error ? 'away, told of the error' : 'away'))
await hub.start()
setTimeout(() => {}, 120_000)
EOF

cat > try.py <<'EOF'
import asyncio, sys, uuid
from aiohttp import web

ENDS = ["a loss", '{"type":7,"allowReconnect":true}', '{"type":7}', '{"type":7,"error":"moved","allowReconnect":true}',
        '{"type":7,"error":"moved"}']
PROGRAMS = {"pysignalr": [sys.executable, "client.py", "pysignalr"],
            "signalrcore": [sys.executable, "client.py", "signalrcore"],
            "@microsoft/signalr": ["node", "client.mjs"]}
WATCHED_S = 10

class Server:
    def __init__(self, end):
        self.end, self.ids, self.connections, self.ended = end, set(), 0, asyncio.Event()
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
        self.ids.remove(request.query["id"])
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        await socket.send_str("{}\x1e")
        self.connections += 1
        if self.connections > 1:
            async for _ in socket:
                pass
            return socket
        await asyncio.sleep(0.5)
        if self.end == "a loss":
            request.transport.abort()
        else:
            await socket.send_str(self.end + "\x1e")
            await socket.close(code=1000)
        self.ended.set()
        return socket

async def play(end, program):
    server = Server(end)
    await server.runner.setup()
    await web.TCPSite(server.runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{server.runner.addresses[0][1]}/hub"
    client = await asyncio.create_subprocess_exec(*program, url, stdout=asyncio.subprocess.PIPE,
                                                  stderr=asyncio.subprocess.DEVNULL)
    await asyncio.wait_for(server.ended.wait(), 60)
    await asyncio.sleep(WATCHED_S)
    if client.returncode is None:
        client.kill()
    told = (await client.stdout.read()).decode().splitlines()
    await server.runner.cleanup()
    return ", ".join((["back"] if server.connections > 1 else []) + told)

async def main():
    seen = iter(await asyncio.gather(*(play(end, program) for end in ENDS for program in PROGRAMS.values())))
    for end in ENDS:
        print(f"{end}: " + "; ".join(f"{name} {next(seen)}" for name in PROGRAMS))

asyncio.run(main())
EOF

timeout -k 5 115 venv/bin/python try.py 2> errors | tee seen || true
diff expected seen || { cat errors >&2; exit 1; }
echo "as described"
