#!/usr/bin/env bash
# Debian's nginx 1.22.1, haproxy 2.6.12, caddy 2.6.2; PyPI websockets 17.4 on both sides
#
# A feed is open through a proxy. The proxy is told to reload a configuration in which something has changed: a second
# site, on a port of its own, or the feed's server itself, from the first to another one.
# - nginx and haproxy leave the feed with the process that has it, and with the old server; only new dials reach the new
#   one. Both servers are then in use for as long as a client stays. With a limit for old processes, nginx's
#   worker_shutdown_timeout or haproxy's hard-stop-after, the feed ends when the time is up, without a Close.
# - caddy ends every WebSocket that it has. The client gets a Close with 1001, which its server never sent. The server
#   gets a Close too, which its client never sent, and without the mask that a client's frames must have: a server that
#   follows the rules answers 1002, and logs a protocol error. If nothing has changed, caddy does nothing.
#
# Seen by the client and by the server, within four seconds:
#   nginx, a second site: the feed goes on; who dials anew is at the first server
#   nginx, another server: the feed goes on; who dials anew is at the second server
#   nginx, a second site and a limit of 2 s: no Close, the server: no Close; who dials anew is at the first server
#   haproxy, a second site: the feed goes on; who dials anew is at the first server
#   haproxy, another server: the feed goes on; who dials anew is at the second server
#   haproxy, a second site and a limit of 2 s: no Close, the server: no Close; who dials anew is at the first server
#   caddy, the same configuration: the feed goes on; who dials anew is at the first server
#   caddy, a second site: Close 1001, the server: answers 1002 incorrect masking; who dials anew is at the first server
#   caddy, another server: Close 1001, the server: answers 1002 incorrect masking; who dials anew is at the second server
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # apt-get downloads as a user of its own
cd "$work"
apt-get -qq download 'nginx=1.22.1-*' 'haproxy=2.6.12-*' 'caddy=2.6.2-*' liblua5.3-0 libopentracing-c-wrapper0 libopentracing1 \
  2> log || { cat log >&2; exit 2; }
for package in *.deb; do dpkg -x "$package" unpacked; done
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check websockets==17.4
export LD_LIBRARY_PATH=$work/unpacked/usr/lib/x86_64-linux-gnu HOME=$work
mkdir nginx

cat > expected <<'EOF'
nginx, a second site: the feed goes on; who dials anew is at the first server
nginx, another server: the feed goes on; who dials anew is at the second server
nginx, a second site and a limit of 2 s: no Close, the server: no Close; who dials anew is at the first server
haproxy, a second site: the feed goes on; who dials anew is at the first server
haproxy, another server: the feed goes on; who dials anew is at the second server
haproxy, a second site and a limit of 2 s: no Close, the server: no Close; who dials anew is at the first server
caddy, the same configuration: the feed goes on; who dials anew is at the first server
caddy, a second site: Close 1001, the server: answers 1002 incorrect masking; who dials anew is at the first server
caddy, another server: Close 1001, the server: answers 1002 incorrect masking; who dials anew is at the second server
EOF

cat > try.py <<'EOF'
import asyncio, os, signal, socket
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, WebSocketException

BIN = "unpacked/usr/sbin/"

def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

def nginx(port, server, other, limit):
    second = f"server {{ listen 127.0.0.1:{other}; }}" if other else ""
    paths = " ".join(f"{kind}_temp_path {kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"""
daemon off; pid pid; error_log stderr crit; worker_processes 1; {f"worker_shutdown_timeout {limit}s;" if limit else ""}
events {{}}
http {{ access_log off; {paths} {second}
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{server}; proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }} }} }}
"""

def haproxy(port, server, other, limit):
    second = f"frontend second\n  bind 127.0.0.1:{other}\n" if other else ""
    return f"""
global
  {f"hard-stop-after {limit}s" if limit else ""}
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen first
  bind 127.0.0.1:{port}
  server feed 127.0.0.1:{server}
{second}"""

def caddy(port, server, other, _limit):
    second = f"http://127.0.0.1:{other} {{\n  respond 204\n}}\n" if other else ""
    return f"""{{
  admin 127.0.0.1:{ADMIN}
}}
http://127.0.0.1:{port} {{
  reverse_proxy 127.0.0.1:{server}
}}
{second}"""

ADMIN = free_port()
CADDY = ["unpacked/usr/bin/caddy", "reload", "--config", "Caddyfile", "--address", f"127.0.0.1:{ADMIN}"]
PROXIES = {
    "nginx": (nginx, "nginx/nginx.conf", [BIN + "nginx", "-p", "nginx", "-c", "nginx.conf"], signal.SIGHUP),
    "haproxy": (haproxy, "haproxy.cfg", [BIN + "haproxy", "-W", "-f", "haproxy.cfg"], signal.SIGUSR2),
    "caddy": (caddy, "Caddyfile", ["unpacked/usr/bin/caddy", "run", "--config", "Caddyfile"], CADDY),
}

def close_of(ended):
    if ended.rcvd and not (ended.sent and not ended.rcvd_then_sent):
        return f"Close {ended.rcvd.code:d}"
    return f"answers {ended.sent.code:d} {ended.sent.reason}" if ended.sent else "no Close"

async def dialled(url):
    for _ in range(200):
        try:
            return await connect(url, proxy=None)
        except (OSError, WebSocketException):
            await asyncio.sleep(0.05)
    raise SystemExit("the proxy is not there")

async def where(url):
    client = await dialled(url)
    name = await client.recv()
    client.transport.abort()
    return name

async def case(name, what, another, second, limit):
    write, file, command, reload = PROXIES[name]
    told = []

    def feed_of(server):
        async def feed(client):
            try:
                while True:
                    await client.send(server)
                    await asyncio.sleep(0.05)
            except ConnectionClosed as ended:
                told.append(close_of(ended))
        return feed

    async with serve(feed_of("first"), "127.0.0.1", 0) as one, serve(feed_of("second"), "127.0.0.1", 0) as two:
        first, other = (server.sockets[0].getsockname()[1] for server in (one, two))
        port = free_port()
        url = f"ws://127.0.0.1:{port}/"
        def configure(*of):
            with open(file, "w") as out:
                out.write(write(*of))
        configure(port, first, None, limit)
        log = open(name + ".log", "w")
        proxy = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
        client = await dialled(url)
        await client.recv()
        # The master may not yet have reached the point where it handles the signal.
        await asyncio.sleep(1)
        configure(port, other if another else first, free_port() if second else None, limit)
        if isinstance(reload, list):
            assert await (await asyncio.create_subprocess_exec(*reload, stdout=log, stderr=log)).wait() == 0
        else:
            proxy.send_signal(reload)
        until = asyncio.get_running_loop().time() + 4
        try:
            while asyncio.get_running_loop().time() < until:
                assert await asyncio.wait_for(client.recv(), 3) == "first"
            seen = "the feed goes on"
        except ConnectionClosed as ended:
            await asyncio.sleep(0.5)
            seen = f"{close_of(ended)}, the server: {told[0]}"
        line = f"{name}, {what}: {seen}; who dials anew is at the {await where(url)} server"
        client.transport.abort()
        proxy.terminate()
        await proxy.wait()
    return line

async def cases(name):
    lines = []
    if name == "caddy":
        lines.append(await case(name, "the same configuration", False, False, None))
    lines.append(await case(name, "a second site", False, True, None))
    lines.append(await case(name, "another server", True, False, None))
    if name != "caddy":
        lines.append(await case(name, "a second site and a limit of 2 s", False, True, 2))
    return lines

async def main():
    for lines in await asyncio.gather(*map(cases, PROXIES)):
        print(*lines, sep="\n", flush=True)
    os._exit(0)

asyncio.run(main())
EOF

timeout -k 5 110 venv/bin/python try.py | tee seen || { tail -n 5 ./*.log >&2; exit 1; }
diff expected seen && echo "as described"
