"""Captures sessions of real programs on loopback with tcpdump and dumpcap: a server and a client on Python's
websockets, and a client on Node's ws.

    python make/capture.py capture      (as root, with tcpdump, dumpcap, node; websockets 17.4, ws 8)

Each file holds a connection of Python's client with permessage-deflate (text, binary, an empty text, a message in
fragments, a Ping that is answered, a Close 1012), an uncompressed one of Node's that the server aborts with a RST,
one to a closed port, and one whose handshake is refused with 503.
"""

import asyncio
import http
import json
import pathlib
import socket
import struct
import subprocess
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import WebSocketException

NODE = """
const { WebSocket } = require('ws');
const socket = new WebSocket(process.argv[1], { perMessageDeflate: false });
socket.on('open', () => socket.send(JSON.stringify({ op: 'subscribe', channel: 'trades' })));
socket.on('message', (data) => console.log(String(data)));
socket.on('close', (code) => console.log('closed', code));
socket.on('error', (error) => console.log(error.message));
"""


async def engine(client):
    if client.request.path == "/abort":
        asked = await client.recv()
        await client.send(json.dumps({"answer": json.loads(asked)}))
        await asyncio.sleep(0.1)
        raw = client.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.transport.abort()
        return
    await client.send('{"event":"heartbeat","ts":"2026-01-01T00:00:00Z","data":{}}')
    await client.send(b"\x00\x01\xff")
    await client.send("")
    await client.send(["in ", "three ", "fragments"])
    await (await client.ping(b"are you there"))
    for number in range(3):
        await client.send(json.dumps({"event": "tick", "number": number}))
        await asyncio.sleep(0.05)
    await client.recv()
    await client.close(1012, "service restart")


def refuse(connection, request):
    if request.path == "/refused":
        return connection.respond(http.HTTPStatus.SERVICE_UNAVAILABLE, "not now\n")


async def python(url):
    try:
        async with connect(url) as client:
            await client.send("hello")
            async for _ in client:
                pass
    except (OSError, WebSocketException) as error:
        print(error)


async def session(port, closed):
    url = f"ws://127.0.0.1:{port}"
    async with serve(engine, "127.0.0.1", port, process_request=refuse):
        await python(url + "/feed?token=s3cret-t0ken-of-nobody")
        await asyncio.to_thread(
            subprocess.run, ["node", "-e", NODE, url + "/abort"], check=True
        )
        await python(url + "/refused")
    await python(f"ws://127.0.0.1:{port}/feed")


CAPTURES = {
    "lo.pcap": ["tcpdump", "-i", "lo", "-U", "-w"],
    "any.pcap": ["tcpdump", "-i", "any", "-U", "-w"],
    "any.pcapng": ["dumpcap", "-q", "-i", "any", "-w"],
}


async def main(folder):
    port = 18970
    folder.mkdir(exist_ok=True)
    for name, command in CAPTURES.items():
        path = folder / name
        words = ["-f"] if command[0] == "dumpcap" else []
        capture = await asyncio.create_subprocess_exec(
            *command, str(path), *words, f"tcp port {port}"
        )
        await asyncio.sleep(1.5)
        await session(port, None)
        await asyncio.sleep(1)
        capture.terminate()
        await capture.wait()


asyncio.run(main(pathlib.Path(sys.argv[1])))
