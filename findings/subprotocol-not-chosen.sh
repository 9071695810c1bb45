#!/usr/bin/env bash
# npm ws 8.23.0, undici 7.30.2, websocket 1.0.35, faye-websocket 0.11.4; PyPI websocket-client 1.9.2, websockets 17.4,
# aiohttp 3.14.5, tornado 6.6.1, httpx-ws 0.9.0, lomond 0.3.4, PyQt6 6.11.0 with Qt 6.11.2
#
# A client offers the subprotocols ocpp2.0.1 and ocpp1.6. The server accepts the connection, but
# - chooses none, which RFC 6455 allows, and after which the browsers' standard gives up: four clients do not connect,
#   and seven do silently, though they do not know which protocol they now speak;
# - names its choice in capitals, OCPP1.6: six refuse, three take it as it is, websocket-client takes it for ocpp1.6,
#   and aiohttp connects as if none were chosen;
# - returns the whole list, as a mock does that copies the header: tornado, httpx-ws and lomond take the list for a
#   name, aiohttp takes its first, and the others refuse.
# Those that connect show the program what was chosen, and leave it to the program to check.
#
# Seen: the table under "expected" below; what the program is told the subprotocol is, or that there is no connection.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check websocket-client==1.9.2 websockets==17.4 aiohttp==3.14.5 tornado==6.6.1 \
    httpx-ws==0.9.0 lomond==0.3.4 PyQt6==6.11.0 PyQt6-Qt6==6.11.2
npm install --silent --no-audit --no-fund --ignore-scripts ws@8.23.0 undici@7.30.2 websocket@1.0.35 faye-websocket@0.11.4

cat > expected <<'EOF'
ws: none chosen: no connection; capitals: no connection; the list: no connection
undici: none chosen: no connection; capitals: no connection; the list: no connection
websocket: none chosen: no connection; capitals: no connection; the list: no connection
websocket-client: none chosen: no connection; capitals: ocpp1.6; the list: no connection
faye-websocket: none chosen: connected, none; capitals: no connection; the list: no connection
websockets: none chosen: connected, none; capitals: no connection; the list: no connection
QWebSocket: none chosen: connected, none; capitals: no connection; the list: no connection
aiohttp: none chosen: connected, none; capitals: connected, none; the list: ocpp2.0.1
tornado: none chosen: connected, none; capitals: OCPP1.6; the list: ocpp2.0.1, ocpp1.6
httpx-ws: none chosen: connected, none; capitals: OCPP1.6; the list: ocpp2.0.1, ocpp1.6
lomond: none chosen: connected, none; capitals: OCPP1.6; the list: ocpp2.0.1, ocpp1.6
EOF

# Prints the subprotocol, or "connected, none".
cat > client.cjs <<'EOF'
const [library, url] = process.argv.slice(2)
const WebSocket = {
  ws: () => require('ws'),
  undici: () => require('undici').WebSocket,
  websocket: () => require('websocket').w3cwebsocket,
  'faye-websocket': () => require('faye-websocket').Client,
}[library]()
const socket = new WebSocket(url, ['ocpp2.0.1', 'ocpp1.6'])
const end = (what) => {
  console.log(what)
  process.exit()
}
socket.onopen = () => end(socket.protocol || 'connected, none')
socket.onerror = () => {}
socket.onclose = () => end('no connection')
EOF

cat > client.py <<'EOF'
import asyncio, sys

library, url = sys.argv[1:]
OFFER = ["ocpp2.0.1", "ocpp1.6"]

async def by_websockets():
    import websockets
    async with websockets.connect(url, subprotocols=OFFER, proxy=None) as connection:
        return connection.subprotocol

async def by_aiohttp():
    import aiohttp
    async with aiohttp.ClientSession() as session, session.ws_connect(url, protocols=OFFER) as connection:
        return connection.protocol

async def by_tornado():
    from tornado.websocket import websocket_connect
    return (await websocket_connect(url, subprotocols=OFFER)).selected_subprotocol

async def by_httpx_ws():
    import httpx, httpx_ws
    async with httpx.AsyncClient(trust_env=False) as client, httpx_ws.aconnect_ws(url, client, subprotocols=OFFER) as connection:
        return connection.subprotocol

def by_websocket_client():
    import websocket
    return websocket.create_connection(url, subprotocols=OFFER).getsubprotocol()

def by_lomond():
    import lomond
    for event in lomond.WebSocket(url, protocols=OFFER).connect():
        if event.name == "ready":
            return event.protocol
        if event.name in ("rejected", "connect_fail", "protocol_error"):
            raise ConnectionError

def by_qt():
    from PyQt6.QtCore import QCoreApplication, QUrl
    from PyQt6.QtNetwork import QNetworkProxy
    from PyQt6.QtWebSockets import QWebSocket, QWebSocketHandshakeOptions
    app, client, options = QCoreApplication(sys.argv), QWebSocket(), QWebSocketHandshakeOptions()
    client.setProxy(QNetworkProxy(QNetworkProxy.ProxyType.NoProxy))
    options.setSubprotocols(OFFER)
    client.connected.connect(lambda: app.exit(0))
    client.errorOccurred.connect(lambda _: app.exit(1))
    client.open(QUrl(url), options)
    if app.exec():
        raise ConnectionError
    return client.subprotocol()

kinds = {"websockets": by_websockets, "aiohttp": by_aiohttp, "tornado": by_tornado, "httpx-ws": by_httpx_ws,
         "websocket-client": by_websocket_client, "lomond": by_lomond, "QWebSocket": by_qt}
try:
    chosen = kinds[library]()
    chosen = asyncio.run(chosen) if asyncio.iscoroutine(chosen) else chosen
    print(chosen or "connected, none", flush=True)
except Exception:
    print("no connection", flush=True)
EOF

cat > try.py <<'EOF'
import asyncio, base64, hashlib, sys

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
ANSWERS = {"none chosen": "", "capitals": "Sec-WebSocket-Protocol: OCPP1.6\r\n", "the list": "Sec-WebSocket-Protocol: ocpp2.0.1, ocpp1.6\r\n"}
NODE = ["ws", "undici", "websocket", "faye-websocket"]
LIBRARIES = ["ws", "undici", "websocket", "websocket-client", "faye-websocket", "websockets", "QWebSocket", "aiohttp", "tornado", "httpx-ws", "lomond"]

async def case(library, answer):
    async def serve(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = next(l.split(":", 1)[1].strip() for l in head.split("\r\n") if l.lower().startswith("sec-websocket-key:"))
        accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
        writer.write(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     f"Sec-WebSocket-Accept: {accept}\r\n{ANSWERS[answer]}\r\n".encode())
        try:
            # Whatever the client says next is its end.
            await reader.read(1)
        except ConnectionError:
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    program = ["node", "client.cjs"] if library in NODE else [sys.executable, "client.py"]
    url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    process = await asyncio.create_subprocess_exec(*program, library, url, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL)
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    server.close()
    return f"{answer}: {out.decode().strip()}"

async def main():
    for library in LIBRARIES:
        print(f"{library}: " + "; ".join(await asyncio.gather(*(case(library, answer) for answer in ANSWERS))), flush=True)

asyncio.run(main())
EOF

timeout -k 5 100 venv/bin/python try.py 2> errors | tee seen || { cat errors >&2; exit 1; }
diff expected seen && echo "as described"
