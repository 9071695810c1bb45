#!/usr/bin/env bash
# npm ws 8.23.0, undici 7.30.2, websocket 1.0.35, faye-websocket 0.11.4
# PyPI websockets 17.4, aiohttp 3.14.5, websocket-client 1.9.2, lomond 0.3.4
#
# Three valid Close frames, eight clients. Each row has what the library reports to its user, and what it answers on the
# wire.
# - A Close without a code is reported as 1005, 1006, 1000 or "none", depending on the library.
# - faye-websocket reports 1012 (service restart) as 1002 (protocol error), and answers the server with 1002 too. lomond
#   accepts 1012, but reports 1014 (bad gateway) as a protocol error and answers it with 1002.
# - Some echo the code they got. Others always answer 1000, even to 1012 and 1014, so a server that logs the answer
#   takes it for a normal end.
#
# Seen: the table under "expected" below.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check websockets==17.4 aiohttp==3.14.5 websocket-client==1.9.2 lomond==0.3.4
npm install --silent --no-audit --no-fund --ignore-scripts ws@8.23.0 undici@7.30.2 websocket@1.0.35 faye-websocket@0.11.4 >/dev/null

cat > expected <<'EOF'
ws: no code: told 1005, answered empty
ws: 1012: told 1012, answered 1012
ws: 1014: told 1014, answered 1014
undici: no code: told 1005, answered empty
undici: 1012: told 1012, answered 1012
undici: 1014: told 1014, answered 1014
websocket: no code: told 1006, answered 1000
websocket: 1012: told 1012, answered 1000
websocket: 1014: told 1014, answered 1000
faye-websocket: no code: told 1000, answered 1000
faye-websocket: 1012: told 1002, answered 1002
faye-websocket: 1014: told 1002, answered 1002
websockets: no code: told 1005, answered empty
websockets: 1012: told 1012, answered 1012
websockets: 1014: told 1014, answered 1014
aiohttp: no code: told 1006, answered 1000
aiohttp: 1012: told 1012, answered 1000
aiohttp: 1014: told 1014, answered 1000
websocket-client: no code: told none, answered 1000
websocket-client: 1012: told 1012, answered 1000
websocket-client: 1014: told 1014, answered 1000
lomond: no code: told none, answered empty
lomond: 1012: told 1012, answered 1012
lomond: 1014: told protocol error, answered 1002
EOF

cat > client.js <<'EOF'
const [, , library, url] = process.argv
const make = {
  'ws': () => new (require('ws'))(url),
  'undici': () => new (require('undici').WebSocket)(url),
  'websocket': () => new (require('websocket').w3cwebsocket)(url),
  'faye-websocket': () => new (require('faye-websocket').Client)(url),
}
const socket = make[library]()
socket.onerror = () => {}
socket.onclose = event => console.log(event.code)
EOF

cat > client.py <<'EOF'
import asyncio, sys

library, url = sys.argv[1:]

async def closed_of_websockets():
    import websockets
    ws = await websockets.connect(url, proxy=None)
    await ws.wait_closed()
    return int(ws.close_code)

async def closed_of_aiohttp():
    import aiohttp
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url) as ws:
            async for _ in ws:
                pass
            return int(ws.close_code)

def closed_of_websocket_client():
    import websocket
    codes = []
    websocket.WebSocketApp(url, on_close=lambda ws, code, reason: codes.append(code)).run_forever()
    return codes[0]

def closed_of_lomond():
    import lomond
    told = None
    for event in lomond.WebSocket(url).connect():
        if event.name == "closing":
            told = event.code
        if event.name == "protocol_error":
            told = "protocol error"
    return told

told = {
    "websockets": lambda: asyncio.run(closed_of_websockets()),
    "aiohttp": lambda: asyncio.run(closed_of_aiohttp()),
    "websocket-client": closed_of_websocket_client,
    "lomond": closed_of_lomond,
}[library]()
print("none" if told is None else told)
EOF

cat > try.py <<'EOF'
import asyncio, base64, hashlib, struct

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

async def frame(reader):
    first, second = await reader.readexactly(2)
    mask = await reader.readexactly(4)
    data = await reader.readexactly(second & 127)
    return first & 15, bytes(b ^ mask[i % 4] for i, b in enumerate(data))

async def main():
    answers = asyncio.Queue()

    async def serve(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = next(l.split(":", 1)[1].strip() for l in head.split("\r\n") if l.lower().startswith("sec-websocket-key:"))
        accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
        writer.write(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        await asyncio.sleep(0.2)
        code = int(head.split()[1].strip("/"))
        writer.write(b"\x88\x02" + struct.pack("!H", code) if code else b"\x88\x00")
        try:
            opcode = None
            while opcode != 8:
                opcode, data = await asyncio.wait_for(frame(reader), 5)
            await answers.put(struct.unpack("!H", data[:2])[0] if data else "empty")
        except Exception as e:
            await answers.put(type(e).__name__)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    programs = {name: ["node", "client.js"] for name in ("ws", "undici", "websocket", "faye-websocket")}
    programs |= {name: ["venv/bin/python", "client.py"] for name in ("websockets", "aiohttp", "websocket-client", "lomond")}
    for library, program in programs.items():
        for code in 0, 1012, 1014:
            p = await asyncio.create_subprocess_exec(*program, library, f"ws://127.0.0.1:{port}/{code}",
                                                     stdout=asyncio.subprocess.PIPE)
            out, _ = await p.communicate()
            answer = await answers.get()
            print(f"{library}: {code or 'no code'}: told {out.decode().strip()}, answered {answer}", flush=True)

asyncio.run(main())
EOF

timeout -k 5 90 venv/bin/python try.py | tee seen
diff expected seen && echo "as described"
