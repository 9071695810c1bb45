#!/usr/bin/env bash
# npm wscat 6.1.0; PyPI websocket-client 1.9.2 (wsdump), websockets 17.4 (its command line)
#
# What is left of a feed that was saved with `wscat … > feed.txt` and the like. The feed is a text message, the same
# bytes as a binary message, four bytes that aren't UTF-8, and a binary message of three bytes that happens to be a
# deflate stream.
# - wscat prints text and binary alike, and invalid UTF-8 as U+FFFD: two different messages are one line.
# - wsdump inflates whatever can be inflated and prints the result, even for a message of three bytes that means
#   something else.
# - websockets prints hexadecimal digits with a mark. It is the only one of the three that loses nothing.
#
# Seen (each line as Python's ascii() shows it):
#   wscat: '{"p":1}' | '{"p":1}' | '\x00\ufffdA\ufffd' | 'K\x04\x00'
#   wsdump: '{"p":1}' | 'b\'{"p":1}\'' | "b'\\x00\\xffA\\xc3'" | '[zlib] a'
#   websockets: '{"p":1}' | '(binary) 7b2270223a317d' | '(binary) 00ff41c3' | '(binary) 4b0400'
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check websocket-client==1.9.2 websockets==17.4
npm install --silent --no-audit --no-fund --ignore-scripts wscat@6.1.0

cat > expected <<'END'
wscat: '{"p":1}' | '{"p":1}' | '\x00\ufffdA\ufffd' | 'K\x04\x00'
wsdump: '{"p":1}' | 'b\'{"p":1}\'' | "b'\\x00\\xffA\\xc3'" | '[zlib] a'
websockets: '{"p":1}' | '(binary) 7b2270223a317d' | '(binary) 00ff41c3' | '(binary) 4b0400'
END

cat > try.py <<'END'
import asyncio, os, re
from websockets.asyncio.server import serve

MESSAGES = ['{"p":1}', b'{"p":1}', b"\x00\xffA\xc3", b"K\x04\x00"]

async def feed(ws):
    await asyncio.sleep(1)
    for message in MESSAGES:
        await ws.send(message)
        await asyncio.sleep(0.1)
    await asyncio.sleep(3)

async def shown(command):
    """What a client prints of each message, in four seconds."""
    client = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL, env=os.environ | {"PYTHONUNBUFFERED": "1", "NO_PROXY": "127.0.0.1"})
    out = b""
    try:
        async with asyncio.timeout(4):
            while part := await client.stdout.read(4096):
                out += part
    except TimeoutError:
        client.kill()
    await client.wait()
    text = re.sub(r"\x1b(\[[0-9;]*[A-Za-z]|[78])", "", out.decode())
    lines = [line.removeprefix("> ").removeprefix("< ").strip("\r") for line in text.split("\n")]
    noise = ("", "> ", ">", "Press Ctrl+C to quit")
    return [ascii(line) for line in lines if line not in noise and not line.startswith("Connect")]

async def main():
    async with serve(feed, "127.0.0.1", 0, compression=None) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        for name, command in (
            ("wscat", ["node_modules/.bin/wscat", "-c", url]),
            ("wsdump", ["venv/bin/wsdump", "-r", url]),
            ("websockets", ["venv/bin/websockets", url]),
        ):
            print(f"{name}: " + " | ".join(await shown(command)), flush=True)

asyncio.run(main())
END

timeout -k 5 60 venv/bin/python try.py | tee seen
diff expected seen && echo "as described"
