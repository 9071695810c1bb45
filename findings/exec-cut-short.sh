#!/usr/bin/env bash
# PyPI kubernetes 37.0.2, kubernetes_asyncio 36.1.0, kr8s 0.20.15; npm @kubernetes/client-node 1.4.0;
# PyPI websockets 17.4 as the API server
#
# The output of a command run in a pod (`exec`) arrives over a WebSocket, followed by a status on a channel of its own. If the
# connection ends without the status, the rest of the output is lost. Here it ends when half of a table has arrived, with
# Close 1001 or without a Close.
# - kubernetes_asyncio returns the half in both cases, just as it returns a whole table: no exception, no status.
# - kubernetes does so after a Close; a lost connection raises. A program that asks for the return code gets a TypeError after a Close.
# - client-node neither calls back nor ends `stdout`: a program that waits for either waits forever.
# - kr8s raises.
# kubernetes and kubernetes_asyncio also return the output of a failed command like any other. If a frame ends in the middle of a
# character, kubernetes turns its bytes into U+FFFD, and kubernetes_asyncio raises.
#
# Seen:
#   kubernetes: exit status 2: returned; Close: the half returned; loss: ApiException; a character in two frames: changed
#   kubernetes, returncode: exit status 2: 2; Close: TypeError; loss: WebSocketConnectionClosedException; a character in two frames: changed
#   kubernetes_asyncio: exit status 2: returned; Close: the half returned; loss: the half returned; a character in two frames: UnicodeDecodeError
#   kr8s: exit status 2: 2; Close: ExceptionGroup; loss: ExceptionGroup; a character in two frames: kept
#   client-node: exit status 2: Failure; Close: no status, stdout open; loss: no status, stdout open; a character in two frames: kept
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check kubernetes==37.0.2 kubernetes_asyncio==36.1.0 kr8s==0.20.15 websockets==17.4
npm install --silent --no-audit --no-fund --ignore-scripts @kubernetes/client-node@1.4.0

cat > expected <<'EOF'
kubernetes: exit status 2: returned; Close: the half returned; loss: ApiException; a character in two frames: changed
kubernetes, returncode: exit status 2: 2; Close: TypeError; loss: WebSocketConnectionClosedException; a character in two frames: changed
kubernetes_asyncio: exit status 2: returned; Close: the half returned; loss: the half returned; a character in two frames: UnicodeDecodeError
kr8s: exit status 2: 2; Close: ExceptionGroup; loss: ExceptionGroup; a character in two frames: kept
client-node: exit status 2: Failure; Close: no status, stdout open; loss: no status, stdout open; a character in two frames: kept
EOF

# Each prints, for each command, what a program gets: the text and what it is told of the end, or the exception's name.
cat > client.py <<'EOF'
import asyncio, json, logging, sys

name, port, *commands = sys.argv[1:]
host = f"http://127.0.0.1:{port}"
logging.disable(logging.CRITICAL)
STREAMS = {"stdout": True, "stderr": True, "stdin": False, "tty": False}

def by_kubernetes(command, preload=True):
    from kubernetes import client
    from kubernetes.stream import stream
    configuration = client.Configuration()
    configuration.host = host
    call = client.CoreV1Api(client.ApiClient(configuration)).connect_get_namespaced_pod_exec
    if preload:
        return stream(call, "feed", "default", command=[command], **STREAMS), "returned"
    running = stream(call, "feed", "default", command=[command], _preload_content=False, **STREAMS)
    running.run_forever()
    code = running.returncode # after read_all() it is a TypeError in any case: that forgets the status too
    return running.read_all(), code

async def by_kubernetes_asyncio(command):
    from kubernetes_asyncio import client
    from kubernetes_asyncio.stream import WsApiClient
    configuration = client.Configuration()
    configuration.host = host
    async with WsApiClient(configuration) as api:
        call = client.CoreV1Api(api).connect_get_namespaced_pod_exec
        return await call("feed", "default", command=[command], **STREAMS), "returned"

def by_kr8s(command):
    import kr8s
    from kr8s.objects import Pod
    config = f"{command}.json"
    with open(config, "w") as file:
        json.dump({"apiVersion": "v1", "kind": "Config", "current-context": "feed",
                   "clusters": [{"name": "feed", "cluster": {"server": host}}], "users": [{"name": "feed", "user": {}}],
                   "contexts": [{"name": "feed", "context": {"cluster": "feed", "user": "feed", "namespace": "default"}}]}, file)
    pod = Pod({"metadata": {"name": "feed", "namespace": "default"}, "spec": {"containers": [{"name": "feed"}]}}, api=kr8s.api(kubeconfig=config))
    done = pod.exec([command], check=False)
    return done.stdout.decode(), done.returncode

run = {"kubernetes": by_kubernetes, "kubernetes, returncode": lambda command: by_kubernetes(command, preload=False),
       "kubernetes_asyncio": lambda command: asyncio.run(by_kubernetes_asyncio(command)), "kr8s": by_kr8s}[name]
for command in commands:
    try:
        print(json.dumps(run(command)))
    except Exception as error:
        print(json.dumps([None, type(error).__name__]))
EOF

cat > client.mjs <<'EOF'
import { Exec, KubeConfig } from '@kubernetes/client-node'
import { PassThrough } from 'node:stream'

const [port, ...commands] = process.argv.slice(2)
const config = new KubeConfig()
config.loadFromClusterAndUser({ name: 'feed', server: `http://127.0.0.1:${port}`, skipTLSVerify: true }, { name: 'feed' })
for (const command of commands) {
  const stdout = new PassThrough()
  const chunks = []
  let [end, status] = [', stdout open', 'no status']
  stdout.on('data', (chunk) => chunks.push(chunk)).on('end', () => (end = ''))
  const socket = await new Exec(config).exec('default', 'feed', 'feed', command, stdout, new PassThrough(), null, false, (said) => (status = said.status))
  await new Promise((closed) => socket.on('close', closed))
  await new Promise((soon) => setTimeout(soon, 1000))
  console.log(JSON.stringify([Buffer.concat(chunks).toString(), status + end]))
}
EOF

cat > try.py <<'EOF'
import asyncio, json, sys
from urllib.parse import parse_qs, urlsplit
from websockets.asyncio.server import serve
from websockets.datastructures import Headers
from websockets.http11 import Response

STDOUT, STATUS = b"\x01", b"\x03"
TABLE = "id,price\n1,64000.10\n2,64000.20\n3,64000.30\n"
HALF = TABLE[:len(TABLE) // 2]
SIGN = "64000.10 €\n"
FAILED = {"metadata": {}, "status": "Failure", "reason": "NonZeroExitCode", "message": "command terminated with exit code 2",
          "details": {"causes": [{"reason": "ExitCode", "message": "2"}]}}
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "feed", "namespace": "default"},
       "spec": {"containers": [{"name": "feed"}]}, "status": {"conditions": [{"type": c, "status": "True"} for c in ("Ready", "ContainersReady")]}}

# What is no WebSocket asks for the pod, the server's version, or what it can do.
async def answer(connection, request):
    path = urlsplit(request.path).path.rstrip("/")
    if path.endswith("/exec"):
        return None
    said = POD if path.endswith("/feed") else {"major": "1", "minor": "36", "gitVersion": "v1.36.0", "versions": ["v1"]}
    body = json.dumps(said).encode()
    return Response(200, "OK", Headers({"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"}), body)

async def run(socket):
    command = parse_qs(urlsplit(socket.request.path).query)["command"][0]
    await socket.send(STDOUT) # an API server begins so
    if command == "sign":
        cut = SIGN.encode().index("€".encode()) + 1
        for part in SIGN.encode()[:cut], SIGN.encode()[cut:]:
            await socket.send(STDOUT + part)
    else:
        await socket.send(STDOUT + HALF.encode())
        if command == "whole":
            await socket.send(STDOUT + TABLE[len(HALF):].encode())
    await asyncio.sleep(0.3)
    if command == "close":
        await socket.close(1001)
    elif command == "loss":
        socket.transport.abort()
    else:
        await socket.send(STATUS + json.dumps(FAILED if command == "fail" else {"metadata": {}, "status": "Success"}).encode())

async def get(name, port, *commands):
    program = ["node", "client.mjs"] if name == "client-node" else [sys.executable, "client.py", name]
    client = await asyncio.create_subprocess_exec(*program, str(port), *commands, stdout=asyncio.subprocess.PIPE)
    return map(json.loads, (await client.communicate())[0].splitlines())

async def main():
    async with serve(run, "127.0.0.1", 0, process_request=answer, subprotocols=["v5.channel.k8s.io", "v4.channel.k8s.io"], compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        for name in "kubernetes", "kubernetes, returncode", "kubernetes_asyncio", "kr8s", "client-node":
            whole, fail, close, loss, sign = await get(name, port, "whole", "fail", "close", "loss", "sign")
            assert whole[0] == TABLE, whole
            half = lambda got: "the half returned" if got == [HALF, "returned"] else got[1]
            kept = sign[1] if sign[0] is None else "kept" if sign[0] == SIGN else "changed"
            print(f"{name}: exit status 2: {fail[1]}; Close: {half(close)}; loss: {half(loss)}; a character in two frames: {kept}", flush=True)

asyncio.run(main())
EOF

timeout -k 5 110 venv/bin/python try.py 2> errors | tee seen || { cat errors >&2; exit 1; }
diff expected seen && echo "as described"
