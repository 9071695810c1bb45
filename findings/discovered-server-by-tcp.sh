#!/usr/bin/env bash
# PyPI nats-py 2.16.0 over aiohttp 3.14.5; npm @nats-io/nats-core 3.4.0 over ws 8.23.0; Debian's nats-server 2.9.10
#
# Two NATS servers are a cluster. A client dials one of them, which tells it where the other is, so that the client can
# go there if it loses the first. A client on a WebSocket is given the other's WebSocket port, as an address without a
# scheme. Then the first server goes away for good. nats-core goes to the other one, and so does nats-py over TCP.
# Over WebSocket, nats-py makes the address a nats:// one. It keeps one transport for all servers: if that is a
# WebSocket, aiohttp refuses nats:// (NonHttpUrlClientError); if it is TCP, it waits at a WebSocket port until it times
# out (TimeoutError). So it alternates between the server that is gone and the one it can't reach, and reports that only
# to its error callback. Given both servers as ws://, it reaches the second.
#
# Seen, half a minute after the first server is gone:
#   nats-py, nats://: at the second server
#   nats-py, ws://: nowhere, told of a server that it can't dial
#   nats-core, ws://: at the second server
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # apt-get downloads as a user of its own
cd "$work"
apt-get -qq download 'nats-server=2.9.10*' 2> log || { cat log >&2; exit 2; }
dpkg -x nats-server_*.deb unpacked
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check nats-py==2.16.0 aiohttp==3.14.5
npm install --silent --no-audit --no-fund --ignore-scripts @nats-io/nats-core@3.4.0 ws@8.23.0

cat > expected <<'EOF'
nats-py, nats://: at the second server
nats-py, ws://: nowhere, told of a server that it can't dial
nats-core, ws://: at the second server
EOF

# Prints the kinds of errors reported to it, a line each.
cat > client.py <<'EOF'
import asyncio, sys
import nats

async def main():
    async def told(error):
        print(type(error).__name__, flush=True)
    client = await nats.connect(sys.argv[1], error_cb=told)
    await client.subscribe("price")
    await client.flush()
    await asyncio.Event().wait()

asyncio.run(main())
EOF

cat > client.mjs <<'EOF'
import WebSocket from 'ws'
import { wsconnect } from '@nats-io/nats-core'
globalThis.WebSocket = WebSocket
const client = await wsconnect({ servers: process.argv[2] })
client.subscribe('price')
await client.flush()
EOF

cat > try.py <<'EOF'
import json, socket, subprocess, sys, time, urllib.request
from concurrent.futures import ThreadPoolExecutor

PROGRAMS = {"nats-py": [sys.executable, "client.py"], "nats-core": ["node", "client.mjs"]}
CASES = [("nats-py", "nats"), ("nats-py", "ws"), ("nats-core", "ws")]
OF_THE_SECOND = {"NonHttpUrlClientError", "TimeoutError"} # of the first one it is that nobody listens there
WATCHED_S = 30

def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports

class Server:
    def __init__(self, name, ports):
        self.name = name
        self.tcp, self.websocket, self.cluster, self.monitor = ports

    def start(self, other):
        with open(f"{self.name}.conf", "w") as file:
            file.write(f"""
                server_name: "{self.name}"
                listen: "127.0.0.1:{self.tcp}"
                http: "127.0.0.1:{self.monitor}"
                websocket {{ listen: "127.0.0.1:{self.websocket}", no_tls: true }}
                cluster {{ name: pair, listen: "127.0.0.1:{self.cluster}", routes: ["nats://127.0.0.1:{other.cluster}"] }}
            """)
        self.process = subprocess.Popen(["unpacked/usr/sbin/nats-server", "-c", f"{self.name}.conf", "-l", f"{self.name}.log"])

    def has(self, what, seconds):
        """Whether it has routes or connections before that many seconds have passed."""
        page = {"routes": "routez", "connections": "connz"}[what]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.monitor}/{page}", timeout=5) as answer:
                    if json.load(answer)[f"num_{what}"]:
                        return True
            except OSError:
                pass # not listening yet
            time.sleep(0.2)
        return False

def see(name, scheme, ports):
    first, second = (Server(f"{which}-of-{name}-{scheme}", ports[at:at + 4]) for which, at in (("first", 0), ("second", 4)))
    first.start(second)
    second.start(first)
    processes = [first.process, second.process]
    said = f"said-by-{name}-{scheme}"
    try:
        assert first.has("routes", 20) and second.has("routes", 20)
        port = {"nats": first.tcp, "ws": first.websocket}[scheme]
        with open(said, "w") as file:
            processes.append(subprocess.Popen([*PROGRAMS[name], f"{scheme}://127.0.0.1:{port}"], stdout=file))
        assert first.has("connections", 20)
        time.sleep(1) # for what it is told of the other server
        first.process.kill()
        found = second.has("connections", WATCHED_S)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    if found:
        return "at the second server"
    with open(said) as file:
        told = {line.strip() for line in file}
    return "nowhere, told of a server that it can't dial" if told & OF_THE_SECOND else f"nowhere, told {' '.join(sorted(told))}"

ports = free_ports(8 * len(CASES))
with ThreadPoolExecutor(len(CASES)) as pool:
    runs = [pool.submit(see, *case, ports[8 * n:8 * n + 8]) for n, case in enumerate(CASES)]
for (name, scheme), run in zip(CASES, runs):
    print(f"{name}, {scheme}://: {run.result()}")
EOF

timeout -k 5 90 venv/bin/python try.py 2> log | tee seen || { tail -5 log; exit 1; }
diff expected seen && echo "as described"
