#!/usr/bin/env bash
# PyPI requests 2.34.2, urllib3 2.8.0, sseclient-py 1.9.0, requests-sse 0.5.3, launchdarkly-eventsource 1.7.4, sseclient 0.0.27,
# httpx 0.28.1, httpx-sse 0.4.3, aiohttp-sse-client 0.2.1; niquests 3.21.2 with urllib3-future 2.25.904
#
# The server sends 101 server-sent events and is then quiet; the connection stays open. How many events has the client
# delivered by then?
# - In chunks, as HTTP/1.1 sends them: all, with every client.
# - Without chunks and until the end of the connection, as HTTP/1.0 sends them (Python's http.server at its defaults):
#   sseclient-py, requests-sse and requests' iter_lines hold back the last few until later events fill their block;
#   launchdarkly-eventsource, and urllib3 read by line, hold back all 101. With another feed the events come late and in
#   bursts, and the last ones before a pause come after it.
# - Once niquests is installed in the same environment, none is held back: it brings urllib3-future, which takes the
#   place of urllib3, for the other libraries too.
#
# Seen: the table under "expected" below.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check requests==2.34.2 urllib3==2.8.0 httpx==0.28.1 sseclient-py==1.9.0 httpx-sse==0.4.3 \
    requests-sse==0.5.3 launchdarkly-eventsource==1.7.4 aiohttp==3.14.5 aiohttp-sse-client==0.2.1 six==1.17.0
# Of the same module name as sseclient-py.
venv/bin/pip install -q --disable-pip-version-check --no-deps --target older sseclient==0.0.27

cat > expected <<'EOF'
sseclient-py over requests: HTTP/1.1 101, HTTP/1.0 99
sseclient-py over urllib3: HTTP/1.1 101, HTTP/1.0 0
requests-sse: HTTP/1.1 101, HTTP/1.0 97
launchdarkly-eventsource: HTTP/1.1 101, HTTP/1.0 0
requests' iter_lines: HTTP/1.1 101, HTTP/1.0 97
urllib3: HTTP/1.1 101, HTTP/1.0 0
requests' iter_lines by single bytes: HTTP/1.1 101, HTTP/1.0 101
sseclient: HTTP/1.1 101, HTTP/1.0 101
aiohttp-sse-client: HTTP/1.1 101, HTTP/1.0 101
httpx-sse: HTTP/1.1 101, HTTP/1.0 101
httpx's iter_lines: HTTP/1.1 101, HTTP/1.0 101
urllib: HTTP/1.1 101, HTTP/1.0 101
sseclient-py over requests: HTTP/1.0 beside niquests 101
sseclient-py over urllib3: HTTP/1.0 beside niquests 101
requests-sse: HTTP/1.0 beside niquests 101
launchdarkly-eventsource: HTTP/1.0 beside niquests 101
requests' iter_lines: HTTP/1.0 beside niquests 101
urllib3: HTTP/1.0 beside niquests 101
EOF

cat > client.py <<'EOF'
import asyncio, sys

name, url = sys.argv[1:]

def prices(lines):
    yield from (line for line in lines if line.startswith(b"data:"))

def by_urllib():
    import urllib.request
    yield from prices(urllib.request.urlopen(url))

def by_urllib3():
    import urllib3
    yield from prices(urllib3.PoolManager().request("GET", url, preload_content=False))

def by_requests():
    import requests
    yield from prices(requests.get(url, stream=True).iter_lines())

def by_requests_bytes():
    import requests
    yield from prices(requests.get(url, stream=True).iter_lines(chunk_size=1))

def by_httpx():
    import httpx
    with httpx.stream("GET", url) as response:
        yield from (line for line in response.iter_lines() if line.startswith("data:"))

def by_httpx_sse():
    import httpx, httpx_sse
    with httpx.Client() as client, httpx_sse.connect_sse(client, "GET", url) as source:
        yield from source.iter_sse()

def by_sseclient_py():
    import requests, sseclient
    yield from sseclient.SSEClient(requests.get(url, stream=True)).events()

def by_sseclient_py_over_urllib3():
    import sseclient, urllib3
    yield from sseclient.SSEClient(urllib3.PoolManager().request("GET", url, preload_content=False)).events()

def by_sseclient():
    sys.path.insert(0, "older")
    import sseclient
    yield from sseclient.SSEClient(url)

def by_requests_sse():
    import requests_sse
    with requests_sse.EventSource(url) as source:
        yield from source

def by_launchdarkly():
    import ld_eventsource
    yield from ld_eventsource.SSEClient(url).events

async def by_aiohttp():
    from aiohttp_sse_client.client import EventSource
    async with EventSource(url) as source:
        async for _ in source:
            print("event", flush=True)

if name == "aiohttp-sse-client":
    asyncio.run(by_aiohttp())
else:
    kinds = {"urllib": by_urllib, "urllib3": by_urllib3, "requests' iter_lines": by_requests,
             "requests' iter_lines by single bytes": by_requests_bytes, "httpx's iter_lines": by_httpx, "httpx-sse": by_httpx_sse,
             "sseclient-py over requests": by_sseclient_py, "sseclient-py over urllib3": by_sseclient_py_over_urllib3,
             "sseclient": by_sseclient, "requests-sse": by_requests_sse, "launchdarkly-eventsource": by_launchdarkly}
    for _ in kinds[name]():
        print("event", flush=True)
EOF

cat > try.py <<'EOF'
import concurrent.futures, http.server, subprocess, sys, threading, time

HOLDING = ["sseclient-py over requests", "sseclient-py over urllib3", "requests-sse", "launchdarkly-eventsource", "requests' iter_lines", "urllib3"]
PROMPT = ["requests' iter_lines by single bytes", "sseclient", "aiohttp-sse-client", "httpx-sse", "httpx's iter_lines", "urllib"]
EVENTS, QUIET_S = 101, 2

class Feed(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        chunked = self.protocol_version == "HTTP/1.1"
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(EVENTS):
            event = b"id: %04d\ndata: %s\n\n" % (number, b"1" * 46)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event) if chunked else event)
            time.sleep(0.01)
        self.server.sent.set()
        # Open, and quiet.
        self.server.judged.wait(60)

    def log_message(self, *_):
        pass

class Chunked(Feed):
    protocol_version = "HTTP/1.1"

def delivered(name, feed):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), feed) as server:
        server.sent, server.judged = threading.Event(), threading.Event()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client = subprocess.Popen([sys.executable, "client.py", name, f"http://127.0.0.1:{server.server_address[1]}/"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        server.sent.wait(30)
        time.sleep(QUIET_S)
        client.kill()
        out, _ = client.communicate()
        server.judged.set()
        server.shutdown()
    return out.count(b"event")

names, feeds = (HOLDING, {"HTTP/1.0 beside niquests": Feed}) if sys.argv[1:] else (HOLDING + PROMPT, {"HTTP/1.1": Chunked, "HTTP/1.0": Feed})

def line(name):
    return f"{name}: " + ", ".join(f"{how} {delivered(name, feed)}" for how, feed in feeds.items())

with concurrent.futures.ThreadPoolExecutor(4) as pool:
    for done in pool.map(line, names):
        print(done, flush=True)
EOF

{
  timeout -k 5 60 venv/bin/python try.py
  # Its dependency urllib3-future takes the place of urllib3.
  venv/bin/pip install -q --disable-pip-version-check niquests==3.21.2 urllib3-future==2.25.904
  timeout -k 5 60 venv/bin/python try.py beside
} | tee seen
diff expected seen && echo "as described"
