"""toxiproxy-python, unmodified, drives the API: a latency, a reset, a timeout, a proxy that is down."""

import asyncio
import sys
import time

import websockets
from toxiproxy import Toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

LATENCY_MS = 200


async def echo(socket):
    start = time.monotonic()
    await socket.send("x")
    await socket.recv()
    return (time.monotonic() - start) * 1000


async def lost(socket):
    start = time.monotonic()
    try:
        await socket.recv()
    except websockets.ConnectionClosedError as error:
        reset = isinstance(error.__cause__, ConnectionResetError)
        return "reset" if reset else "closed", (time.monotonic() - start) * 1000


def connect(proxy):
    return websockets.connect(f"ws://{proxy.listen}/ws", ping_interval=None)


async def greeted(proxy):
    socket = await connect(proxy)
    await socket.recv()
    return socket


async def main(port, upstream):
    server = Toxiproxy()
    server.update_api_consumer("127.0.0.1", port)
    print("running", server.running(), b"version" in server.version())
    print("own", sorted(server.proxies()))
    proxy = server.create(name="second", upstream=upstream)
    try:
        server.create(name="second", upstream=upstream)
    except ProxyExists:
        print("exists already")

    socket = await greeted(proxy)
    plain = min([await echo(socket) for _ in range(5)])
    proxy.add_toxic(type="latency", attributes={"latency": LATENCY_MS})
    late = min([await echo(socket) for _ in range(5)]) - plain
    print("latency within 10 %", abs(late - LATENCY_MS) <= LATENCY_MS / 10, sorted(proxy.toxics()))
    proxy.destroy_toxic("latency_downstream")
    print("quick again", await echo(socket) < LATENCY_MS / 2)

    proxy.add_toxic(type="reset_peer", attributes={"timeout": 100})
    print("reset_peer", (await lost(socket))[0])
    proxy.destroy_toxic("reset_peer_downstream")

    socket = await greeted(proxy)
    proxy.add_toxic(name="silence", type="timeout", attributes={"timeout": 400})
    await socket.send("lost")
    how, took = await lost(socket)
    print("timeout", how, 360 <= took <= 440)
    server.reset()
    print("after the reset", proxy.toxics())

    with proxy.down():
        try:
            await connect(proxy)
        except ConnectionRefusedError:
            print("down", server.get_proxy("second").enabled)
    await (await greeted(proxy)).close()

    for toxic in ({"type": "lateness"}, {"type": "latency", "stream": "sideways"}):
        try:
            proxy.add_toxic(**toxic)
        except InvalidToxic:
            print("no toxic")
    server.populate([{"name": "third", "upstream": upstream, "listen": "127.0.0.1:0"}])
    print("populated", sorted(server.proxies()))
    server.destroy_all()
    try:
        proxy.destroy()
    except NotFound:
        print("destroyed", server.proxies())


asyncio.run(asyncio.wait_for(main(int(sys.argv[1]), sys.argv[2]), 60))
