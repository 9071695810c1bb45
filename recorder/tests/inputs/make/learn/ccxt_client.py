"""ccxt's Binance at its defaults, except for the address: ccxt_client.py URL btc,eth"""

import asyncio
import sys

import ccxt.pro


def market(symbol):
    base, quote = symbol.split("/")
    return {
        "id": base + quote, "lowercaseId": (base + quote).lower(), "symbol": symbol, "base": base, "quote": quote,
        "baseId": base, "quoteId": quote, "type": "spot", "spot": True, "margin": False, "swap": False, "future": False, "inverse": None, "linear": None, "settle": None,
        "option": False, "contract": False, "active": True, "precision": {"price": 0.01, "amount": 0.0001},
        "limits": {"amount": {}, "price": {}, "cost": {}, "leverage": {}}, "info": {}, "taker": 0.001, "maker": 0.001,
    }


async def main(url, order):
    exchange = ccxt.pro.binance({"newUpdates": True})
    exchange.urls["api"]["ws"]["spot"] = f"{url}/ws"
    symbols = {"btc": "BTC/USDT", "eth": "ETH/USDT"}
    exchange.set_markets([market(symbol) for symbol in symbols.values()])

    async def loaded(*_, **__):
        return exchange.markets

    exchange.load_markets = loaded
    for _ in range(3):
        for word in order.split(","):
            print(word, len(await asyncio.wait_for(exchange.watch_trades(symbols[word]), 4)))
    await exchange.close()


asyncio.run(main(*sys.argv[1:]))
