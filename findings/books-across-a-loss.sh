#!/usr/bin/env bash
# PyPI ccxt 4.5.90 (ccxt.pro), against feeds on PyPI websockets 17.4
#
# A program calls watch_order_book in a loop, on six exchanges. The messages are as in the exchanges' public
# documentation.
# - The connection is lost, and the price falls by ten meanwhile. The second connection begins with a snapshot, as it
#   does on each of these feeds. With deribit and bitget, ccxt merges it into the old book: the best bid is one that is
#   gone, above the best ask. With bitget it notices at the next message, which has a checksum. With deribit it never
#   does, and the old levels stay.
# - One change is lost while the connection holds: the removal of the best bid. Every feed except kraken's numbers its
#   changes. With okx ccxt checks the numbers, with bitget the checksum. With bybit, deribit and coinbase it checks
#   neither, and it does not check kraken's checksum by default: the bid of 100 stays in the book beside an ask of 100.
#
# Seen:
#   bybit, after a loss: bids 90 89, asks 91 92; then bids 90 89 88, asks 91 92
#   bybit, a change is missing: bids 100 99 98, asks 100 101 102
#   okx, after a loss: bids 90 89, asks 91 92; then bids 90 89 88, asks 91 92
#   okx, a change is missing: InvalidNonce
#   deribit, after a loss: bids 100 99 90 89, asks 91 92 101 102; then bids 100 99 90 89 88, asks 91 92 101 102
#   deribit, a change is missing: bids 100 99 98, asks 100 101 102
#   bitget, after a loss: bids 100 99 90 89, asks 91 92 101 102; then UnsubscribeError
#   bitget, a change is missing: UnsubscribeError
#   kraken, after a loss: bids 90 89, asks 91 92; then bids 90 89 88, asks 91 92
#   kraken, a change is missing: bids 100 99 98, asks 100 101 102
#   coinbase, after a loss: bids 90 89, asks 91 92; then bids 90 89 88, asks 91 92
#   coinbase, a change is missing: bids 100 99 98, asks 100 101 102
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check ccxt==4.5.90 websockets==17.4

cat > expected <<'EOF'
bybit, after a loss: bids 90 89, asks 91 92; then bids 90 89 88, asks 91 92
bybit, a change is missing: bids 100 99 98, asks 100 101 102
okx, after a loss: bids 90 89, asks 91 92; then bids 90 89 88, asks 91 92
okx, a change is missing: InvalidNonce
deribit, after a loss: bids 100 99 90 89, asks 91 92 101 102; then bids 100 99 90 89 88, asks 91 92 101 102
deribit, a change is missing: bids 100 99 98, asks 100 101 102
bitget, after a loss: bids 100 99 90 89, asks 91 92 101 102; then UnsubscribeError
bitget, a change is missing: UnsubscribeError
kraken, after a loss: bids 90 89, asks 91 92; then bids 90 89 88, asks 91 92
kraken, a change is missing: bids 100 99 98, asks 100 101 102
coinbase, after a loss: bids 90 89, asks 91 92; then bids 90 89 88, asks 91 92
coinbase, a change is missing: bids 100 99 98, asks 100 101 102
EOF

cat > exchanges.py <<'EOF'
"""The feeds of six exchanges: where each is dialled, its answer to a subscription, and its messages of a book."""
import zlib

TIME_MS = 1767225600000
TIME = "2026-01-01T00:00:00.000000Z"

class Book:
    """What the exchange has, one unit at each price, and the number of the last change."""
    def __init__(self, bids, asks, number):
        self.sides, self.number = {"bids": set(bids), "asks": set(asks)}, number

    def change(self, side, price, size):
        self.number += 1
        (self.sides[side].add if size else self.sides[side].discard)(price)
        return {"bids": [], "asks": [], side: [(price, size)]}

    def whole(self):
        return {side: [(price, 1) for price in prices] for side, prices in self.sides.items()}

    def best_first(self):
        return sorted(self.sides["bids"], reverse=True), sorted(self.sides["asks"])

def texts(levels):
    return [[str(price), str(size)] for price, size in levels]

class Bybit:
    market, url = "BTCUSDT", ("public", "spot")

    def answer(self, request):
        return {"success": True, "op": "subscribe", "req_id": request["req_id"]}

    def message(self, book, levels, first):
        return {"topic": "orderbook.50.BTCUSDT", "type": "snapshot" if first else "delta", "ts": TIME_MS, "data": {
            "s": "BTCUSDT", "b": texts(levels["bids"]), "a": texts(levels["asks"]), "u": book.number, "seq": book.number}}

class Okx:
    market, url = "BTC-USDT", ()

    def answer(self, request):
        return {"event": request["op"], "arg": request["args"][0], "connId": "1"}

    def message(self, book, levels, first):
        data = {side: [[*level, "0", "1"] for level in texts(levels[side])] for side in levels}
        return {"arg": {"channel": "books", "instId": "BTC-USDT"}, "action": "snapshot" if first else "update", "data": [
            data | {"ts": str(TIME_MS), "checksum": 0, "prevSeqId": -1 if first else book.number - 1, "seqId": book.number}]}

class Deribit:
    market, url = "BTC_USDT", ()

    def answer(self, request):
        return {"jsonrpc": "2.0", "id": request["id"], "result": request["params"]["channels"]}

    def message(self, book, levels, first):
        data = {side: [["new" if size else "delete", price, size] for price, size in levels[side]] for side in levels}
        data |= {"type": "snapshot"} if first else {"type": "change", "prev_change_id": book.number - 1}
        return {"jsonrpc": "2.0", "method": "subscription", "params": {"channel": "book.BTC_USDT.100ms", "data": data | {
            "timestamp": TIME_MS, "instrument_name": "BTC_USDT", "change_id": book.number}}}

class Bitget:
    market, url = "BTCUSDT", ("public",)

    def answer(self, request):
        return {"event": request["op"], "arg": request["args"][0]}

    def message(self, book, levels, first):
        top = [f"{side[n]}:1" for n in range(25) for side in book.best_first() if n < len(side)]
        checksum = zlib.crc32(":".join(top).encode())
        signed = checksum - (1 << 32 if checksum >> 31 else 0)
        data = {side: texts(levels[side]) for side in levels} | {"ts": str(TIME_MS), "seq": book.number, "checksum": 0 if first else signed}
        return {"arg": {"instType": "SPOT", "channel": "books", "instId": "BTCUSDT"}, "action": "snapshot" if first else "update",
                "ts": TIME_MS, "data": [data]}

class Kraken:
    market, url = "BTC/USDT", ("publicV2",)

    def answer(self, request):
        return {"method": "subscribe", "success": True, "req_id": request["req_id"],
                "result": {"channel": "book", "symbol": "BTC/USDT", "snapshot": True, "depth": 10}}

    def message(self, book, levels, first):
        bids, asks = book.best_first()
        checksum = zlib.crc32("".join(f"{price}1" for price in asks[:10] + bids[:10]).encode())
        data = {side: [{"price": price, "qty": size} for price, size in levels[side]] for side in levels}
        return {"channel": "book", "type": "snapshot" if first else "update", "data": [
            data | {"symbol": "BTC/USDT", "checksum": checksum, "timestamp": TIME}]}

class Coinbase:
    market, url = "BTC-USDT", ()

    def answer(self, request):
        return {"channel": "subscriptions", "timestamp": TIME, "sequence_num": 0, "events": [{"subscriptions": {"level2": ["BTC-USDT"]}}]}

    def message(self, book, levels, first):
        updates = [{"side": name, "event_time": TIME, "price_level": str(price), "new_quantity": str(size)}
                   for name, side in (("bid", "bids"), ("offer", "asks")) for price, size in levels[side]]
        return {"channel": "l2_data", "client_id": "", "timestamp": TIME, "sequence_num": book.number, "events": [
            {"type": "snapshot" if first else "update", "product_id": "BTC-USDT", "updates": updates}]}

ALL = {"bybit": Bybit(), "okx": Okx(), "deribit": Deribit(), "bitget": Bitget(), "kraken": Kraken(), "coinbase": Coinbase()}
EOF

cat > try.py <<'EOF'
import asyncio, json
import ccxt.pro
from exchanges import ALL, Book
from websockets.asyncio.server import serve

APART_S = 0.3
MARKET = {"symbol": "BTC/USDT", "base": "BTC", "quote": "USDT", "baseId": "BTC", "quoteId": "USDT", "type": "spot", "spot": True,
          "contract": False, "swap": False, "future": False, "option": False, "active": True, "precision": {}, "limits": {}}

class Feed:
    """A snapshot, and by what is to be seen a loss and a second snapshot, or three changes of which the second is missing."""
    def __init__(self, speaks, loss):
        self.speaks, self.loss, self.connections = speaks, loss, 0

    async def serve(self, socket):
        self.connections += 1
        second = self.connections > 1
        async for text in socket:
            request = json.loads(text)
            await socket.send(json.dumps(self.speaks.answer(request)))
            if request.get("op") != "unsubscribe":
                await self.tell(socket, second)

    async def tell(self, socket, second):
        book = Book([90, 89], [91, 92], 50) if second else Book([100, 99], [101, 102], 1)
        async def send(levels, first=False):
            await socket.send(json.dumps(self.speaks.message(book, levels, first)))
            await asyncio.sleep(APART_S)
        await send(book.whole(), first=True)
        if self.loss and not second:
            socket.transport.abort()
        elif self.loss:
            await send(book.change("bids", 88, 1))
        else:
            await send(book.change("bids", 98, 1))
            book.change("bids", 100, 0) # not sent
            await send(book.change("asks", 100, 1))

def client_of(name, speaks, port):
    client = getattr(ccxt.pro, name)()
    url = f"ws://127.0.0.1:{port}/spot"
    if speaks.url:
        where = client.urls["api"]["ws"]
        for key in speaks.url[:-1]:
            where = where[key]
        where[speaks.url[-1]] = url
    else:
        client.urls["api"]["ws"] = url
    client.set_markets([MARKET | {"id": speaks.market}])
    async def known(reload=False, params={}):
        return client.markets
    client.load_markets = known # some ask for them although they are there
    return client

def prices(side):
    return " ".join(f"{level[0]:g}" for level in side)

async def next_of(client):
    try:
        book = await asyncio.wait_for(client.watch_order_book("BTC/USDT"), 20)
        return f"bids {prices(book['bids'])}, asks {prices(book['asks'])}"
    except ccxt.BaseError as error:
        return type(error).__name__

async def see(name, loss):
    feed = Feed(ALL[name], loss)
    async with serve(feed.serve, "127.0.0.1", 0) as server:
        client = client_of(name, ALL[name], server.sockets[0].getsockname()[1])
        told = [await next_of(client) for _ in range(4 if loss else 3)]
        await client.close()
    before = ["bids 100 99, asks 101 102", "NetworkError" if loss else "bids 100 99 98, asks 101 102"]
    assert told[:2] == before, told
    print(f"{name}, {'after a loss' if loss else 'a change is missing'}: {'; then '.join(told[2:])}", flush=True)

for name in ALL:
    for loss in (True, False):
        asyncio.run(see(name, loss))
EOF
timeout -k 5 100 venv/bin/python try.py 2> log | tee seen || { tail -5 log; exit 1; }
diff expected seen && echo "as described"
