#!/usr/bin/env bash
# Debian's gjs 1.74.2 with libsoup 3.2.3 (bookworm); PyPI PyQt6 6.11.0 with Qt 6.11.2, aiohttp 3.14.5;
# npm undici 7.30.2, ws 8.23.0; PyPI websockets 17.4 as the server
#
# A program dials in a function, connects its handlers, and keeps no variable that holds the connection. The server
# sends ten messages, one every 0.3 s, and a Close.
# - gjs collects libsoup's connection as garbage while messages are arriving. No signal is emitted, neither "closed" nor
#   "error". The server sees the connection lost without a Close, and the program goes on. It happens at the next
#   garbage collection. The script triggers one itself; in a trial, a program that made many objects had one within a
#   second.
# - PyQt6 destroys the QWebSocket when the function returns: the server sees no handshake, and no signal is emitted.
# - In undici and ws, with a collection every 0.2 s, and in aiohttp, where nothing holds the session, the connection
#   lives.
#
# Seen:
#   gjs, no garbage collected: all messages, told the Close; the server: answered
#   gjs, garbage collected: some messages, told nothing more; the server: lost
#   gjs, garbage collected, held: all messages, told the Close; the server: answered
#   PyQt6: no message, told nothing more; the server: no handshake
#   PyQt6, held: all messages, told the Close; the server: answered
#   undici: all messages, told the Close; the server: answered
#   ws: all messages, told the Close; the server: answered
#   aiohttp: all messages, told the Close; the server: answered
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # apt-get downloads as a user of its own
cd "$work"
# Behind libsoup: what it and gjs load.
apt-get -qq download 'gjs=1.74.2-*' 'libgjs0g=1.74.2-*' 'gir1.2-soup-3.0=3.2.3-*' 'libsoup-3.0-0=3.2.3-*' \
  libmozjs-102-0 libgirepository-1.0-1 gir1.2-glib-2.0 libglib2.0-0 libblkid1 libbrotli1 libbsd0 libcairo-gobject2 libcairo2 \
  libcom-err2 libexpat1 libffi8 libfontconfig1 libfreetype6 libgssapi-krb5-2 libidn2-0 libk5crypto3 libkeyutils1 libkrb5-3 \
  libkrb5support0 libmd0 libmount1 libnghttp2-14 libpcre2-8-0 libpixman-1-0 libpng16-16 libpsl5 libreadline8 libselinux1 \
  libsqlite3-0 libtinfo6 libunistring2 libuuid1 libx11-6 libxau6 libxcb-render0 libxcb-shm0 libxcb1 libxdmcp6 libxext6 \
  libxrender1 2> log || { cat log >&2; exit 2; }
for package in *.deb; do dpkg -x "$package" unpacked; done
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check PyQt6==6.11.0 PyQt6-Qt6==6.11.2 aiohttp==3.14.5 websockets==17.4
npm install --silent --no-audit --no-fund --ignore-scripts undici@7.30.2 ws@8.23.0

cat > expected <<'EOF'
gjs, no garbage collected: all messages, told the Close; the server: answered
gjs, garbage collected: some messages, told nothing more; the server: lost
gjs, garbage collected, held: all messages, told the Close; the server: answered
PyQt6: no message, told nothing more; the server: no handshake
PyQt6, held: all messages, told the Close; the server: answered
undici: all messages, told the Close; the server: answered
ws: all messages, told the Close; the server: answered
aiohttp: all messages, told the Close; the server: answered
EOF

# Each client's arguments: how, and a URL. It prints "message" for each and "closed", and ends 6 s after its start at the latest.
cat > soup.js <<'EOF'
imports.gi.versions.Soup = '3.0'
const { GLib, Soup } = imports.gi
const [how, url] = ARGV
const loop = new GLib.MainLoop(null, false)
const session = new Soup.Session()
let holder = null

function dial() {
  const message = Soup.Message.new('GET', url)
  session.websocket_connect_async(message, null, null, GLib.PRIORITY_DEFAULT, null, (_, result) => {
    const connection = session.websocket_connect_finish(result)
    connection.connect('message', () => print('message'))
    connection.connect('error', () => print('error'))
    connection.connect('closed', () => {
      print('closed')
      loop.quit()
    })
    if (how.includes('held')) holder = connection
  })
}

dial()
if (how.startsWith('gjs, garbage')) {
  GLib.timeout_add(GLib.PRIORITY_DEFAULT, 1500, () => {
    imports.system.gc()
    return GLib.SOURCE_CONTINUE
  })
}
GLib.timeout_add(GLib.PRIORITY_DEFAULT, 6000, () => loop.quit())
loop.run()
EOF

cat > qt.py <<'EOF'
import sys
from PyQt6.QtCore import QCoreApplication, QTimer, QUrl
from PyQt6.QtNetwork import QNetworkProxy
from PyQt6.QtWebSockets import QWebSocket

how, url = sys.argv[1:]
app = QCoreApplication(sys.argv)
holder = []

def dial():
    connection = QWebSocket()
    connection.setProxy(QNetworkProxy(QNetworkProxy.ProxyType.NoProxy))
    connection.textMessageReceived.connect(lambda _: print("message", flush=True))
    connection.errorOccurred.connect(lambda _: print("error", flush=True))
    connection.disconnected.connect(lambda: (print("closed", flush=True), app.quit()))
    connection.open(QUrl(url))
    if "held" in how:
        holder.append(connection)

dial()
QTimer.singleShot(6000, app.quit)
app.exec()
EOF

cat > client.cjs <<'EOF'
const [how, url] = process.argv.slice(2)

function dial() {
  const connection = new (how === 'ws' ? require('ws') : require('undici').WebSocket)(url)
  connection.onmessage = () => console.log('message')
  connection.onerror = () => console.log('error')
  connection.onclose = () => {
    console.log('closed')
    process.exit()
  }
}

dial()
setInterval(gc, 200)
setTimeout(process.exit, 6000)
EOF

cat > aio.py <<'EOF'
import asyncio, gc, sys
import aiohttp

async def dial(url):
    return await aiohttp.ClientSession().ws_connect(url)

async def collect():
    while True:
        gc.collect()
        await asyncio.sleep(0.2)

async def main():
    connection = await dial(sys.argv[2])
    collecting = asyncio.create_task(collect())
    async for _ in connection:
        print("message", flush=True)
    print("closed")
    collecting.cancel()

asyncio.run(main())
EOF

cat > try.py <<'EOF'
import asyncio, os, platform, sys
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

MESSAGES = 10
HOW = ["gjs, no garbage collected", "gjs, garbage collected", "gjs, garbage collected, held",
       "PyQt6", "PyQt6, held", "undici", "ws", "aiohttp"]
PROGRAMS = {"gjs": ["unpacked/usr/bin/gjs-console", "soup.js"], "PyQt6": [sys.executable, "qt.py"], "aiohttp": [sys.executable, "aio.py"]}
NODE = ["node", "--expose-gc", "client.cjs"]

async def case(how):
    seen = "no handshake"

    async def feed(connection):
        nonlocal seen
        seen = "lost"
        try:
            for _ in range(MESSAGES):
                await connection.send("a price")
                await asyncio.sleep(0.3)
            await connection.close()
            await connection.recv()
        except ConnectionClosed as ended:
            seen = "answered" if ended.rcvd else "lost"

    # Its libraries, for gjs alone.
    libraries = f"unpacked/usr/lib/{platform.machine()}-linux-gnu"
    own = {"LD_LIBRARY_PATH": f"{libraries}:unpacked/lib/{platform.machine()}-linux-gnu", "GI_TYPELIB_PATH": f"{libraries}/girepository-1.0"}
    async with serve(feed, "127.0.0.1", 0, ping_interval=None) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        process = await asyncio.create_subprocess_exec(*PROGRAMS.get(how.split(",")[0], NODE), how, url, stdout=asyncio.subprocess.PIPE,
                                                       env=os.environ | (own if how.startswith("gjs") else {}))
        out = (await asyncio.wait_for(process.communicate(), 30))[0].decode().split()
    messages = out.count("message")
    amount = "all messages" if messages == MESSAGES else "some messages" if messages else "no message"
    told = "told the Close" if out[-1:] == ["closed"] else "an error" if "error" in out else "told nothing more"
    print(f"{how}: {amount}, {told}; the server: {seen}", flush=True)

async def main():
    for how in HOW:
        await case(how)

asyncio.run(main())
EOF

timeout -k 5 100 venv/bin/python try.py 2> errors | tee seen || { cat errors >&2; exit 1; }
diff expected seen && echo "as described"
