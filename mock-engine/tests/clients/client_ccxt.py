"""A subscriber of an exchange's public feed on ccxt.pro, at its defaults except for its base URL and the certificates it
trusts. It watches trades and the ticker on one connection, subscribes again after a loss, and considers the trades dead
if they are silent for a second while the ticker goes on. Prints what it saw."""

import asyncio
import sys

import ccxt
import ccxt.pro

SILENCE_S = 1.0
SYMBOL = "BTC/USDT"


async def main(url):
    # By default ccxt trusts only certifi's authorities, not those that SSL_CERT_FILE names.
    exchange = ccxt.pro.bybit({"options": {"include_OS_certificates": True}})
    exchange.urls["api"]["ws"]["public"]["spot"] = url.rstrip("/") + "/v5/public/spot"
    # ccxt would ask for the markets over HTTP, which is not tested here.
    exchange.set_markets([{
        "id": "BTCUSDT", "symbol": SYMBOL, "base": "BTC", "quote": "USDT", "baseId": "BTC", "quoteId": "USDT",
        "type": "spot", "spot": True, "contract": False, "swap": False, "future": False, "option": False, "active": True,
        "precision": {}, "limits": {},
    }])
    handle = exchange.handle_message
    acknowledged = []

    def heard(client, message):
        if isinstance(message, dict) and message.get("op") == "subscribe":
            acknowledged.append(message["success"] and message["req_id"])
        handle(client, message)

    exchange.handle_message = heard
    streams, seen, last = 0, 0, 0
    try:
        while True:
            try:
                await exchange.watch_ticker(SYMBOL)
                trades = await asyncio.wait_for(exchange.watch_trades(SYMBOL), SILENCE_S)
            except ccxt.NetworkError:
                # The connection is lost. If no call is waiting at that moment, ccxt reports nothing.
                continue
            except asyncio.TimeoutError:
                ticker = await asyncio.wait_for(exchange.watch_ticker(SYMBOL), SILENCE_S)
                print(f"dead channel after {'some' if seen >= 5 else 'few'} trades, ticker at {ticker['last']}")
                return
            number = int(trades[-1]["id"].removeprefix("trade-"))
            if streams == 0 or number <= last:
                streams, seen = streams + 1, 0
                # Two requests on each connection; the numbers continue across connections.
                all_of_them = acknowledged == list(range(1, 2 * streams + 1))
                print(f"stream {streams}, {'acknowledged' if all_of_them else acknowledged}")
            seen, last = seen + 1, number
    finally:
        await exchange.close()


asyncio.run(asyncio.wait_for(main(sys.argv[1]), 30))
