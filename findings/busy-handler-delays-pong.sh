#!/usr/bin/env bash
# PyPI websockets 17.4, aiohttp 3.14.5, tornado 6.6.1, httpx-ws 0.9.0; npm ws 8.23.0
#
# The server sends some messages, then a Ping. The client receives the first message and is busy with it for three
# seconds, in an asynchronous sleep that blocks nothing else. When is the Ping answered? That depends on the library,
# and on how many messages wait after the first:
# - aiohttp answers from inside receive(), so never while the handler is busy.
# - tornado and httpx-ws answer at once if no message waits, and late if any do.
# - websockets answers at once with 7 messages waiting, and late with 39, because its queue is full and it stops
#   reading.
# - ws answers at once, whatever waits.
#
# Seen: the table under "expected" below.
#
# A server that allows 20 s for a Pong drops a slow subscriber on one library, and none on another. A test with a single
# message does not show it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check websockets==17.4 aiohttp==3.14.5 tornado==6.6.1 httpx-ws==0.9.0 httpx==0.28.1
npm install --silent --no-audit --no-fund --ignore-scripts ws@8.23.0 >/dev/null

cat > expected <<'EOF'
websockets: 1 message: Pong at once
websockets: 8 messages: Pong at once
websockets: 40 messages: Pong late
aiohttp: 1 message: Pong late
aiohttp: 8 messages: Pong late
aiohttp: 40 messages: Pong late
tornado: 1 message: Pong at once
tornado: 8 messages: Pong late
tornado: 40 messages: Pong late
httpx-ws: 1 message: Pong at once
httpx-ws: 8 messages: Pong late
httpx-ws: 40 messages: Pong late
ws: 1 message: Pong at once
ws: 8 messages: Pong at once
ws: 40 messages: Pong at once
EOF

cat > client.js <<'EOF'
const socket = new (require('ws'))(process.argv[2])
socket.onmessage = () => new Promise(done => setTimeout(done, 3000))
EOF

cat > client.py <<'EOF'
import asyncio, sys

library, url = sys.argv[1:]

async def main():
    if library == "websockets":
        import websockets
        async with websockets.connect(url, proxy=None) as ws:
            await use(ws.recv)
    elif library == "aiohttp":
        import aiohttp
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as ws:
            await use(ws.receive)
    elif library == "tornado":
        from tornado.websocket import websocket_connect
        await use((await websocket_connect(url)).read_message)
    else:
        import httpx, httpx_ws
        async with httpx.AsyncClient(trust_env=False) as client, httpx_ws.aconnect_ws(url, client) as ws:
            await use(ws.receive)

async def use(receive):
    await receive()
    await asyncio.sleep(3)
    while True:
        await receive()
        await asyncio.sleep(0)

asyncio.run(main())
EOF

cat > try.py <<'EOF'
import asyncio, base64, hashlib, subprocess

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

async def frame(reader):
    first, second = await reader.readexactly(2)
    await reader.readexactly(4 + (second & 127))
    return first & 15

async def main():
    answers = asyncio.Queue()

    async def serve(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = next(l.split(":", 1)[1].strip() for l in head.split("\r\n") if l.lower().startswith("sec-websocket-key:"))
        accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
        writer.write(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        await asyncio.sleep(0.2)
        writer.write(b"\x81\x02hi" * int(head.split()[1].strip("/")))
        await asyncio.sleep(0.3)
        began = asyncio.get_running_loop().time()
        writer.write(b"\x89\x01p")
        try:
            while await asyncio.wait_for(frame(reader), 10) != 10:
                pass
            late = asyncio.get_running_loop().time() - began > 1.5
            await answers.put("Pong late" if late else "Pong at once")
        except Exception as e:
            await answers.put("no Pong: " + type(e).__name__)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for library in "websockets", "aiohttp", "tornado", "httpx-ws", "ws":
        program = ["node", "client.js"] if library == "ws" else ["venv/bin/python", "client.py", library]
        for count in 1, 8, 40:
            client = await asyncio.create_subprocess_exec(*program, f"ws://127.0.0.1:{port}/{count}".replace(
                "ws:", "http:" if library == "httpx-ws" else "ws:"), stderr=subprocess.DEVNULL)
            try:
                answer = await asyncio.wait_for(answers.get(), 25)
            finally:
                client.kill()
                await client.wait()
            print(f"{library}: {count} message{'s' * (count > 1)}: {answer}", flush=True)

asyncio.run(main())
EOF

timeout -k 5 100 venv/bin/python try.py | tee seen
diff expected seen && echo "as described"
