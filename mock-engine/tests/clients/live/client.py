"""A websockets client that reaches a real engine through wstape. Prints what passes, and what an overlay and posted
steps do to it."""

import asyncio
import json
import sys
import time
import urllib.request

import websockets


def ask(method, path, body=None):
    request = urllib.request.Request(control + path, method=method, data=body and json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read().decode()


async def post(*steps):
    await asyncio.to_thread(ask, "POST", "/v1/steps", steps[0])


async def echo(socket, text):
    start = time.monotonic()
    await socket.send(text)
    assert await socket.recv() == text
    return (time.monotonic() - start) * 1000


def connect():
    return websockets.connect(url + "/ws?token=abc", subprotocols=["v1"])


async def main():
    async with connect() as socket:
        hello = json.loads(await socket.recv())
        print("greeted", hello["data"]["query"], socket.subprotocol)
        took = await echo(socket, "one")
        print("late by the overlay", 40 <= took < 400)
        await post({"at_ms": 0, "text": "between"})
        print("sent between", await socket.recv())
        await post({"at_ms": 0, "partition": "both", "for_ms": 300})
        took = await echo(socket, "held")
        print("held by a partition", 300 <= took < 1500)
        await post({"at_ms": 0, "drop": "reset"})
        try:
            await socket.recv()
        except websockets.ConnectionClosedError as error:
            print("dropped", error.rcvd)
    await post({"at_ms": 0, "refuse": {"status": 503, "body": "busy"}, "times": 1})
    try:
        await connect()
    except websockets.InvalidStatus as error:
        print("refused", error.response.status_code, error.response.body.decode())
    async with connect() as socket:
        await socket.recv()
        await echo(socket, "back")
        listed = json.loads(await asyncio.to_thread(ask, "GET", "/v1/connections"))["connections"]
        print("listed", [(one["phase"], one["path"].split("=")[0]) for one in listed])
        with urllib.request.urlopen(url.replace("ws", "http", 1) + "/private") as answer:
            print("asked", json.loads(answer.read()))
    await asyncio.to_thread(ask, "POST", "/v1/wait", {"open": 0})
    journal = [json.loads(line) for line in ask("GET", "/v1/journal").splitlines()]
    said = [line for line in journal if line.get("conn") == 1]
    print("journal", [line["kind"] for line in said if line["kind"] not in ("request", "released")])


url, control = sys.argv[1:]
asyncio.run(asyncio.wait_for(main(), 60))
