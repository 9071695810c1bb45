"""A subscriber of the JSON-RPC feed on Python's websockets, at its defaults. It reconnects, subscribes again, and
considers a channel dead if it is silent for a second while the connection answers. Prints what it saw."""

import asyncio
import json
import sys

import websockets

SILENCE_S = 1.0
CHANNEL = "trades"


async def session(socket, number):
    await socket.send(json.dumps({"jsonrpc": "2.0", "id": 40 + number, "method": "subscribe", "params": {"channel": CHANNEL}}))
    seqs = []
    while True:
        try:
            message = json.loads(await asyncio.wait_for(socket.recv(), SILENCE_S))
        except asyncio.TimeoutError:
            await socket.send(json.dumps({"jsonrpc": "2.0", "id": 99, "method": "ping"}))
            pong = json.loads(await asyncio.wait_for(socket.recv(), SILENCE_S))
            print(f"dead channel after {len(seqs) >= 5}, ping answered {pong['id'] == 99 and pong['result'] == 'pong'}")
            return
        if message.get("method") == "feed":
            seqs.append(message["params"]["seq"])
            assert seqs == list(range(1, len(seqs) + 1)), seqs
        else:
            print(f"subscribed {message['result']['subscribed']} id {message['id']}")


async def main(url):
    number = 0
    async for socket in websockets.connect(url):
        number += 1
        try:
            await session(socket, number)
            return
        except websockets.ConnectionClosed:
            print("lost")


asyncio.run(asyncio.wait_for(main(sys.argv[1]), 30))
