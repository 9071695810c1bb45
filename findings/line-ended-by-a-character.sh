#!/usr/bin/env bash
# PyPI kr8s 0.20.15, kubernetes 37.0.2, kubernetes_asyncio 36.1.0, httpx 0.28.1, requests 2.34.2, aiohttp 3.14.5; npm
# byline 5.0.0
#
# A feed of JSON objects, one per line, as a watch of the Kubernetes API sends it: three versions of a ConfigMap. The
# text in the second one has U+0085 (next line) or U+2028 (line separator). JSON allows both in a string unescaped, and
# servers write them that way: Python's `ensure_ascii=False` and JavaScript write both, Go's encoding/json the former.
# - httpx's `iter_lines`, requests' with `decode_unicode`, and byline end the line there too, which leaves two halves of
#   an object.
# - kr8s reads its watch with httpx: at that object the watch ends with a JSONDecodeError.
# - requests without `decode_unicode`, aiohttp, kubernetes and kubernetes_asyncio read it as it was sent.
#
# Seen: the table under "expected" below. It has the versions that arrive, and an error in place of a line or, for kr8s,
# in place of the rest.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check kr8s==0.20.15 kubernetes==37.0.2 kubernetes_asyncio==36.1.0 httpx==0.28.1 \
  requests==2.34.2 aiohttp==3.14.5
npm install --silent --no-audit --no-fund --ignore-scripts byline@5.0.0

cat > expected <<'EOF'
U+0085, kr8s: 1 JSONDecodeError
U+0085, kubernetes: 1 2 3
U+0085, kubernetes_asyncio: 1 2 3
U+0085, httpx: 1 JSONDecodeError JSONDecodeError 3
U+0085, requests, decode_unicode: 1 JSONDecodeError JSONDecodeError 3
U+0085, requests: 1 2 3
U+0085, aiohttp: 1 2 3
U+0085, byline: 1 SyntaxError SyntaxError 3
U+2028, kr8s: 1 JSONDecodeError
U+2028, kubernetes: 1 2 3
U+2028, kubernetes_asyncio: 1 2 3
U+2028, httpx: 1 JSONDecodeError JSONDecodeError 3
U+2028, requests, decode_unicode: 1 JSONDecodeError JSONDecodeError 3
U+2028, requests: 1 2 3
U+2028, aiohttp: 1 2 3
U+2028, byline: 1 SyntaxError SyntaxError 3
EOF

# Each client prints the versions of what it gets, and the error at which it gives up; a reader of lines has one for a line.
cat > client.py <<'EOF'
import asyncio, json, sys

name, host = sys.argv[1:]
CONFIGMAPS = "/api/v1/namespaces/default/configmaps?watch=true"

def show(line):
    try:
        print(json.loads(line)["object"]["metadata"]["resourceVersion"])
    except ValueError as error:
        print(type(error).__name__)

def by_httpx():
    import httpx
    with httpx.stream("GET", host + CONFIGMAPS) as response:
        for line in response.iter_lines():
            show(line)

def by_requests(**options):
    import requests
    for line in requests.get(host + CONFIGMAPS, stream=True).iter_lines(**options):
        show(line)

async def by_aiohttp():
    import aiohttp
    async with aiohttp.ClientSession() as session, session.get(host + CONFIGMAPS) as response:
        async for line in response.content:
            show(line)

async def by_kr8s():
    import kr8s.asyncio
    with open("config.json", "w") as file:
        json.dump({"apiVersion": "v1", "kind": "Config", "current-context": "feed",
                   "clusters": [{"name": "feed", "cluster": {"server": host}}], "users": [{"name": "feed", "user": {}}],
                   "contexts": [{"name": "feed", "context": {"cluster": "feed", "user": "feed", "namespace": "default"}}]}, file)
    api = await kr8s.asyncio.api(kubeconfig="config.json")
    from kr8s.asyncio.objects import ConfigMap
    async for _, found in api.watch(ConfigMap, namespace="default"):
        print(found.metadata.resourceVersion)

def by_kubernetes():
    from kubernetes import client, watch
    configuration = client.Configuration()
    configuration.host = host
    core = client.CoreV1Api(client.ApiClient(configuration))
    for event in watch.Watch().stream(core.list_namespaced_config_map, "default", timeout_seconds=2):
        print(event["object"].metadata.resource_version)

async def by_kubernetes_asyncio():
    from kubernetes_asyncio import client, watch
    configuration = client.Configuration()
    configuration.host = host
    async with client.ApiClient(configuration) as api:
        async for event in watch.Watch().stream(client.CoreV1Api(api).list_namespaced_config_map, "default", timeout_seconds=2):
            print(event["object"].metadata.resource_version)

clients = {"kr8s": by_kr8s, "kubernetes": by_kubernetes, "kubernetes_asyncio": by_kubernetes_asyncio, "httpx": by_httpx,
           "requests": by_requests, "requests, decode_unicode": lambda: by_requests(decode_unicode=True), "aiohttp": by_aiohttp}
client = clients[name]
try:
    asyncio.run(client()) if asyncio.iscoroutinefunction(client) else client()
except Exception as error:
    print(type(error).__name__)
EOF

cat > client.mjs <<'EOF'
import { Readable } from 'node:stream'
import byline from 'byline'

const { body } = await fetch(`${process.argv[3]}/api/v1/namespaces/default/configmaps?watch=true`)
for await (const line of byline(Readable.fromWeb(body), { encoding: 'utf8' })) {
  try {
    console.log(JSON.parse(line).object.metadata.resourceVersion)
  } catch (error) {
    console.log(error.name)
  }
}
EOF

cat > try.py <<'EOF'
import json, socketserver, subprocess, sys, threading
from concurrent.futures import ThreadPoolExecutor

CHARACTERS = {"U+0085": "\x85", "U+2028": "\u2028"}
PYTHON = ["kr8s", "kubernetes", "kubernetes_asyncio", "httpx", "requests, decode_unicode", "requests", "aiohttp"]
NODE = ["byline"]

def event(version, text):
    found = {"kind": "ConfigMap", "apiVersion": "v1", "data": {"headline": text},
             "metadata": {"name": "feed", "namespace": "default", "resourceVersion": str(version)}}
    return json.dumps({"type": "MODIFIED", "object": found}, ensure_ascii=False) + "\n"

class Api(socketserver.StreamRequestHandler):
    def handle(self):
        path = self.rfile.readline().split()[1]
        while self.rfile.readline().strip():
            pass
        texts = ["calm", f"up{self.server.character}and away", "calm"]
        body = "".join(event(version, text) for version, text in enumerate(texts, 1))
        if path == b"/version/":
            body = json.dumps({"major": "1", "minor": "34", "gitVersion": "v1.34.0"})
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nConnection: close\r\n\r\n" + body.encode())

class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

def told(client, port):
    program = [sys.executable, "client.py"] if client in PYTHON else ["node", "client.mjs"]
    return subprocess.run([*program, client, f"http://127.0.0.1:{port}"], stdout=subprocess.PIPE, text=True, timeout=60).stdout.split()

with ThreadPoolExecutor(3) as pool:
    for name, character in CHARACTERS.items():
        with Server(("127.0.0.1", 0), Api) as server:
            server.character = character
            threading.Thread(target=server.serve_forever, daemon=True).start()
            clients = PYTHON + NODE
            for client, versions in zip(clients, pool.map(lambda client: told(client, server.server_address[1]), clients)):
                print(f"{name}, {client}:", *versions, flush=True)
            server.shutdown()
EOF

timeout -k 5 100 venv/bin/python try.py 2> errors | tee seen || { cat errors >&2; exit 1; }
diff expected seen && echo "as described"
