"""PyPI aiohttp: it does not dial again by itself, so this is the loop that its users write."""

import asyncio
import os
import sys

import aiohttp

DELAY_S = 1


async def main() -> None:
    headers = {"Authorization": f"Bearer {os.environ['ENGINE_TOKEN']}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        while True:
            try:
                async with session.ws_connect(os.environ["ENGINE_URL"], heartbeat=10) as socket:
                    for subscription in sys.argv[1:]:
                        await socket.send_str(subscription)
                    async for message in socket:
                        print(message.data, flush=True)
            except aiohttp.ClientError as error:
                print("error:", type(error).__name__, flush=True)
            await asyncio.sleep(DELAY_S)


asyncio.run(main())
