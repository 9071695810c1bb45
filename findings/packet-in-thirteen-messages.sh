#!/usr/bin/env bash
# npm mqtt 5.16.0, paho-mqtt 1.1.0, u8-mqtt 0.6.7 over ws 8.23.0; PyPI paho-mqtt 2.2.0, websockets 17.4 as the server
#
# MQTT over WebSocket is a stream of bytes: where a message ends means nothing, and a server puts packets together. In
# Node, mqtt sends each field of a packet as a WebSocket message of its own: a CONNECT with a login comes in 13, most of
# them of a byte or two. The other three send a packet in one message. So a server that a test wrote for one of them,
# and that takes a message for a packet, misreads mqtt from its first byte on; and a recording of mqtt has no message in
# it that is a CONNECT, a SUBSCRIBE or a PUBLISH.
#
# Seen: the sizes of the messages in which each packet came:
#   mqtt: CONNECT in 1+1+2+4+1+1+2+2+5+2+4+2+6, SUBSCRIBE in 1+1+2+2+5+1, PUBLISH in 1+1+2+5+2+9
#   paho-mqtt (npm): CONNECT in 33, SUBSCRIBE in 12, PUBLISH in 20
#   u8-mqtt: CONNECT in 33, SUBSCRIBE in 12, PUBLISH in 20
#   paho-mqtt (PyPI): CONNECT in 33, SUBSCRIBE in 12, PUBLISH in 20
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check paho-mqtt==2.2.0 websockets==17.4
npm install --silent --no-audit --no-fund --ignore-scripts mqtt@5.16.0 paho-mqtt@1.1.0 u8-mqtt@0.6.7 ws@8.23.0

cat > expected <<'EOF'
mqtt: CONNECT in 1+1+2+4+1+1+2+2+5+2+4+2+6, SUBSCRIBE in 1+1+2+2+5+1, PUBLISH in 1+1+2+5+2+9
paho-mqtt (npm): CONNECT in 33, SUBSCRIBE in 12, PUBLISH in 20
u8-mqtt: CONNECT in 33, SUBSCRIBE in 12, PUBLISH in 20
paho-mqtt (PyPI): CONNECT in 33, SUBSCRIBE in 12, PUBLISH in 20
EOF

# Each logs in, subscribes, and then publishes with QoS 1.
cat > client.mjs <<'EOF'
import WebSocket from 'ws'
globalThis.WebSocket = WebSocket
const [library, port] = process.argv.slice(2)
const url = `ws://127.0.0.1:${port}/mqtt`
const ORDER = '{"buy":1}'
if (library === 'mqtt') {
  const { default: mqtt } = await import('mqtt')
  const client = mqtt.connect(url, { clientId: 'maker', username: 'user', password: 'secret' })
  client.on('connect', () => client.subscribe('price', () => client.publish('order', ORDER, { qos: 1 })))
} else if (library === 'paho-mqtt') {
  globalThis.window = globalThis
  globalThis.localStorage = { getItem: () => null, setItem() {}, removeItem() {}, key: () => null, length: 0 }
  const { default: { Client } } = await import('paho-mqtt')
  const client = new Client(url, 'maker')
  const subscribe = () => client.subscribe('price', { onSuccess: () => client.send('order', ORDER, 1) })
  client.connect({ mqttVersion: 4, userName: 'user', password: 'secret', onSuccess: subscribe })
} else {
  const { mqtt_v4 } = await import('u8-mqtt')
  const client = mqtt_v4()
  client.with_websock(url)
  await client.connect({ client_id: 'maker', username: 'user', password: 'secret', keep_alive: 60 })
  await client.subscribe(['price'])
  await client.send('order', ORDER)
}
EOF

cat > client.py <<'EOF'
import sys
from paho.mqtt.client import CallbackAPIVersion, Client

client = Client(CallbackAPIVersion.VERSION2, client_id="maker", transport="websockets")
client.username_pw_set("user", "secret")
client.on_connect = lambda *_: client.subscribe("price")
client.on_subscribe = lambda *_: client.publish("order", '{"buy":1}', qos=1)
client.connect("127.0.0.1", int(sys.argv[1]))
client.loop_forever()
EOF

cat > try.py <<'EOF'
import asyncio, logging, subprocess, sys
import websockets

logging.disable() # each client is killed, which the server would log as an error

PROGRAMS = {"mqtt": ["node", "client.mjs", "mqtt"], "paho-mqtt (npm)": ["node", "client.mjs", "paho-mqtt"],
            "u8-mqtt": ["node", "client.mjs", "u8-mqtt"], "paho-mqtt (PyPI)": [sys.executable, "client.py"]}
KINDS = {1: "CONNECT", 3: "PUBLISH", 8: "SUBSCRIBE"}

async def play(program):
    packets, published = [], asyncio.Event()

    async def serve(socket):
        held, sizes = b"", []
        async for message in socket:
            held += message
            sizes.append(len(message))
            while len(held) >= 2 and len(held) >= 2 + held[1]: # all packets here are shorter than 128 bytes
                kind, packet, held = held[0] >> 4, held[:2 + held[1]], held[2 + held[1]:]
                packets.append(f"{KINDS[kind]} in {'+'.join(map(str, sizes))}")
                sizes = []
                if kind == 1:
                    await socket.send(b"\x20\x02\x00\x00")
                elif kind == 8:
                    await socket.send(b"\x90\x03" + packet[2:4] + b"\x00")
                else:
                    published.set()

    async with websockets.serve(serve, "127.0.0.1", 0, subprotocols=["mqtt", "mqttv3.1"]) as server:
        port = server.sockets[0].getsockname()[1]
        client = await asyncio.create_subprocess_exec(*program, str(port), stdout=subprocess.DEVNULL)
        try:
            await asyncio.wait_for(published.wait(), 25)
        except TimeoutError:
            packets.append("no more")
        if client.returncode is None:
            client.kill()
        await client.wait()
    return ", ".join(packets)

async def main():
    for name, program in PROGRAMS.items():
        print(f"{name}: {await play(program)}", flush=True)

asyncio.run(main())
EOF

timeout -k 5 110 venv/bin/python try.py 2> errors | tee seen || true
diff expected seen || { cat errors >&2; exit 1; }
echo "as described"
