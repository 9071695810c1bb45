"""PyPI websockets: `async for` over connect(), which dials again by itself."""

import asyncio
import os
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


async def main() -> None:
    headers = {"Authorization": f"Bearer {os.environ['ENGINE_TOKEN']}"}
    async for socket in connect(os.environ["ENGINE_URL"], additional_headers=headers):
        try:
            for subscription in sys.argv[1:]:
                await socket.send(subscription)
            async for message in socket:
                print(message, flush=True)
        except ConnectionClosed:
            continue


asyncio.run(main())
