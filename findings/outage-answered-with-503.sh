#!/usr/bin/env bash
# npm eventsource 5.1.5, undici 7.30.2, extended-eventsource 2.1.0, event-source-polyfill 1.0.31, eventsource-client 1.2.0,
# event-source-plus 0.1.15, @microsoft/fetch-event-source 2.0.1, launchdarkly-eventsource 2.2.0;
# PyPI sseclient 0.0.27, aiohttp-sse-client 0.2.1, requests-sse 0.5.3, launchdarkly-eventsource 1.7.4
#
# A feed of server-sent events ends in an orderly way, as at a restart. What the client meets next depends on what is in
# front of the server: a port that refuses for 1.5 s; or one attempt that is reset, or that a load balancer answers with
# 503, with 200 and an HTML page, or with 204, by which the standard lets a server say "do not reconnect". Then the feed
# is back.
# - eventsource, undici, extended-eventsource and event-source-polyfill survive a server that is down, but close for
#   good at one 503 or one page. The standard asks for that.
# - Three of the Python libraries raise at the 503. sseclient and aiohttp-sse-client raise at the refused port too, but
#   not at everything: sseclient takes the page for an empty feed and comes back.
# - The other five come back from a refused port, a reset, a 503 and a page. (fetch-event-source does if its error
#   handler returns a delay, launchdarkly-eventsource in Python if its error strategy continues.)
# - 204 ends those that obey the standard, among them eventsource-client and launchdarkly-eventsource in JavaScript,
#   which a 503 does not end. launchdarkly-eventsource in Python comes back all the same, and so do sseclient,
#   event-source-polyfill, event-source-plus and fetch-event-source.
#
# Seen: the table under "expected" below. "closed" is the library's own word for an end, and "raised" is an exception.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check aiohttp-sse-client==0.2.1 requests-sse==0.5.3 launchdarkly-eventsource==1.7.4 six==1.17.0
venv/bin/pip install -q --disable-pip-version-check --no-deps --target older sseclient==0.0.27
npm install --silent --no-audit --no-fund --ignore-scripts eventsource@5.1.5 undici@7.30.2 extended-eventsource@2.1.0 \
    event-source-polyfill@1.0.31 eventsource-client@1.2.0 event-source-plus@0.1.15 @microsoft/fetch-event-source@2.0.1 launchdarkly-eventsource@2.2.0

cat > expected <<'EOF'
sseclient: refused raised, reset raised, 503 raised, a page back, 204 back
aiohttp-sse-client: refused raised, reset back, 503 raised, a page raised, 204 raised
requests-sse: refused back, reset back, 503 raised, a page raised, 204 raised
launchdarkly-eventsource (Python): refused back, reset back, 503 back, a page back, 204 back
eventsource: refused back, reset back, 503 closed, a page closed, 204 closed
undici: refused back, reset back, 503 closed, a page closed, 204 closed
extended-eventsource: refused back, reset back, 503 closed, a page closed, 204 closed
event-source-polyfill: refused back, reset back, 503 closed, a page closed, 204 back
eventsource-client: refused back, reset back, 503 back, a page back, 204 closed
event-source-plus: refused back, reset back, 503 back, a page back, 204 back
@microsoft/fetch-event-source: refused back, reset back, 503 back, a page back, 204 back
launchdarkly-eventsource (JavaScript): refused back, reset back, 503 back, a page back, 204 closed
EOF

cat > client.py <<'EOF'
import asyncio, os, sys
from datetime import timedelta

name, url = sys.argv[1:]
SOON_S = 0.3

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
    if data == "after":
        print("back", flush=True)
        os._exit(0)

async def by_aiohttp():
    from aiohttp_sse_client.client import EventSource
    async with EventSource(url, reconnection_time=timedelta(seconds=SOON_S)) as source:
        async for event in source:
            show(event.data)

try:
    if name == "aiohttp-sse-client":
        asyncio.run(by_aiohttp())
    kinds = {"sseclient": by_sseclient, "requests-sse": by_requests_sse, "launchdarkly-eventsource (Python)": by_launchdarkly}
    for data in kinds[name]():
        show(data)
    print("ended")
except Exception:
    print("raised")
EOF

cat > client.mjs <<'EOF'
const [name, url] = process.argv.slice(2)
const end = (how) => {
  console.log(how)
  process.exit()
}
const show = ({ data }) => { if (data === 'after') end('back') }
const modules = await import(name.split(' ')[0])
setInterval(() => {}, 1000) // a program that does something else too

if (name === 'eventsource-client') {
  const client = modules.createEventSource({
    url,
    onMessage: show,
    // It is told before the state changes.
    onDisconnect: () => setImmediate(() => { if (client.readyState === 'closed') end('closed') }),
  })
} else if (name === 'event-source-plus') {
  new modules.EventSourcePlus(url).listen({ onMessage: show })
} else if (name === '@microsoft/fetch-event-source') {
  globalThis.window = globalThis
  globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} }
  modules.fetchEventSource(url, {
    openWhenHidden: true,
    onmessage: show,
    onclose() { throw new Error('ended: dial again') },
    onerror: () => 300,
  })
} else {
  const EventSource = modules.EventSource ?? modules.EventSourcePolyfill ?? modules.default.EventSource ?? modules.default.EventSourcePolyfill
  const source = new EventSource(url, name.startsWith('launchdarkly') ? { initialRetryDelayMillis: 300 } : {})
  source.onmessage = show
  source.onerror = () => setImmediate(() => { if (source.readyState === 2) end('closed') })
}
EOF

cat > try.py <<'EOF'
import asyncio, sys

OUTAGES = ["refused", "reset", "503", "a page", "204"]
PYTHON = ["sseclient", "aiohttp-sse-client", "requests-sse", "launchdarkly-eventsource (Python)"]
NODE = ["eventsource", "undici", "extended-eventsource", "event-source-polyfill", "eventsource-client", "event-source-plus",
        "@microsoft/fetch-event-source", "launchdarkly-eventsource (JavaScript)"]
FEED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
ANSWERS = {
    "503": b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "a page": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9\r\nConnection: close\r\n\r\n<p>Later.",
    "204": b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
}

def chunk(text):
    return b"%x\r\n%s\r\n" % (len(text), text)

async def case(name, outage):
    """One event, the loss of the connection, one attempt that fails, and a feed again."""
    connections, servers = 0, []

    async def open_again(port):
        await asyncio.sleep(1.5)
        servers.append(await asyncio.start_server(serve, "127.0.0.1", port))

    async def serve(reader, writer):
        nonlocal connections
        await reader.readuntil(b"\r\n\r\n")
        connections += 1
        if connections == 1:
            writer.write(FEED + chunk(b"retry: 300\nid: 1\ndata: before\n\n"))
            await asyncio.sleep(0.3)
            writer.write(chunk(b""))
            if outage == "refused":
                port = servers[0].sockets[0].getsockname()[1]
                servers[0].close()
                reopening.append(asyncio.create_task(open_again(port)))
        elif connections == 2 and outage == "reset":
            writer.transport.abort()
        elif connections == 2 and outage != "refused":
            writer.write(ANSWERS[outage])
        else:
            writer.write(FEED + chunk(b"retry: 300\nid: 2\ndata: after\n\n"))
            await reader.read()
        writer.close()

    reopening = []
    servers.append(await asyncio.start_server(serve, "127.0.0.1", 0))
    url = f"http://127.0.0.1:{servers[0].sockets[0].getsockname()[1]}/"
    program = [sys.executable, "client.py"] if name in PYTHON else ["node", "client.mjs"]
    process = await asyncio.create_subprocess_exec(*program, name, url, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL)
    try:
        out, _ = await asyncio.wait_for(process.communicate(), 20)
    except asyncio.TimeoutError:
        process.kill()
        out = b"nothing in 20 s"
    for server in servers:
        server.close()
    return out.decode().strip()

async def main():
    for name in PYTHON + NODE:
        ends = await asyncio.gather(*(case(name, outage) for outage in OUTAGES))
        print(f"{name}: " + ", ".join(f"{outage} {end}" for outage, end in zip(OUTAGES, ends)), flush=True)

asyncio.run(main())
EOF

timeout -k 5 150 venv/bin/python try.py 2> errors | tee seen || { cat errors >&2; exit 1; }
cat errors
diff expected seen && echo "as described"
