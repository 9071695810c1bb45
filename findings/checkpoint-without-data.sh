#!/usr/bin/env bash
# PyPI sseclient 0.0.27, aiohttp-sse-client 0.2.1, launchdarkly-eventsource 1.7.4;
# npm @microsoft/fetch-event-source 2.0.1, eventsource 5.1.5, eventsource-client 1.2.0, launchdarkly-eventsource 2.2.0
#
# A feed of server-sent events sends a checkpoint: an `id` without data, so that a client that loses its connection
# later resumes from there. By the standard no event is dispatched for it, but its id still counts, because the id is
# stored before the data is checked. After an event with id 1 and a checkpoint with id 7, four clients ask for what
# follows 7. Three ask for what follows 1, which means all of it again. eventsource and eventsource-client have the same
# author.
#
# Seen, the Last-Event-ID of the second request:
#   sseclient: 7
#   aiohttp-sse-client: 7
#   fetch-event-source: 7
#   eventsource: 7
#   launchdarkly-eventsource (Python): 1
#   launchdarkly-eventsource (JavaScript): 1
#   eventsource-client: 1
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check sseclient==0.0.27 six==1.17.0 aiohttp-sse-client==0.2.1 \
    launchdarkly-eventsource==1.7.4
npm install --silent --no-audit --no-fund --ignore-scripts @microsoft/fetch-event-source@2.0.1 eventsource@5.1.5 \
    eventsource-client@1.2.0 launchdarkly-eventsource@2.2.0

cat > expected <<'EOF'
sseclient: 7
aiohttp-sse-client: 7
fetch-event-source: 7
eventsource: 7
launchdarkly-eventsource (Python): 1
launchdarkly-eventsource (JavaScript): 1
eventsource-client: 1
EOF

cat > client.py <<'EOF'
import asyncio, sys

name, url = sys.argv[1:]
SOON_S = 0.3

async def by_aiohttp():
    from datetime import timedelta
    from aiohttp_sse_client.client import EventSource
    async with EventSource(url, reconnection_time=timedelta(seconds=SOON_S)) as source:
        async for _ in source:
            pass

if name == "aiohttp-sse-client":
    asyncio.run(by_aiohttp())
elif name == "sseclient":
    import sseclient
    for _ in sseclient.SSEClient(url, retry=int(SOON_S * 1000)):
        pass
else:
    import ld_eventsource
    from ld_eventsource.config import ConnectStrategy, ErrorStrategy
    client = ld_eventsource.SSEClient(ConnectStrategy.http(url), initial_retry_delay=SOON_S, error_strategy=ErrorStrategy.always_continue())
    for _ in client.events:
        pass
EOF

cat > client.cjs <<'EOF'
const [name, url] = process.argv.slice(2)
setInterval(() => {}, 1000) // else the process ends before some dial again
if (name === 'fetch-event-source') {
  // Made for browsers.
  globalThis.window = globalThis
  globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} }
  const { fetchEventSource } = require('@microsoft/fetch-event-source')
  fetchEventSource(url, { openWhenHidden: true, onclose() { throw new Error('ended: dial again') }, onerror: () => 300 })
} else if (name === 'eventsource-client') {
  require(name).createEventSource({ url, onMessage() {} })
} else {
  const { EventSource } = require(name)
  new EventSource(url).onmessage = () => {}
}
EOF

cat > try.py <<'EOF'
import socketserver, subprocess, sys, threading, time

PYTHON, NODE = [sys.executable, "client.py"], ["node", "client.cjs"]
CLIENTS = {
    "sseclient": [*PYTHON, "sseclient"],
    "aiohttp-sse-client": [*PYTHON, "aiohttp-sse-client"],
    "fetch-event-source": [*NODE, "fetch-event-source"],
    "eventsource": [*NODE, "eventsource"],
    "launchdarkly-eventsource (Python)": [*PYTHON, "launchdarkly-eventsource"],
    "launchdarkly-eventsource (JavaScript)": [*NODE, "launchdarkly-eventsource"],
    "eventsource-client": [*NODE, "eventsource-client"],
}
STREAM = b"retry: 300\n\nid: 1\ndata: a price\n\nid: 7\n\n"

class Feed(socketserver.StreamRequestHandler):
    def handle(self):
        last = "none"
        while line := self.rfile.readline().strip().lower():
            if line.startswith(b"last-event-id:"):
                last = line.split(b":")[1].strip().decode()
        self.server.asked.append(last)
        if len(self.server.asked) > 1:
            self.server.again.set()
            return
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + STREAM)
        time.sleep(0.5)

class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

for name, program in CLIENTS.items():
    with Server(("127.0.0.1", 0), Feed) as server:
        server.asked, server.again = [], threading.Event()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client = subprocess.Popen([*program, f"http://127.0.0.1:{server.server_address[1]}/"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        server.again.wait(20)
        client.kill()
        client.wait()
        server.shutdown()
    print(f"{name}: {server.asked[1] if len(server.asked) > 1 else 'did not ask again'}", flush=True)
EOF

timeout -k 5 110 venv/bin/python try.py | tee seen
diff expected seen && echo "as described"
