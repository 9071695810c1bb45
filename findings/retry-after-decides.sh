#!/usr/bin/env bash
# PyPI urllib3 2.8.0, aiohttp-retry 2.9.1 (aiohttp 3.14.5), httpx-retries 0.6.0 (httpx 0.28.1)
#
# The snapshot that a subscriber fetches before it listens is answered with 503 once, then with 200. Each client is told
# to try up to three times.
# - urllib3 does not retry a bare 503 at all, and returns it; with a Retry-After header the very same call waits and
#   tries again. The header decides whether, not only when.
# - aiohttp-retry retries both, and comes back after 0.2 s although it was asked to wait for 2.
# - httpx-retries comes back at once after a bare 503, and waits when asked.
# A date has whole seconds, so "in 3 s" as a date means anything between 2 and 3 s.
#
# Seen:
#   urllib3: bare 503: ended with 503 after 1 request
#   urllib3: Retry-After: 2: ended with 200 after 2 requests, waited
#   urllib3: Retry-After, a date: ended with 200 after 2 requests, waited
#   aiohttp-retry: bare 503: ended with 200 after 2 requests, came at once
#   aiohttp-retry: Retry-After: 2: ended with 200 after 2 requests, came at once
#   aiohttp-retry: Retry-After, a date: ended with 200 after 2 requests, came at once
#   httpx-retries: bare 503: ended with 200 after 2 requests, came at once
#   httpx-retries: Retry-After: 2: ended with 200 after 2 requests, waited
#   httpx-retries: Retry-After, a date: ended with 200 after 2 requests, waited
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check urllib3==2.8.0 aiohttp==3.14.5 aiohttp-retry==2.9.1 httpx==0.28.1 httpx-retries==0.6.0

cat > expected <<'EOF'
urllib3: bare 503: ended with 503 after 1 request
urllib3: Retry-After: 2: ended with 200 after 2 requests, waited
urllib3: Retry-After, a date: ended with 200 after 2 requests, waited
aiohttp-retry: bare 503: ended with 200 after 2 requests, came at once
aiohttp-retry: Retry-After: 2: ended with 200 after 2 requests, came at once
aiohttp-retry: Retry-After, a date: ended with 200 after 2 requests, came at once
httpx-retries: bare 503: ended with 200 after 2 requests, came at once
httpx-retries: Retry-After: 2: ended with 200 after 2 requests, waited
httpx-retries: Retry-After, a date: ended with 200 after 2 requests, waited
EOF

cat > try.py <<'EOF'
import asyncio, email.utils, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import httpx, urllib3
from aiohttp_retry import ExponentialRetry, RetryClient
from httpx_retries import Retry, RetryTransport

def by_urllib3(url):
    return urllib3.PoolManager(retries=urllib3.Retry(3)).request("GET", url).status

def by_aiohttp_retry(url):
    async def get():
        async with RetryClient(retry_options=ExponentialRetry(attempts=3)) as client, client.get(url) as answer:
            return answer.status
    return asyncio.run(get())

def by_httpx_retries(url):
    with httpx.Client(transport=RetryTransport(retry=Retry(total=3))) as client:
        return client.get(url).status_code

def ask(get, wait):
    times = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            times.append(time.monotonic())
            self.send_response(503 if len(times) == 1 else 200)
            if len(times) == 1 and wait:
                self.send_header("Retry-After", wait())
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    status = get(f"http://127.0.0.1:{server.server_port}/")
    server.shutdown()
    if len(times) == 1:
        return f"ended with {status} after 1 request"
    return f"ended with {status} after {len(times)} requests, {'waited' if times[1] - times[0] > 1 else 'came at once'}"

WAITS = {
    "bare 503": None,
    "Retry-After: 2": lambda: "2",
    "Retry-After, a date": lambda: email.utils.formatdate(time.time() + 3, usegmt=True),
}
for name, get in ("urllib3", by_urllib3), ("aiohttp-retry", by_aiohttp_retry), ("httpx-retries", by_httpx_retries):
    for what, wait in WAITS.items():
        print(f"{name}: {what}: {ask(get, wait)}", flush=True)
EOF

timeout -k 5 60 venv/bin/python try.py | tee seen
diff expected seen && echo "as described"
