#!/usr/bin/env bash
# npm @microsoft/signalr 10.0.11, socket.io-client 4.8.4, @stomp/stompjs 7.5.0, @rails/actioncable 8.1.400, mqtt 5.16.0
# over ws 8.23.0; PyPI websockets 17.4, aiohttp 3.14.5 (the servers); Debian's libfaketime 0.9.10
#
# A machine's clock is set back or ahead by an hour while the machine listens to a feed, as NTP does on a board without
# a battery and on a virtual machine that was suspended. A keepalive measures intervals, and no interval has changed.
# libfaketime changes only the client's wall clock, and leaves the monotonic one as it is.
# - Set back: signalr sends no Pings for an hour; its server drops a client that it hears nothing from for 30 s. stompjs
#   and actioncable don't notice a dead feed until the clock is back where it was.
# - Set ahead: socket.io-client ends a live connection with "ping timeout" at its next emit.
# - mqtt and websockets are unaffected.
#
# Seen (a live feed is watched for 25 s, a dead one until it is noticed or for 25 s):
#   signalr, live: 20 or more Pings
#   signalr, live, set ahead: 20 or more Pings
#   signalr, live, set back: no Ping
#   socket.io-client, live: goes on
#   socket.io-client, live, set ahead: ping timeout
#   socket.io-client, live, set back: goes on
#   stompjs, dead: noticed
#   stompjs, dead, set ahead: noticed
#   stompjs, dead, set back: not noticed
#   actioncable, dead: noticed
#   actioncable, dead, set ahead: noticed
#   actioncable, dead, set back: not noticed
#   mqtt, live, set ahead: goes on
#   mqtt, dead, set back: noticed
#   websockets, live, set ahead: goes on
#   websockets, dead, set back: noticed
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # apt-get downloads as a user of its own
cd "$work"
apt-get -qq download libfaketime=0.9.10-2.1 2> log || { cat log >&2; exit 2; }
dpkg -x libfaketime_*.deb unpacked
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check websockets==17.4 aiohttp==3.14.5
npm install --silent --no-audit --no-fund --ignore-scripts @microsoft/signalr@10.0.11 socket.io-client@4.8.4 @stomp/stompjs@7.5.0 \
    @rails/actioncable@8.1.400 mqtt@5.16.0 ws@8.23.0

cat > expected <<'EOF'
signalr, live: 20 or more Pings
signalr, live, set ahead: 20 or more Pings
signalr, live, set back: no Ping
socket.io-client, live: goes on
socket.io-client, live, set ahead: ping timeout
socket.io-client, live, set back: goes on
stompjs, dead: noticed
stompjs, dead, set ahead: noticed
stompjs, dead, set back: not noticed
actioncable, dead: noticed
actioncable, dead, set ahead: noticed
actioncable, dead, set back: not noticed
mqtt, live, set ahead: goes on
mqtt, dead, set back: noticed
websockets, live, set ahead: goes on
websockets, dead, set back: noticed
EOF

# Each client prints a line once it takes its connection for lost.
cat > client.mjs <<'EOF'
import WebSocket from 'ws'
globalThis.WebSocket = WebSocket
const [name, port] = process.argv.slice(2)
const at = `127.0.0.1:${port}/${name}`
const lost = (why) => console.log(why)
if (name === 'signalr') {
  const { HubConnectionBuilder, HttpTransportType, LogLevel } = await import('@microsoft/signalr')
  const hub = new HubConnectionBuilder().withUrl(`http://${at}`, { skipNegotiation: true, transport: HttpTransportType.WebSockets })
    .withKeepAliveInterval(1000).withServerTimeout(4000).configureLogging(LogLevel.None).build()
  hub.onclose((error) => lost(error?.message))
  await hub.start()
} else if (name === 'socket.io-client') {
  const { io } = await import('socket.io-client')
  const socket = io(`http://127.0.0.1:${port}`, { path: `/${name}`, transports: ['websocket'] })
  socket.on('disconnect', lost)
  setInterval(() => socket.emit('order', 1), 500)
} else if (name === 'stompjs') {
  const { Client } = await import('@stomp/stompjs')
  new Client({ brokerURL: `ws://${at}`, heartbeatIncoming: 1000, onHeartbeatLost: () => lost('no heartbeat') }).activate()
} else if (name === 'mqtt') {
  const { default: mqtt } = await import('mqtt')
  mqtt.connect(`ws://${at}`, { keepalive: 2 }).on('error', (error) => lost(error.message)).on('close', () => lost('closed'))
} else {
  // Made for browsers.
  globalThis.self = globalThis
  globalThis.addEventListener = globalThis.removeEventListener = () => {}
  globalThis.document = { visibilityState: 'visible', createElement: () => ({}), head: { querySelector() {} } }
  const { createConsumer } = await import('@rails/actioncable')
  const consumer = createConsumer(`ws://${at}`)
  const reopen = consumer.connection.reopen.bind(consumer.connection)
  consumer.connection.reopen = () => { lost('stale'); return reopen() }
  consumer.connect()
}
EOF

cat > client.py <<'EOF'
import asyncio, sys
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

async def main():
    async with connect(f"ws://127.0.0.1:{sys.argv[2]}/", ping_interval=2, ping_timeout=2) as connection:
        try:
            async for _ in connection:
                pass
        except ConnectionClosed as end:
            print(end.sent.reason, flush=True)

asyncio.run(main())
EOF

cat > feed.py <<'EOF'
import asyncio
from aiohttp import WSMsgType, web

SUBPROTOCOLS = ("mqtt", "v12.stomp", "actioncable-v1-json")
# What each server says at once, and what it says to the client's first message.
GREETING = {"socket.io-client": '0{"sid":"1","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100000}',
            "actioncable": '{"type":"welcome"}'}
WELCOME = {"socket.io-client": '40{"sid":"1"}', "signalr": "{}\x1e", "stompjs": "CONNECTED\nversion:1.2\nheart-beat:1000,0\n\n\0"}
# Its keepalive: seconds and text. Socket.IO's are its defaults.
BEAT = {"socket.io-client": (25, "2"), "actioncable": (3, '{"type":"ping","message":1}'), "signalr": (1, '{"type":6}\x1e'),
        "stompjs": (1, "\n"), "websockets": (0.1, "a price")}

class Feed:
    """The server of one client, until it is dead: then it says no more, and answers nothing."""
    def __init__(self, name):
        self.name, self.dead, self.up, self.pings, self.unread = name, False, asyncio.Event(), 0, b""

    async def beat(self, socket):
        seconds, text = BEAT[self.name]
        await asyncio.sleep(seconds)
        while not self.dead and not socket.closed:
            await socket.send_str(text)
            await asyncio.sleep(seconds)

    def begin(self, socket):
        self.up.set()
        if self.name in BEAT:
            self.beating = asyncio.create_task(self.beat(socket))

    async def serve(self, request):
        socket = web.WebSocketResponse(protocols=SUBPROTOCOLS, autoping=False)
        await socket.prepare(request)
        if self.name in GREETING:
            await socket.send_str(GREETING[self.name])
        if self.name in ("actioncable", "websockets"):
            self.begin(socket)
        async for message in socket:
            if not self.dead:
                await self.hear(socket, message)
        return socket

    async def hear(self, socket, message):
        if message.type == WSMsgType.PING:
            await socket.pong(message.data)
        elif self.name == "mqtt":
            await self.hear_mqtt(socket, message.data)
        elif self.name in WELCOME and not self.up.is_set():
            await socket.send_str(WELCOME[self.name])
            self.begin(socket)
        elif self.name == "signalr":
            self.pings += 1

    async def hear_mqtt(self, socket, data):
        """Of short packets: type, length and the rest; they need not end with the message."""
        self.unread += data
        while len(self.unread) >= 2 and len(self.unread) >= 2 + self.unread[1]:
            kind, self.unread = self.unread[0] >> 4, self.unread[2 + self.unread[1]:]
            if kind == 1:
                await socket.send_bytes(b"\x20\x02\x00\x00")
                self.begin(socket)
            elif kind == 12:
                await socket.send_bytes(b"\xd0\x00")
EOF

cat > try.py <<'EOF'
import asyncio, glob, os, sys
from aiohttp import web
from feed import Feed

FAKETIME = os.path.abspath(glob.glob("unpacked/usr/lib/*/faketime/libfaketime.so.1")[0])
WATCHED_S = 25
SET = {"": "+0", ", set ahead": "+3600", ", set back": "-3600"}

def set_clock(file, by):
    with open(f"{file}.new", "w") as new:
        new.write(f"{by}\n")
    os.rename(f"{file}.new", file)

async def start(name, port, clock):
    program = [sys.executable, "client.py"] if name == "websockets" else ["node", "client.mjs"]
    return await asyncio.create_subprocess_exec(*program, name, str(port), stdout=asyncio.subprocess.PIPE, env=os.environ | {
        "LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": clock, "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"})

async def see(name, state, change):
    feed = Feed(name)
    app = web.Application()
    app.router.add_get("/{path:.*}", feed.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    clock = os.path.abspath(f"clock of {name} {state}{change}")
    set_clock(clock, "+0")
    client = await start(name, site._server.sockets[0].getsockname()[1], clock)
    await asyncio.wait_for(feed.up.wait(), 50)
    await asyncio.sleep(4)
    set_clock(clock, SET[change])
    feed.dead = state == "dead"
    await asyncio.sleep(1) # a Ping may have been on its way
    before = feed.pings
    try:
        lost = (await asyncio.wait_for(client.stdout.readline(), WATCHED_S)).decode().strip()
    except TimeoutError:
        lost = None
    pings = feed.pings - before
    client.kill()
    await client.wait()
    await runner.cleanup()
    if state == "dead":
        return "noticed" if lost else "not noticed"
    if name == "signalr" and not lost:
        return "no Ping" if pings == 0 else "20 or more Pings" if pings >= 20 else f"{pings} Pings"
    return lost or "goes on"

async def main():
    ways = [(name, state, change) for name, state in [("signalr", "live"), ("socket.io-client", "live"), ("stompjs", "dead"), ("actioncable", "dead")]
            for change in SET]
    ways += [(name, *way) for name in ("mqtt", "websockets") for way in [("live", ", set ahead"), ("dead", ", set back")]]
    for way, seen in zip(ways, await asyncio.gather(*(see(*way) for way in ways))):
        print(f"{way[0]}, {way[1]}{way[2]}: {seen}")

asyncio.run(main())
EOF

timeout -k 5 110 venv/bin/python try.py 2> log | tee seen || { tail -5 log; exit 1; }
diff expected seen && echo "as described"
