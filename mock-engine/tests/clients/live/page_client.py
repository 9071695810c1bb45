"""A websockets client that comes back whatever happens, and prints a line for each event."""

import asyncio
import sys
import time

import websockets


async def listen(socket):
    await socket.recv()  # the engine's greeting
    print("open", flush=True)
    for count in range(1_000_000):
        start = time.monotonic()
        await socket.send(str(count))
        assert await socket.recv() == str(count)
        if time.monotonic() - start > 0.25:
            print("late", flush=True)
        await asyncio.sleep(0.02)


async def main():
    while True:
        try:
            async with websockets.connect(sys.argv[1]) as socket:
                await listen(socket)
        except websockets.InvalidStatus as error:
            print("refused", error.response.status_code, flush=True)
        except websockets.ConnectionClosed as error:
            print("closed", error.rcvd.code if error.rcvd else "without a Close", flush=True)
        await asyncio.sleep(0.1)


asyncio.run(main())
