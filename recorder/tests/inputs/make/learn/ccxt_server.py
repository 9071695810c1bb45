"""Binance's streams as its public documentation describes them: SUBSCRIBE with a list, trades, UNSUBSCRIBE."""

import asyncio
import json
import time

import websockets


async def trades(socket, symbol):
    for n in range(1, 10_000):
        await asyncio.sleep(0.15)
        now = int(time.time() * 1000)
        trade = {"e": "trade", "E": now, "s": symbol.upper(), "t": n, "p": f"{100 + n}.00", "q": "0.5", "T": now, "m": True, "M": True}
        await socket.send(json.dumps(trade))


async def serve(socket):
    streams = {}
    async for text in socket:
        asked = json.loads(text)
        await socket.send(json.dumps({"result": None, "id": asked["id"]}))
        for stream in asked["params"]:
            if asked["method"] == "SUBSCRIBE":
                streams[stream] = asyncio.create_task(trades(socket, stream.split("@")[0]))
            elif stream in streams:
                streams.pop(stream).cancel()
    for stream in streams.values():
        stream.cancel()


async def main():
    async with websockets.serve(serve, "127.0.0.1", 9108):
        await asyncio.Future()


asyncio.run(main())
