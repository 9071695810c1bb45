#!/usr/bin/env bash
# PyPI sseclient-py 1.9.0, sseclient 0.0.27, aiohttp-sse-client 0.2.1, requests-sse 0.5.3, launchdarkly-eventsource 1.7.4;
# npm @microsoft/fetch-event-source 2.0.1, eventsource 5.1.5, undici 7.30.2
#
# A feed of server-sent events sends the prices 101, 10250 and 103. The connection ends within the second event, either
# after "data: 102" or after its last line, with only the blank line missing. The standard says that such an event is
# discarded, and its id with it. The server continues after the Last-Event-ID that a client sends.
# - sseclient-py delivers what has arrived: a price of 102. (It does not dial again by itself.)
# - aiohttp-sse-client keeps what has arrived and appends the next connection's first event to it: one event of two
#   lines. sseclient does so if the line was whole.
# - fetch-event-source counts an id as seen as soon as its line has arrived, and asks for what follows, so 10250 never
#   comes. (It is made for browsers; the script provides stand-ins for `window` and `document`.)
# - The other four drop the half event and ask for it again.
#
# Seen: the table under "expected" below; "+" joins the lines of one event.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check sseclient-py==1.9.0 aiohttp-sse-client==0.2.1 requests-sse==0.5.3 \
    launchdarkly-eventsource==1.7.4 six==1.17.0
# Of the same module name as sseclient-py.
venv/bin/pip install -q --disable-pip-version-check --no-deps --target older sseclient==0.0.27
npm install --silent --no-audit --no-fund --ignore-scripts @microsoft/fetch-event-source@2.0.1 eventsource@5.1.5 undici@7.30.2

cat > expected <<'EOF'
value cut: sseclient-py 101 102
value cut: aiohttp-sse-client 101 102+10250 103
value cut: sseclient 101 10250 103
value cut: fetch-event-source 101 103
value cut: requests-sse 101 10250 103
value cut: launchdarkly-eventsource 101 10250 103
value cut: eventsource 101 10250 103
value cut: undici 101 10250 103
blank line missing: sseclient-py 101 10250
blank line missing: aiohttp-sse-client 101 10250+10250 103
blank line missing: sseclient 101 10250+10250 103
blank line missing: fetch-event-source 101 103
blank line missing: requests-sse 101 10250 103
blank line missing: launchdarkly-eventsource 101 10250 103
blank line missing: eventsource 101 10250 103
blank line missing: undici 101 10250 103
EOF

cat > client.py <<'EOF'
import asyncio, sys
from datetime import timedelta

name, url = sys.argv[1:]
SOON_S = 0.3

def by_sseclient_py():
    import requests, sseclient
    yield from (event.data for event in sseclient.SSEClient(requests.get(url, stream=True)).events())

def by_sseclient():
    sys.path.insert(0, "older")
    import sseclient
    yield from (event.data for event in sseclient.SSEClient(url, retry=int(SOON_S * 1000)))

def by_requests_sse():
    import requests_sse
    with requests_sse.EventSource(url, reconnection_time=timedelta(seconds=SOON_S)) as source:
        yield from (event.data for event in source)

def by_launchdarkly():
    import ld_eventsource
    from ld_eventsource.config import ConnectStrategy, ErrorStrategy
    client = ld_eventsource.SSEClient(ConnectStrategy.http(url), initial_retry_delay=SOON_S, error_strategy=ErrorStrategy.always_continue())
    yield from (event.data for event in client.events)

def show(data):
    print(data.replace("\n", "+"), flush=True)
    return data.endswith("103")

async def by_aiohttp():
    from aiohttp_sse_client.client import EventSource
    async with EventSource(url, reconnection_time=timedelta(seconds=SOON_S)) as source:
        async for event in source:
            if show(event.data):
                return

if name == "aiohttp-sse-client":
    asyncio.run(by_aiohttp())
else:
    kinds = {"sseclient-py": by_sseclient_py, "sseclient": by_sseclient, "requests-sse": by_requests_sse,
             "launchdarkly-eventsource": by_launchdarkly}
    for data in kinds[name]():
        if show(data):
            break
EOF

cat > client.cjs <<'EOF'
const [name, url] = process.argv.slice(2)
const show = ({ data }) => {
  console.log(data.replaceAll('\n', '+'))
  if (data.endsWith('103')) process.exit(0)
}
if (name === 'fetch-event-source') {
  globalThis.window = globalThis
  globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} }
  const { fetchEventSource } = require('@microsoft/fetch-event-source')
  fetchEventSource(url, {
    openWhenHidden: true,
    onmessage: (event) => { if (event.data) show(event) },
    onclose() { throw new Error('ended: dial again') },
    onerror: () => 300,
  })
} else {
  setInterval(() => {}, 1000) // else the process ends before either dials again
  const { EventSource } = require(name)
  new EventSource(url).onmessage = show
}
EOF

cat > try.py <<'EOF'
import socketserver, subprocess, sys, threading, time

PRICES = {1: "101", 2: "10250", 3: "103"}
CUTS = {"value cut": "id: 2\ndata: 102", "blank line missing": "id: 2\ndata: 10250\n"}
PYTHON = ["sseclient-py", "aiohttp-sse-client", "sseclient"]
REST = ["requests-sse", "launchdarkly-eventsource"]

class Feed(socketserver.StreamRequestHandler):
    def handle(self):
        last = 0
        while line := self.rfile.readline().strip().lower():
            if line.startswith(b"last-event-id:"):
                last = int(line.split(b":")[1])
        events = [f"id: {n}\ndata: {price}\n\n" for n, price in PRICES.items() if n > last]
        body = "".join(events) if self.server.was_cut else f"retry: 300\n{events[0]}{self.server.cut}"
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
        self.wfile.write((head + body).encode())
        if self.server.was_cut:
            time.sleep(5)
        self.server.was_cut = True

class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

for what, cut in CUTS.items():
    for name in PYTHON + ["fetch-event-source"] + REST + ["eventsource", "undici"]:
        with Server(("127.0.0.1", 0), Feed) as server:
            server.cut, server.was_cut = cut, False
            server.block_on_close = False
            threading.Thread(target=server.serve_forever, daemon=True).start()
            program = [sys.executable, "client.py"] if name in PYTHON + REST else ["node", "client.cjs"]
            out = subprocess.run([*program, name, f"http://127.0.0.1:{server.server_address[1]}/"],
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=20).stdout
            server.shutdown()
        print(f"{what}: {name}", *out.split(), flush=True)
EOF

timeout -k 5 100 venv/bin/python try.py | tee seen
diff expected seen && echo "as described"
