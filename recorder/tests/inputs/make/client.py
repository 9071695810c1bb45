# python client.py: what a subscriber sees through mitmproxy, in four connections.
import asyncio, urllib.request
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

SECRETS = {"Authorization": "Bearer s3cr3t-t0ken", "Cookie": "session=s3cr3t-c00kie"}

async def session(url, ends=None, after=0):
    await asyncio.sleep(after)
    try:
        async with connect(url, additional_headers=SECRETS, proxy=None) as ws:
            await ws.send("subscribe: risk")
            await ws.send(bytes([1, 2, 253]))
            await ws.send("dropped by the addon")
            if ends:
                await asyncio.sleep(0.4)
                await ws.close(4001, "enough")
            async for _ in ws:
                pass
    except (ConnectionClosed, InvalidStatus) as e:
        print(type(e).__name__, e)

async def main():
    try:
        urllib.request.urlopen("http://127.0.0.1:18769/status").read()
    except Exception as e:
        print(e)
    await session("ws://127.0.0.1:18768/ws?token=s3cr3t-t0ken&feed=risk")
    # Two at the same time.
    await asyncio.gather(session("ws://127.0.0.1:18768/ws?feed=positions"),
                         session("ws://127.0.0.1:18768/ws", True, 0.1))
    await session("ws://127.0.0.1:18769/ws")

asyncio.run(main())
