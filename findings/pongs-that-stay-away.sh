#!/usr/bin/env bash
# PyPI aiosonic 1.3.3, asyncwebsockets 0.9.4, curl_cffi 0.17.0 and pycurl 7.49.0 (both with libcurl 8.23.0), niquests 3.21.2;
# Debian's Pike 8.0.1738 (bookworm); the servers: PyPI websockets 17.4, npm ws 8.23.0
#
# A server sends a Ping each second and drops a client whose Pong is missing a second later: websockets as it always
# does, with four random bytes in its Pings, and ws by the `ping()` and `terminate()` of its README, with empty Pings.
# - aiosonic and asyncwebsockets answer no Ping. aiosonic sends Pings of its own.
# - libcurl, which answers Pings by itself, writes the Pong only when the next message comes or is sent. So curl_cffi and
#   pycurl stay connected while the feed is busy, and are dropped when it is quiet.
# - Pike's Protocols.WebSocket forgets the mask of a Pong without payload, at which ws closes with 1002.
# - niquests is always kept, for comparison.
# With the servers' usual intervals of 20 or 30 s, a test of half a minute sees none of this.
#
# Seen: the table under "expected" below, after four seconds; a busy feed sends a message every 0.2 s.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # apt-get downloads as a user of its own
cd "$work"
apt-get -qq download 'pike8.0-core=8.0.1738-*' libgmp10 libhogweed6 libnettle8 2> log || { cat log >&2; exit 2; }
for package in *.deb; do dpkg -x "$package" unpacked; done
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check aiosonic==1.3.3 asyncwebsockets==0.9.4 curl_cffi==0.17.0 \
  pycurl==7.49.0 niquests==3.21.2 websockets==17.4
npm install --silent --no-audit --no-fund --ignore-scripts ws@8.23.0

cat > expected <<'EOF'
websockets, a busy feed, aiosonic: dropped, no Pong
websockets, a busy feed, asyncwebsockets: dropped, no Pong
websockets, a busy feed, curl_cffi: kept
websockets, a busy feed, pycurl: kept
websockets, a busy feed, Pike: kept
websockets, a busy feed, niquests: kept
websockets, a quiet feed, aiosonic: dropped, no Pong
websockets, a quiet feed, asyncwebsockets: dropped, no Pong
websockets, a quiet feed, curl_cffi: dropped, no Pong
websockets, a quiet feed, pycurl: dropped, no Pong
websockets, a quiet feed, Pike: kept
websockets, a quiet feed, niquests: kept
ws, a busy feed, aiosonic: dropped, no Pong
ws, a busy feed, asyncwebsockets: dropped, no Pong
ws, a busy feed, curl_cffi: kept
ws, a busy feed, pycurl: kept
ws, a busy feed, Pike: dropped, Invalid WebSocket frame: MASK must be set
ws, a busy feed, niquests: kept
ws, a quiet feed, aiosonic: dropped, no Pong
ws, a quiet feed, asyncwebsockets: dropped, no Pong
ws, a quiet feed, curl_cffi: dropped, no Pong
ws, a quiet feed, pycurl: dropped, no Pong
ws, a quiet feed, Pike: dropped, Invalid WebSocket frame: MASK must be set
ws, a quiet feed, niquests: kept
EOF

# Each client reads until the connection ends, and does nothing else.
cat > client.py <<'EOF'
import asyncio, sys

name, url = sys.argv[1:]

async def by_aiosonic():
    from aiosonic import WebSocketClient
    async with WebSocketClient() as client:
        async for _ in await client.connect(url):
            pass

async def by_asyncwebsockets():
    from asyncwebsockets import open_websocket
    async with open_websocket(url) as connection:
        async for _ in connection:
            pass

def by_curl_cffi():
    import curl_cffi
    curl_cffi.WebSocket().run_forever(url)

def by_pycurl():
    import pycurl, select
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.CONNECT_ONLY, 2)
    curl.perform()
    while True:
        try:
            curl.ws_recv(1024)
        except BlockingIOError:
            select.select([curl.getinfo(pycurl.ACTIVESOCKET)], [], [])

def by_niquests():
    import niquests
    with niquests.Session() as session:
        connection = session.get(url).extension
        while connection.next_payload() is not None:
            pass

client = globals()[f"by_{name}"]
asyncio.run(client()) if asyncio.iscoroutinefunction(client) else client()
EOF

cat > client.pike <<'EOF'
int main(int words, array(string) arguments) {
  object connection = Protocols.WebSocket.Connection();
  connection->onclose = lambda() { exit(0); };
  connection->connect(Standards.URI(arguments[1]));
  return -1;
}
EOF

# The path names the feed. Prints its port, and what became of each client: its feed, its name, and why it was dropped.
cat > ws.cjs <<'EOF'
const { WebSocketServer } = require('ws')
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => console.log(server.address().port))
server.on('connection', (socket, request) => {
  const [, feed, name] = request.url.split('/')
  let alive = true
  let why = 'kept'
  const done = () => {
    if (!timers) return
    timers.forEach(clearInterval)
    timers = null
    console.log(JSON.stringify({ feed, name, why }))
    socket.terminate()
  }
  socket.on('pong', () => { alive = true })
  socket.on('error', (error) => { why = `dropped, ${error.message}` })
  socket.on('close', done)
  let timers = [
    setInterval(() => {
      if (!alive) {
        why = 'dropped, no Pong'
        return socket.terminate()
      }
      alive = false
      socket.ping()
    }, 1000),
    setTimeout(done, 4500),
  ]
  if (feed === 'busy') timers.push(setInterval(() => socket.send('tick'), 200))
})
EOF

cat > try.py <<'EOF'
import asyncio, json, os, sys
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

PIKE = os.path.abspath("unpacked/usr/lib/pike8.0")
PROGRAMS = {name: [sys.executable, "client.py", name] for name in ("aiosonic", "asyncwebsockets", "curl_cffi", "pycurl")}
PROGRAMS["Pike"] = ["unpacked/usr/bin/pike8.0", "-m", f"{PIKE}/master.pike", "client.pike"]
PROGRAMS["niquests"] = [sys.executable, "client.py", "niquests"]
ENVIRONMENT = os.environ | {"no_proxy": "127.0.0.1", "PIKE_MODULE_PATH": f"{PIKE}/modules", "PIKE_INCLUDE_PATH": f"{PIKE}/include",
                            "LD_LIBRARY_PATH": os.path.abspath("unpacked/usr/lib/x86_64-linux-gnu")}
fates = {}

async def feed(connection):
    _, kind, name = connection.request.path.split("/")
    try:
        async with asyncio.timeout(4.5):
            while True:
                await asyncio.sleep(0.2)
                if kind == "busy":
                    await connection.send("tick")
                elif connection.close_code is not None:
                    raise ConnectionClosed(None, connection.protocol.close_sent)
    except TimeoutError:
        fates[kind, name] = "kept"
        connection.transport.abort()
    except ConnectionClosed:
        sent = connection.protocol.close_sent
        why = "no Pong" if sent and sent.reason == "keepalive ping timeout" else sent
        fates[kind, name] = f"dropped, {why}"

async def clients(kind, port):
    processes = []
    for name, program in PROGRAMS.items():
        processes.append(await asyncio.create_subprocess_exec(*program, f"ws://127.0.0.1:{port}/{kind}/{name}", env=ENVIRONMENT,
                                                              stderr=asyncio.subprocess.DEVNULL))
    async with asyncio.timeout(20):
        while not all((kind, name) in fates for name in PROGRAMS):
            await asyncio.sleep(0.1)
    for process in processes:
        if process.returncode is None:
            process.kill()
        await process.wait()

async def told(lines):
    async for line in lines:
        fate = json.loads(line)
        fates[fate["feed"], fate["name"]] = fate["why"]

async def play(server, port):
    for kind in ("busy", "quiet"):
        await clients(kind, port)
        for name in PROGRAMS:
            print(f"{server}, a {kind} feed, {name}: {fates.pop((kind, name))}", flush=True)

async def main():
    async with serve(feed, "127.0.0.1", 0, ping_interval=1, ping_timeout=1, close_timeout=1) as server:
        await play("websockets", server.sockets[0].getsockname()[1])
    node = await asyncio.create_subprocess_exec("node", "ws.cjs", stdout=asyncio.subprocess.PIPE)
    try:
        port = int(await node.stdout.readline())
        reader = asyncio.create_task(told(node.stdout))
        await play("ws", port)
    finally:
        node.kill()
        await node.wait()
        await reader

asyncio.run(main())
EOF

timeout -k 5 100 venv/bin/python try.py 2> errors | tee seen || { cat errors >&2; exit 1; }
diff expected seen && echo "as described"
