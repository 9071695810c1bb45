"""The tests that a newcomer writes: a client loses its link, is partitioned, comes back."""

import asyncio
from contextlib import suppress

import websockets
import wstape


async def listener(url: str, got: list[str]) -> None:
    async for link in websockets.connect(url, ping_interval=0.1, ping_timeout=0.1, close_timeout=0.1):
        with suppress(websockets.ConnectionClosed):
            async for message in link:
                got.append(str(message))


async def test_a_client_comes_back_after_a_lost_link_and_a_partition(engine: wstape.Engine) -> None:
    got: list[str] = []
    client = asyncio.create_task(listener(engine.url, got))
    await engine.aio.wait_for(connections=1)
    await engine.aio.drop()
    await engine.aio.wait_for(connections=2)
    await engine.aio.partition(for_ms=500)
    await engine.aio.wait_for(connections=3)
    await engine.aio.send({"seq": 1})
    while not got:
        await asyncio.sleep(0.01)
    client.cancel()
    assert got == ['{"seq":1}']
