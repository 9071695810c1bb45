#!/usr/bin/env bash
# PyPI tornado 6.6.1, aiohttp 3.14.5, websockets 17.4; npm ws 8.23.0
#
# A websockets client offers permessage-deflate with a limit that RFC 7692 lets it ask of the server, and waits for one
# echo. The servers have compression on.
# - The client asks the server to forget its window after each message. tornado agrees to compress but leaves the
#   request out of its answer. It has not agreed to what was asked, so the client gives up. The other three agree.
# - The client asks for the smallest window, 8 bits. tornado answers 500, because its zlib can't make one. aiohttp and
#   websockets decline compression and continue without it; ws agrees.
# - All four agree to a window of 9 bits.
#
# Seen: the table under "expected" below.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check tornado==6.6.1 aiohttp==3.14.5 websockets==17.4
npm install --silent --no-audit --no-fund --ignore-scripts ws@8.23.0

cat > expected <<'EOF'
server_no_context_takeover: tornado NegotiationError
server_no_context_takeover: aiohttp echo, compression agreed
server_no_context_takeover: websockets echo, compression agreed
server_no_context_takeover: ws echo, compression agreed
server_max_window_bits=8: tornado 500
server_max_window_bits=8: aiohttp echo, no compression
server_max_window_bits=8: websockets echo, no compression
server_max_window_bits=8: ws echo, compression agreed
server_max_window_bits=9: tornado echo, compression agreed
server_max_window_bits=9: aiohttp echo, compression agreed
server_max_window_bits=9: websockets echo, compression agreed
server_max_window_bits=9: ws echo, compression agreed
EOF

cat > server.cjs <<'EOF'
const { WebSocketServer } = require('ws')
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: true }, () => console.log(server.address().port))
server.on('connection', (socket) => socket.on('message', (data) => socket.send(data.toString())))
EOF

cat > try.py <<'EOF'
import asyncio, logging
import tornado.httpserver, tornado.netutil, tornado.web, tornado.websocket
from aiohttp import web
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import InvalidStatus, NegotiationError
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

OFFERS = {
    "server_no_context_takeover": {"server_no_context_takeover": True},
    "server_max_window_bits=8": {"server_max_window_bits": 8},
    "server_max_window_bits=9": {"server_max_window_bits": 9},
}
LONG = "quote " * 500

class Echo(tornado.websocket.WebSocketHandler):
    def get_compression_options(self):
        return {}

    def on_message(self, message):
        self.write_message(message)

async def by_aiohttp(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data)
    return socket

async def by_websockets(socket):
    async for message in socket:
        await socket.send(message)

async def ask(port, offer):
    try:
        factory = ClientPerMessageDeflateFactory(**offer)
        async with asyncio.timeout(20), connect(f"ws://127.0.0.1:{port}/", compression=None, extensions=[factory]) as socket:
            await socket.send(LONG)
            assert await socket.recv() == LONG
            return f"echo, {'compression agreed' if socket.protocol.extensions else 'no compression'}"
    except NegotiationError:
        return "NegotiationError"
    except InvalidStatus as refused:
        return str(refused.response.status_code)

async def main():
    logging.disable()
    sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
    tornado.httpserver.HTTPServer(tornado.web.Application([("/", Echo)])).add_sockets(sockets)
    application = web.Application()
    application.router.add_get("/", by_aiohttp)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    ws = await asyncio.create_subprocess_exec("node", "server.cjs", stdout=asyncio.subprocess.PIPE)
    async with serve(by_websockets, "127.0.0.1", 0) as server:
        ports = {
            "tornado": sockets[0].getsockname()[1],
            "aiohttp": runner.addresses[0][1],
            "websockets": server.sockets[0].getsockname()[1],
            "ws": int(await ws.stdout.readline()),
        }
        for offer, parameters in OFFERS.items():
            for name, port in ports.items():
                print(f"{offer}: {name}", await ask(port, parameters), flush=True)
    ws.kill()
    await ws.wait()
    await runner.cleanup()

asyncio.run(main())
EOF

timeout -k 5 60 venv/bin/python try.py | tee seen
diff expected seen && echo "as described"
