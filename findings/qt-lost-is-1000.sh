#!/usr/bin/env bash
# PyPI PyQt6 6.11.0 with Qt 6.11.2 (QWebSocket); websockets 17.4 as the server
#
# QWebSocket has one signal for the end of a connection, disconnected, and closeCode() for the reason.
# - A lost connection has the code 1000 there, as if the server had closed normally. So do a Close without a code, and a
#   refused dial and a 503, which were never connected and share one error.
# - A server's orderly restart, 1012, and its "try again later", 1013, are in IANA's list, but QWebSocket does not
#   accept them. It reports 1002, a protocol error, to the client, with a reason that names 1002 as the invalid code,
#   and it sends 1002 to the server.
# So a loss looks like the server's normal close, and the server's orderly close looks like its fault.
#
# Seen: signals, with the code of disconnected, and what the server receives:
#   lost: connected, RemoteHostClosedError, disconnected 1000; the server: no Close
#   reset: connected, RemoteHostClosedError, disconnected 1000; the server: no Close
#   Close without a code: connected, disconnected 1000; the server: 1000
#   Close 1001: connected, disconnected 1001; the server: 1001
#   Close 1011: connected, disconnected 1011; the server: 1011
#   Close 1012: connected, disconnected 1002 "Invalid close code 1002 detected."; the server: 1002
#   Close 1013: connected, disconnected 1002 "Invalid close code 1002 detected."; the server: 1002
#   Close 4001: connected, disconnected 4001; the server: 4001
#   503: ConnectionRefusedError, disconnected 1000
#   refused: ConnectionRefusedError, disconnected 1000
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check PyQt6==6.11.0 PyQt6-Qt6==6.11.2 websockets==17.4

cat > expected <<'EOF'
lost: connected, RemoteHostClosedError, disconnected 1000; the server: no Close
reset: connected, RemoteHostClosedError, disconnected 1000; the server: no Close
Close without a code: connected, disconnected 1000; the server: 1000
Close 1001: connected, disconnected 1001; the server: 1001
Close 1011: connected, disconnected 1011; the server: 1011
Close 1012: connected, disconnected 1002 "Invalid close code 1002 detected."; the server: 1002
Close 1013: connected, disconnected 1002 "Invalid close code 1002 detected."; the server: 1002
Close 4001: connected, disconnected 4001; the server: 4001
503: ConnectionRefusedError, disconnected 1000
refused: ConnectionRefusedError, disconnected 1000
EOF

# Its argument is a URL. Prints the signals, disconnected last: of a refused dial it comes before the error.
cat > client.py <<'EOF'
import sys
from PyQt6.QtCore import QCoreApplication, QTimer, QUrl
from PyQt6.QtNetwork import QNetworkProxy
from PyQt6.QtWebSockets import QWebSocket

app = QCoreApplication(sys.argv)
client = QWebSocket()
client.setProxy(QNetworkProxy(QNetworkProxy.ProxyType.NoProxy))
signals = []

def disconnected():
    reason = f' "{client.closeReason()}"' if client.closeReason() else ""
    signals.append(f"disconnected {client.closeCode().value}{reason}")
    # An error may be told behind it.
    QTimer.singleShot(500, app.quit)

client.connected.connect(lambda: signals.append("connected"))
client.disconnected.connect(disconnected)
client.errorOccurred.connect(lambda error: signals.append(error.name))
client.open(QUrl(sys.argv[1]))
app.exec()
print(", ".join(sorted(signals, key=lambda signal: signal.startswith("disconnected"))))
EOF

cat > try.py <<'EOF'
import asyncio, socket, struct, sys
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

async def client(port):
    process = await asyncio.create_subprocess_exec(sys.executable, "client.py", f"ws://127.0.0.1:{port}/", stdout=asyncio.subprocess.PIPE)
    return (await process.communicate())[0].decode().strip()

async def case(name):
    told = asyncio.get_running_loop().create_future()

    async def feed(connection):
        await asyncio.sleep(0.3)
        if name == "reset":
            connection.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if name in ("lost", "reset"):
            connection.transport.abort()
        elif name == "Close without a code":
            # The library's own Close always has a code.
            connection.protocol.send_close()
            connection.send_data()
        else:
            await connection.close(int(name.split()[1]))
        try:
            await connection.recv()
        except ConnectionClosed as ended:
            told.set_result(f"{ended.rcvd.code:d}" if ended.rcvd else "no Close")

    def full(connection, _request):
        return connection.respond(503, "full") if name == "503" else None

    async with serve(feed, "127.0.0.1", 0, process_request=full) as server:
        signals = await client(server.sockets[0].getsockname()[1])
        print(f"{name}: {signals}" + (f"; the server: {await told}" if name != "503" else ""), flush=True)

async def main():
    for name in ["lost", "reset", "Close without a code", *(f"Close {code}" for code in (1001, 1011, 1012, 1013, 4001)), "503"]:
        await asyncio.wait_for(case(name), 20)
    print(f"refused: {await client(free_port())}", flush=True)

asyncio.run(main())
EOF

timeout -k 5 100 venv/bin/python try.py 2> errors | tee seen || { cat errors >&2; exit 1; }
diff expected seen && echo "as described"
