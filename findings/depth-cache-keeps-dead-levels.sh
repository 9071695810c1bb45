#!/usr/bin/env bash
# PyPI python-binance 1.0.37 (over websockets 17.4, aiohttp 3.14.5)
#
# Its depth cache managers keep a local order book from a stream on a WebSocket. The messages sent here, and the stream
# names that are requested, are as in the exchange's public documentation; the server is on loopback.
# - OptionsDepthCacheManager asks for `@depth10@500ms`, which sends the whole top of the book each time, but it treats
#   each message as a set of changes: a level that has left the top stays for good. Once the price falls, the best bid
#   is one that is gone, at or above the best ask.
# - DepthCacheManager removes a level if its quantity is the text "0.00000000", and at no other zero. After "0" or
#   "0.000", as other markets, relays and hand-written fixtures write it, the level stays with a quantity of 0.
# - It tells levels apart by the text of the price: "100.1" does not change "100.10", but adds a second level at that
#   price.
#
# Seen:
#   options, the top is 10 9 / 11: bids 10x1 9x1, asks 11x1
#   options, then 9 8 / 10: bids 10x1 9x1 8x1, asks 10x1 11x1
#   spot, the snapshot: bids 100.1x1 100x2, asks 100.2x1
#   spot, 100.10 removed by "0.00000000": bids 100x2, asks 100.2x1
#   spot, 100.10 removed by "0.000": bids 100.1x0 100x2, asks 100.2x1
#   spot, 100.10 changed to 3 as "100.1": bids 100.1x1 100.1x3 100x2, asks 100.2x1
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check python-binance==1.0.37 websockets==17.4 aiohttp==3.14.5

cat > expected <<'EOF'
options, the top is 10 9 / 11: bids 10x1 9x1, asks 11x1
options, then 9 8 / 10: bids 10x1 9x1 8x1, asks 10x1 11x1
spot, the snapshot: bids 100.1x1 100x2, asks 100.2x1
spot, 100.10 removed by "0.00000000": bids 100x2, asks 100.2x1
spot, 100.10 removed by "0.000": bids 100.1x0 100x2, asks 100.2x1
spot, 100.10 changed to 3 as "100.1": bids 100.1x1 100.1x3 100x2, asks 100.2x1
EOF

cat > try.py <<'EOF'
import asyncio
from aiohttp import web
from binance import AsyncClient, BinanceSocketManager
from binance.ws.depthcache import DepthCacheManager, OptionsDepthCacheManager

SNAPSHOT = {"lastUpdateId": 100, "bids": [["100.10000000", "1.00000000"], ["100.00000000", "2.00000000"]],
            "asks": [["100.20000000", "1.00000000"]]}

def diff(number, bids):
    return {"e": "depthUpdate", "E": 1, "s": "BTCUSDT", "U": number, "u": number, "b": bids, "a": []}

def top(number, bids, asks):
    return {"e": "depthUpdate", "E": 1, "T": 1, "s": "BTC-260101-90000-C", "U": number, "u": number, "pu": number - 1,
            "b": bids, "a": asks}

def levels(side):
    return " ".join(f"{price:g}x{quantity:g}" for price, quantity in side)

async def main():
    messages = {} # by the name of the stream

    async def snapshot(request):
        return web.json_response(SNAPSHOT)

    async def stream(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for message in messages[request.path]:
            await socket.send_json(message)
        async for _ in socket:
            pass
        return socket

    app = web.Application()
    app.router.add_get("/api/v3/depth", snapshot)
    app.router.add_get("/{path:.*}", stream)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host = f"127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    BinanceSocketManager.STREAM_URL = BinanceSocketManager.FSTREAM_URL = f"ws://{host}/"

    async def books(kind, symbol, name, steps):
        """Sends one message for each step on the stream of that name, and tells the book behind each."""
        messages[name] = [message for _, message in steps]
        told = []
        client = AsyncClient()
        client.API_URL = f"http://{host}/api"
        async with kind(client, symbol) as manager:
            for title, _ in steps:
                book = await asyncio.wait_for(manager.recv(), 20)
                told.append(f"{title}: bids {levels(book.get_bids())}, asks {levels(book.get_asks())}")
        await client.close_connection()
        return told

    same = [["100.00000000", "2.00000000"]]
    spot = [
        ("spot, the snapshot", same),
        ('spot, 100.10 removed by "0.00000000"', [["100.10000000", "0.00000000"]]),
        ('spot, 100.10 removed by "0.000"', [["100.10000000", "0.000"]]),
        ('spot, 100.10 changed to 3 as "100.1"', [["100.1", "3.00000000"]]),
    ]
    # Side by side, as each takes ten seconds to leave its connection.
    told = await asyncio.gather(
        books(OptionsDepthCacheManager, "BTC-260101-90000-C", "/public/ws/btc-260101-90000-c@depth10@500ms", [
            ("options, the top is 10 9 / 11", top(1, [["10", "1"], ["9", "1"]], [["11", "1"]])),
            ("options, then 9 8 / 10", top(2, [["9", "1"], ["8", "1"]], [["10", "1"], ["11", "1"]])),
        ]),
        *(books(DepthCacheManager, f"COIN{n}USDT", f"/ws/coin{n}usdt@depth", [(title, diff(101, bids))])
          for n, (title, bids) in enumerate(spot)),
    )
    for line in sum(told, []):
        print(line)
    await runner.cleanup()

asyncio.run(main())
EOF

timeout -k 5 60 venv/bin/python try.py | tee seen
diff expected seen && echo "as described"
