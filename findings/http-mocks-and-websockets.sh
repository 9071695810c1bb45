#!/usr/bin/env bash
# npm nock 14.0.17, ws 8.23.0, undici 7.30.2; PyPI vcrpy 9.4.2, aiohttp 3.14.5, websockets 17.4
#
# Two libraries that mock HTTP in tests, and what they do to WebSocket dials.
# - nock's disableNetConnect() refuses what ws dials. It does not see what undici's WebSocket dials, which is the one
#   that Node has built in.
# - vcrpy does not see what websockets dials, whatever the record mode. It records what aiohttp dials: the 101 but no
#   message. So a test passes in the run that records. In the next run, from the cassette, the handshake fails, because
#   its key is now a different one.
#
# Seen:
#   nock, disableNetConnect: ws refused by nock, undici connected to the network
#   vcrpy, record_mode none: websockets connected to the network, aiohttp refused by vcrpy
#   vcrpy, record_mode once, first run: aiohttp connected to the network, the cassette holds 1 interaction with status 101 and no message
#   vcrpy, record_mode once, second run: aiohttp WSServerHandshakeError
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check vcrpy==9.4.2 aiohttp==3.14.5 websockets==17.4
npm install --silent --no-audit --no-fund --ignore-scripts nock@14.0.17 ws@8.23.0 undici@7.30.2

cat > expected <<'END'
nock, disableNetConnect: ws refused by nock, undici connected to the network
vcrpy, record_mode none: websockets connected to the network, aiohttp refused by vcrpy
vcrpy, record_mode once, first run: aiohttp connected to the network, the cassette holds 1 interaction with status 101 and no message
vcrpy, record_mode once, second run: aiohttp WSServerHandshakeError
END

cat > try.cjs <<'END'
const { WebSocketServer, WebSocket } = require("ws");
const undici = require("undici");
const nock = require("nock");

const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
server.on("connection", (socket) => socket.send("hello"));
const dial = (Socket) => new Promise((done) => {
  const socket = new Socket(`ws://127.0.0.1:${server.address().port}/`);
  socket.onmessage = () => done("connected to the network");
  socket.onerror = ({ message }) => done(/nock/i.test(message) ? "refused by nock" : `failed: ${message}`);
});
server.on("listening", async () => {
  nock.disableNetConnect();
  const [ws, builtIn] = [await dial(WebSocket), await dial(undici.WebSocket)];
  console.log(`nock, disableNetConnect: ws ${ws}, undici ${builtIn}`);
  process.exit(0);
});
END

cat > try.py <<'END'
import asyncio, json, logging, socket
import aiohttp, vcr, websockets
from vcr.errors import CannotOverwriteExistingCassetteException
from websockets.asyncio.server import serve

logging.disable()

async def by_aiohttp(url):
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as ws:
        return await asyncio.wait_for(ws.receive_str(), 5)

async def by_websockets(url):
    async with websockets.connect(url, proxy=None) as ws:
        return await asyncio.wait_for(ws.recv(), 5)

async def outcome(dial, url):
    try:
        await dial(url)
        return "connected to the network"
    except CannotOverwriteExistingCassetteException:
        return "refused by vcrpy"
    except Exception as error:
        return type(error).__name__

async def feed(ws):
    await ws.send("hello")
    await ws.wait_closed()

async def main():
    async with serve(feed, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        with vcr.use_cassette("none.yaml", record_mode="none"):
            found = f"websockets {await outcome(by_websockets, url)}, aiohttp {await outcome(by_aiohttp, url)}"
        print(f"vcrpy, record_mode none: {found}")
        for run in ("first", "second"):
            with vcr.use_cassette("once.json", record_mode="once", serializer="json"):
                found = await outcome(by_aiohttp, url)
            held = ""
            if run == "first":
                with open("once.json") as cassette:
                    text = cassette.read()
                [one] = json.loads(text)["interactions"]
                message = "a message" if "hello" in text else "no message"
                held = f", the cassette holds 1 interaction with status {one['response']['status']['code']} and {message}"
            print(f"vcrpy, record_mode once, {run} run: aiohttp {found}{held}", flush=True)

asyncio.run(main())
END

{ timeout -k 5 30 node try.cjs; timeout -k 5 60 venv/bin/python try.py; } | tee seen
diff expected seen && echo "as described"
