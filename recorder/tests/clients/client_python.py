"""A subscriber: Python's websockets. Prints what it got, one JSON list per line."""

import asyncio
import base64
import json
import sys

import websockets
from websockets.asyncio.client import connect


async def main(url: str, said: list[str], compression: str | None) -> None:
    headers = {"Authorization": "Bearer t0k3n-of-a-real-client"}
    async with connect(
        url, additional_headers=headers, compression=compression, ping_interval=None
    ) as socket:
        for text in said:
            await socket.send(text)
        await socket.send(bytes(range(256)))
        try:
            while True:
                message = await socket.recv()
                if isinstance(message, str):
                    print(json.dumps(["text", message]))
                else:
                    print(json.dumps(["binary", base64.b64encode(message).decode()]))
        except websockets.ConnectionClosed as closed:
            print(json.dumps(["close", closed.rcvd.code if closed.rcvd else None]))


asyncio.run(main(sys.argv[1], json.loads(sys.argv[2]), "deflate" if sys.argv[3:] else None))
