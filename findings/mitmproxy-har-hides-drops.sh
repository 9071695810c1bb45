#!/usr/bin/env bash
# PyPI mitmproxy 11.0.2 (websockets 17.4 as server and client)
#
# An addon drops one message of the server and injects one of its own. The HAR that mitmproxy writes then lists the
# dropped message as received by the client, and the injected one as if the server had sent it, and nothing
# distinguishes them. The flow file of the same run marks both. The HAR's entry has an http:// URL, and its "time" is
# that of the handshake, not of the connection. The flow file is still empty while the connection is open, because a
# flow is written when it ends.
#
# Seen:
#   the server sent: one two three
#   the client got: one three extra
#   the HAR says it received: one two three extra
#   the flow file says: one two(dropped) three extra(injected)
#   keys of a message in the HAR: data opcode time type
#   URL scheme in the HAR: http
#   HAR entry time is shorter than the connection: True
#   bytes in the flow file while the connection was open: 0
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check mitmproxy==11.0.2 websockets==17.4

cat > expected <<'EOF'
the server sent: one two three
the client got: one three extra
the HAR says it received: one two three extra
the flow file says: one two(dropped) three extra(injected)
keys of a message in the HAR: data opcode time type
URL scheme in the HAR: http
HAR entry time is shorter than the connection: True
bytes in the flow file while the connection was open: 0
EOF

cat > addon.py <<'EOF'
from mitmproxy import ctx

def websocket_message(flow):
    message = flow.websocket.messages[-1]
    if message.content == b"two":
        message.drop()
    if message.content == b"three":
        ctx.master.commands.call("inject.websocket", flow, True, b"extra", True)
EOF

cat > try.py <<'EOF'
import asyncio, json, os, re, time
import websockets
from mitmproxy.io import FlowReader

SENT = ["one", "two", "three"]

async def feed(ws):
    for text in SENT:
        await ws.send(text)
        await asyncio.sleep(0.2)
    await ws.wait_closed()

async def main():
    async with websockets.serve(feed, "127.0.0.1", 0) as server:
        upstream = server.sockets[0].getsockname()[1]
        proxy = await asyncio.create_subprocess_exec(
            "venv/bin/mitmdump", "-s", "addon.py", "--mode", f"reverse:http://127.0.0.1:{upstream}",
            "--listen-host", "127.0.0.1", "-p", "0", "--set", "confdir=conf", "--set", "hardump=out.har",
            "-w", "flows", stdout=asyncio.subprocess.PIPE)
        try:
            port = None
            while port is None:
                line = (await proxy.stdout.readline()).decode()
                if not line:
                    raise SystemExit("mitmdump did not start")
                found = re.search(r"listening at .*:(\d+)\.", line)
                port = found and found[1]
            got, began = [], time.monotonic()
            async with websockets.connect(f"ws://127.0.0.1:{port}/", proxy=None) as ws:
                try:
                    while True:
                        got.append(await asyncio.wait_for(ws.recv(), 1.5))
                except TimeoutError:
                    size_while_open = os.path.getsize("flows")
            lasted = (time.monotonic() - began) * 1000
            await asyncio.sleep(0.5)
        finally:
            proxy.terminate()
            await proxy.communicate()
    entry = json.load(open("out.har"))["log"]["entries"][0]
    messages = entry["_webSocketMessages"]
    with open("flows", "rb") as f:
        flow = next(FlowReader(f).stream())
    mark = lambda m: "(dropped)" if m.dropped else "(injected)" if m.injected else ""
    print("the server sent:", *SENT)
    print("the client got:", *got)
    print("the HAR says it received:", *[m["data"] for m in messages if m["type"] == "receive"])
    print("the flow file says:", *[m.text + mark(m) for m in flow.websocket.messages])
    print("keys of a message in the HAR:", *sorted(set().union(*messages)))
    print("URL scheme in the HAR:", entry["request"]["url"].split(":")[0])
    print("HAR entry time is shorter than the connection:", entry["time"] < lasted / 2)
    print("bytes in the flow file while the connection was open:", size_while_open)

asyncio.run(main())
EOF

timeout -k 5 60 venv/bin/python try.py | tee seen
diff expected seen && echo "as described"
