#!/usr/bin/env bash
# PyPI ccxt 4.5.90 (ccxt.pro.bybit), against a feed on PyPI websockets 17.4
#
# A program that watches trades loses its connection after the fifth. If it is waiting in watch_trades at that moment,
# it gets a NetworkError. If it is busy for half a second with the trade it received, it gets no error: its next
# watch_trades dials and subscribes again, and the trades in between are silently missing.
#
# Seen:
#   waits: told of 1 loss, 2 connections
#   is busy at the loss: told of 0 losses, 2 connections
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check ccxt==4.5.90 websockets==17.4

cat > expected <<'EOF'
waits: told of 1 loss, 2 connections
is busy at the loss: told of 0 losses, 2 connections
EOF

cat > try.py <<'EOF'
import asyncio, json, time
import ccxt, ccxt.pro
from websockets.asyncio.server import serve

MARKET = {"id": "BTCUSDT", "symbol": "BTC/USDT", "base": "BTC", "quote": "USDT", "baseId": "BTC", "quoteId": "USDT",
          "type": "spot", "spot": True, "contract": False, "swap": False, "future": False, "option": False,
          "active": True, "precision": {}, "limits": {}}

async def see(busy):
    connections = 0
    async def feed(socket):
        nonlocal connections
        connections += 1
        mine = connections
        request = json.loads(await socket.recv())
        await socket.send(json.dumps({"success": True, "op": "subscribe", "req_id": request["req_id"]}))
        for n in range(1, 1000):
            await asyncio.sleep(0.1)
            now = int(time.time() * 1000)
            await socket.send(json.dumps({"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": now, "data": [
                {"i": f"{mine}-{n}", "T": now, "s": "BTCUSDT", "S": "Buy", "v": "1", "p": "10", "BT": False}]}))
            if mine == 1 and n == 5:
                await asyncio.sleep(0.1)
                socket.transport.abort()
    async with serve(feed, "127.0.0.1", 0) as server:
        exchange = ccxt.pro.bybit()
        exchange.urls["api"]["ws"]["public"]["spot"] = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        exchange.set_markets([MARKET])
        told = 0
        while True:
            try:
                trades = await exchange.watch_trades("BTC/USDT")
            except ccxt.NetworkError:
                told += 1
                continue
            if busy and trades[-1]["id"] == "1-5":
                await asyncio.sleep(0.5)
            if trades[-1]["id"].startswith("2-"):
                break
        await exchange.close()
    name = "is busy at the loss" if busy else "waits"
    print(f"{name}: told of {told} {'loss' if told == 1 else 'losses'}, {connections} connections")

for busy in (False, True):
    asyncio.run(asyncio.wait_for(see(busy), 30))
EOF
venv/bin/python try.py > seen 2> log
diff expected seen && cat seen
